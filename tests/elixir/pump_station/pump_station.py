"""The whole pump station (examples/pump-station), its page in Debian's Chromium: it loads, can be read, values move, hostile requests are
refused, each button is pressed, what was broken comes back, the page shows what has happened and comes back by itself, and the judge in
the plant has seen no violation of the safety rule.

Then buttons in random order, several at once, for as many seconds of the device as KOS_PUMP_STATION_SECONDS says (60), with a seed:
`KOS_PUMP_STATION_SECONDS=600 ./kos test pump_station --seed random`. KOS_PUMP_STATION_ONLY=random,hostile_requests runs these steps
alone. Where Chromium does not start, the buttons are pressed by HTTP, and what needs the page is skipped."""

import json
import os
import random
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import hostile_http  # noqa: E402
from kos import browser, network, session, system_image
from kos.common import BUILD, TOP, KosError
from kos.results import Results, kernel

SYSTEM = TOP / "examples/pump-station/system.toml"
SHOTS = BUILD / "test-logs"
# Seconds of the host, which may be busy with other tests.
BOOT_S, STEP_S = 600, 600
NATIVE, BEAMS = ("sensor", "pump", "controller"), ("station", "history")
HOWS = ("kill", "crash", "hang", "compromise")
DOMAINS = 15
# What the supervisor must say of the end of an instance.
REASONS = {"kill": {"killed", "done", "error"}, "crash": {"fault_memory"}, "hang": {"hung"}, "compromise": {"fault_memory"}}
RANDOM_S = float(os.environ.get("KOS_PUMP_STATION_SECONDS", "60"))
ONLY = [name for name in os.environ.get("KOS_PUMP_STATION_ONLY", "").split(",") if name]


class Device:
    """The device as anybody on the network sees it, beside the browser."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def state(self):
        """None while the station is away."""
        try:
            with urllib.request.urlopen(f"{self.url}/state", timeout=30) as answer:
                return json.loads(answer.read())
        except (OSError, ValueError):
            return None

    def post(self, path, body=b"", fields=(("X-Station", "1"),)):
        request = urllib.request.Request(self.url + path, data=body, headers=dict(fields), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def domain(self, name):
        state = self.state()
        return next((one for one in state["domains"] if one["name"] == name), None) if state else None

    def wait(self, what, is_wanted, seconds=STEP_S):
        deadline = time.monotonic() + seconds
        while True:
            state = self.state()
            if state and state["domains"] and is_wanted(state):
                return state
            if time.monotonic() > deadline:
                raise KosError(f"{what}: not within {seconds} s; the state is {json.dumps(state)[:1500]}")
            time.sleep(1)


def of(state, name):
    return next(one for one in state["domains"] if one["name"] == name)


def require(is_so, why):
    if not is_so:
        raise KosError(why)


def check_rule(state):
    judge = state["judge"]
    require(judge and judge["dry"] + judge["blind"] + judge["overflow"] == 0, f"the safety rule was broken: {judge}")
    require(of(state, "plant")["instance"] == 1, "the judge was restarted")


def page_loads(device, page):
    page.open(device.url + "/")
    page.wait("document.getElementById('v-level').textContent", str.isdigit, STEP_S)
    page.wait("document.querySelectorAll('#parts tr').length", lambda rows: rows == 5, STEP_S)
    page.wait("document.querySelectorAll('#graph .node').length", lambda nodes: nodes == DOMAINS, STEP_S)
    require(page.value("document.getElementById('rule').className") == "rule good", "the rule does not hold on the page")
    complaints = page.messages()
    require(not complaints, f"the page complains: {complaints}")


# Texts with a contrast below 4.5 against what is behind them (WCAG 2.1, 1.4.3), and what has no name for who does not see it.
READABLE = """
const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const bad = [];
for (const e of document.querySelectorAll('body *')) {
  const style = getComputedStyle(e);
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || !e.getClientRects().length || e.closest('button:disabled, title, script, [hidden]')) continue;
  let back = null;
  for (let p = e; p && !back; p = p.parentElement) { const b = parse(getComputedStyle(p).backgroundColor); if (b[3] > 0.99) back = b; }
  const [dark, bright] = [light(parse(e instanceof SVGElement ? style.fill : style.color)), light(back || [255, 255, 255])].sort((x, y) => x - y);
  if ((bright + 0.05) / (dark + 0.05) < 4.5) bad.push(e.tagName + ' ' + e.textContent.slice(0, 30));
}
for (const e of document.querySelectorAll('button, input, a, [tabindex="0"]')) {
  if (!(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.labels?.length || e.textContent.trim())) bad.push('no name: ' + e.outerHTML.slice(0, 60));
}
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
if (new Set(ids).size !== ids.length) bad.push('an id is there twice');
const elsewhere = performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin) && !n.startsWith('data:'));
return [...bad, ...elsewhere];
"""


def fits_everywhere(device, page):
    """No size of window makes the page wider than it is, and everything can be read; pictures of each are kept for a reader."""
    for name, width, height, colours in (("wide", 1280, 1900, "light"), ("dark", 1280, 1900, "dark"), ("phone", 360, 3400, "light")):
        page.size(width, height)
        page.colours(colours)
        require(page.value("document.documentElement.scrollWidth") <= width, f"the page is wider than {width}")
        problems = page.run(READABLE)
        require(not problems, f"{name}: {problems}")
        page.screenshot(SHOTS / f"pump_station-{name}.png")
    page.size(1280, 1900)
    page.colours("light")


def keyboard(device, page):
    """A domain of the graph is chosen, a part is broken and a filter is pressed without a mouse."""
    page.run("document.querySelector('[data-domain=pump]').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));")
    require("actuators" in page.value("document.getElementById('chosen').textContent"), "the pump's connections are not told")
    page.run("document.querySelector('[data-domain=pump]').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));")
    unreachable = page.value("[...document.querySelectorAll('button, input, g.node, .log')].filter(e => e.tabIndex < 0).length")
    require(unreachable == 0, f"{unreachable} elements cannot be reached by the keyboard")


def values_move(device, page):
    before = page.value("document.getElementById('rule-detail').textContent")
    level = page.value("document.getElementById('v-level').textContent")
    page.wait("document.getElementById('rule-detail').textContent", lambda text: text != before, STEP_S)
    page.wait("document.getElementById('v-level').textContent", lambda text: text != level, STEP_S)


def target_is_set(device, page):
    page.run("const input = document.getElementById('target-mm'); input.value = 600; input.dispatchEvent(new Event('change'));")
    device.wait("the target", lambda state: state["controller"] and state["controller"]["target_mm"] == 600)
    device.wait("the level", lambda state: state["judge"] and state["judge"]["level_mm"] > 590)
    require(device.post("/target", b"900") == 409, "a target out of range was taken")
    require(device.post("/target", b"500") == 200, "the old target was not taken")


def strangers_are_refused(device, page):
    """Another site's page cannot press buttons; broken and oversized requests are refused; nothing of it hurts."""
    require(device.post("/part/sensor/kill", fields=()) == 403, "a request without the page's field was taken")
    require(device.post("/part/plant/kill") == 404, "the plant can be broken")
    require(device.post("/part/sensor/kill", b"x" * 5000) in (413, None), "a body of 5000 bytes was taken")
    require(device.post("/part/" + "a" * 300 + "/kill") in (400, None), "a path of 300 characters was taken")
    require(device.state() is not None, "the station is gone")


def hostile_requests(seed):
    def sent(device, page):
        before = device.wait("the state", lambda state: of(state, "station")["state"] == "ready")
        wrong = hostile_http.refused(device.port) + hostile_http.random_requests(device.port, seed, 40)
        require(not wrong, f"answered wrongly: {wrong[:5]}")
        with hostile_http.Slow(device.port, 40) as slow:
            time.sleep(3)
            good, tries = hostile_http.served(device.port)
        require(slow.opened >= 32, f"only {slow.opened} slow connections came about")
        require(good >= 1 and good * 2 >= tries, f"beside slow requests {good} of {tries} were answered")
        with ExitStack() as stack:
            opened = hostile_http.idle_connections(device.port, 150, stack)
            require(len(opened) >= 32, f"only {len(opened)} connections came about")
            good, tries = hostile_http.served(device.port)
            require(good >= 1 and good * 2 >= tries, f"beside {len(opened)} silent connections {good} of {tries} were answered")
        after = device.wait("the state", lambda state: of(state, "station")["state"] == "ready")
        require(of(after, "station")["instance"] == of(before, "station")["instance"], "the station has fallen over")
        require(after["beam"] < before["beam"] + (24 << 20), f"the BEAM has grown from {before['beam']} to {after['beam']} bytes")
        check_rule(after)

    return sent


def shows_truth(page, state, part):
    """Row, graph and log say of the part what the supervisor says."""
    one, row = of(state, part), f"document.querySelector('[data-part={part}]')"
    page.wait(f"{row}.querySelector('.state').textContent", lambda text: text == "ready", STEP_S, f"the row's state of {part}")
    page.wait(f"{row}.querySelector('.num').textContent", lambda text: text == str(one["restarts"]), STEP_S, f"the row's restarts of {part}")
    page.wait(f"{row}.querySelector('.end').textContent === (reasons['{one['reason']}'] || '{one['reason']}')", bool, STEP_S, f"the row's last end of {part}")
    page.wait(f"document.querySelector('[data-domain={part}]').lastChild.textContent", lambda text: text.startswith(f"{one['restarts']} restart"), STEP_S,
              f"the graph's restarts of {part}")
    page.wait("document.getElementById('log').innerText", lambda text: f"{part} starts, instance {one['instance']}" in text, STEP_S, f"the log's line of {part}")
    page.wait("document.getElementById('live').textContent", lambda text: text == "live", STEP_S)
    page.wait("document.getElementById('rule').className", lambda name: name == "rule good", STEP_S)
    require(page.value("document.getElementById('stale').hidden"), "the page says that it is old")


def press(part, how):
    def pressed(device, page):
        before = device.wait("the state", lambda state: of(state, part)["state"] == "ready" and state["history"] == "up")
        count = of(before, part)["instance"]
        if page:
            page.wait(f"document.querySelector('[data-part={part}] [data-how={how}]').disabled", lambda off: off is False, STEP_S)
            # A station that is back at once leaves it old for a moment only, between two looks.
            page.run("window.wasOld = false; new MutationObserver(() => { wasOld ||= document.body.className === 'stale' && !document.getElementById('stale').hidden; })"
                     ".observe(document.body, {attributes: true});")
            page.click(f"[data-part={part}] [data-how={how}]")
        else:
            require(device.post(f"/part/{part}/{how}") == 200, f"{how} of {part} was refused")
        if page and part == "station":
            try:
                page.wait("window.wasOld", bool, STEP_S, "that the page has said that it is old")
            except KosError as error:
                raise KosError(f"{error}; the page: {page.value('document.body.innerText')[:3000]!r}; the state: {json.dumps(device.state())[:1500]}") from None
        after = device.wait(f"{part} after {how}", lambda state: of(state, part)["instance"] > count
                            and of(state, part)["state"] == "ready" and state["history"] == "up")
        check_rule(after)
        if part in NATIVE:
            require(of(after, part)["reason"] in REASONS[how], f"{part} has ended with {of(after, part)['reason']}")
        for other in (*NATIVE, *BEAMS):
            require(other == part or of(after, other)["instance"] == of(before, other)["instance"], f"{other} was restarted as well")
        if page:
            shows_truth(page, after, part)

    return pressed


def attempts_are_shown(device, page):
    """What the hostile parts tried is on the page, each attempt with a refusal."""
    page.click("[data-filter=hostile]")
    page.wait("document.getElementById('log').innerText", lambda text: "hostile: connect to actuators: UNAUTHORIZED" in text
              and "its queue is full" in text and "NOT_ENOUGH_MEMORY" in text, STEP_S)
    page.click("[data-filter=all]")


def random_breaks(seed):
    """Everything, in random order, several at a time; the judge is asked all the time and may miss nothing: it counts itself."""

    def broken(device, page):
        noise, done, looks = random.Random(seed), {}, 0
        print(f"seed {seed}, {RANDOM_S:g} s", flush=True)
        # Seconds of the device, which the judge counts in steps of ten milliseconds: this machine may be slower.
        begin = device.wait("the judge", lambda state: state["judge"])["judge"]["steps"]
        passed, heard = 0, time.monotonic()
        while passed < RANDOM_S:
            part = noise.choice((*NATIVE * 3, *BEAMS))
            how = noise.choice(HOWS)
            status = device.post(f"/part/{part}/{how}")
            print(f"{passed:.1f} s: {how} {part}: {status}", flush=True)
            if status == 200:
                done[part, how] = done.get((part, how), 0) + 1
            pause = time.monotonic() + noise.uniform(0, 4)
            while True:
                if (state := device.state()) and state["judge"] and state["domains"]:
                    looks, heard = looks + 1, time.monotonic()
                    passed = (state["judge"]["steps"] - begin) / 100
                    check_rule(state)
                require(time.monotonic() < heard + STEP_S, f"the station was not back within {STEP_S} s")
                if time.monotonic() > pause:
                    break
                time.sleep(0.3)
        calm = device.wait("everything back", lambda state: all(of(state, part)["state"] == "ready" for part in (*NATIVE, *BEAMS))
                           and state["judge"] and state["interlock"] and state["interlock"]["verdict"] == "run" and state["history"] == "up")
        check_rule(calm)
        print(f"{sum(done.values())} breaks of {len(done)} kinds in {passed:.0f} s of the device, {looks} looks; the judge: {calm['judge']}", flush=True)
        print(f"restarts: { {one['name']: one['restarts'] for one in calm['domains'] if one['restarts']} }", flush=True)
        require(looks > 0 and sum(done.values()) > 0, "nothing was broken, or nobody looked")
        if page:
            page.wait("document.getElementById('live').textContent", lambda text: text == "live", STEP_S)
            page.wait("document.getElementById('rule').className", lambda name: name == "rule good", STEP_S)

    return broken


def steps(seed):
    """(name, step, whether it is about the page)."""
    yield "page", page_loads, True
    yield "sizes", fits_everywhere, True
    yield "keyboard", keyboard, True
    yield "values", values_move, True
    yield "target", target_is_set, True
    yield "strangers", strangers_are_refused, False
    for part in NATIVE:
        for how in HOWS:
            yield f"{how}_{part}", press(part, how), False
    yield "attempts", attempts_are_shown, True
    for part in BEAMS:
        for how in HOWS:
            yield f"{how}_{part}", press(part, how), False
    yield "hostile_requests", hostile_requests(seed), False
    yield "random", random_breaks(seed), False


def browser_of(stack, results):
    """The browser, or None where it does not start (containers without what it wants): said, not hidden."""
    try:
        return stack.enter_context(browser.start())
    except KosError as error:
        results.skip("browser", str(error))
        return None


def drain(console):
    """What the console says from now on, for the reader of the log; nobody waits for it."""
    while part := console.process.stdout.read1(1 << 16):
        sys.stderr.write(part.decode(errors="replace"))


def main():
    results = Results()
    path, cores = kernel()
    seed = int(os.environ.get("KOS_TEST_SEED", "1"))
    root_task = system_image.compile_system(SYSTEM)
    forwards = network.forwards_of(root_task, network.free_port)
    with session.boot(root_task, path, cores, forwards=forwards) as console:
        try:
            console.expect("station: port 8080", BOOT_S)
            results.add("boot")
            threading.Thread(target=drain, args=(console,), daemon=True).start()
            with ExitStack() as stack:
                page = browser_of(stack, results)
                device = Device(forwards[0].host_port)
                for name, step, is_of_page in steps(seed):
                    if ONLY and name not in ONLY and not (name == "page" and page):
                        continue
                    if is_of_page and page is None:
                        results.skip(name, "no browser")
                        continue
                    try:
                        step(device, page)
                    except (KosError, OSError) as error:
                        results.add(name, f"{type(error).__name__}: {error}")
                        break  # nothing that follows makes sense
                    results.add(name)
        except KosError as error:
            results.add("start", str(error))
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
