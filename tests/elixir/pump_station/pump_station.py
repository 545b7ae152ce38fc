"""The whole pump station (examples/pump-station), its page in Debian's Chromium: it loads, values move, each button is pressed, what
was broken comes back, the page comes back by itself, and the judge in the plant has seen no violation of the safety rule.

Then buttons in random order, several at once, for as long as KOS_PUMP_STATION_SECONDS says (60), with a seed:
`KOS_PUMP_STATION_SECONDS=600 ./kos test pump_station --seed random`."""

import json
import os
import random
import sys
import threading
import time
import urllib.error
import urllib.request

from kos import browser, network, session, system_image
from kos.common import BUILD, TOP, KosError
from kos.results import Results, kernel

SYSTEM = TOP / "examples/pump-station/system.toml"
SHOTS = BUILD / "test-logs"
# Seconds of the host, which may be busy with other tests.
BOOT_S, STEP_S = 600, 300
NATIVE, BEAMS = ("sensor", "pump", "controller"), ("station", "history")
# What the supervisor must say of the end of an instance.
REASONS = {"kill": {"killed", "done", "error"}, "crash": {"fault_memory"}, "hang": {"hung"}, "compromise": {"fault_memory"}}
RANDOM_S = float(os.environ.get("KOS_PUMP_STATION_SECONDS", "60"))


class Device:
    """The device as anybody on the network sees it, beside the browser."""

    def __init__(self, port):
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
    page.wait("document.querySelectorAll('#graph .node').length", lambda nodes: nodes == 14, STEP_S)
    require(page.value("document.getElementById('rule').className") == "rule good", "the rule does not hold on the page")
    complaints = page.messages()
    require(not complaints, f"the page complains: {complaints}")


def fits_everywhere(device, page):
    """No size of window makes the page wider than it is; pictures of each are kept for a reader."""
    for name, width, height, colours in (("wide", 1280, 1900, "light"), ("dark", 1280, 1900, "dark"), ("phone", 360, 3400, "light")):
        page.size(width, height)
        page.colours(colours)
        require(page.value("document.documentElement.scrollWidth") <= width, f"the page is wider than {width}")
        page.screenshot(SHOTS / f"pump_station-{name}.png")
    page.size(1280, 1900)


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


def press(part, how):
    def pressed(device, page):
        before = device.wait("the state", lambda state: of(state, part)["state"] == "ready" and state["history"] == "up")
        count = of(before, part)["instance"]
        page.wait(f"document.querySelector('[data-part={part}] [data-how={how}]').disabled", lambda off: off is False, STEP_S)
        page.click(f"[data-part={part}] [data-how={how}]")
        after = device.wait(f"{part} after {how}", lambda state: of(state, part)["instance"] > count
                            and of(state, part)["state"] == "ready" and state["history"] == "up")
        check_rule(after)
        if part in NATIVE:
            require(of(after, part)["reason"] in REASONS[how], f"{part} has ended with {of(after, part)['reason']}")
            for other in (*NATIVE, *BEAMS):
                require(other == part or of(after, other)["instance"] == of(before, other)["instance"], f"{other} was restarted as well")
        page.wait("document.getElementById('live').textContent", lambda text: text == "live", STEP_S)

    return pressed


def attempts_are_shown(device, page):
    """What the hostile parts tried is on the page, each attempt with a refusal."""
    page.click("[data-filter=hostile]")
    page.wait("document.getElementById('log').innerText", lambda text: "hostile: connect to actuators: UNAUTHORIZED" in text
              and "its queue is full" in text and "NOT_ENOUGH_MEMORY" in text, STEP_S)


def random_breaks(seed):
    def broken(device, page):
        noise = random.Random(seed)
        print(f"seed {seed}, {RANDOM_S:g} s", flush=True)
        until = time.monotonic() + RANDOM_S
        while time.monotonic() < until:
            part = noise.choice((*NATIVE, *NATIVE, *NATIVE, *BEAMS))
            how = noise.choice(("kill", "crash", "hang", "compromise") if part in NATIVE else ("kill", "crash"))
            print(f"{how} {part}: {device.post(f'/part/{part}/{how}')}", flush=True)
            time.sleep(noise.uniform(0, 6))
            if state := device.state():
                require(not state["judge"] or state["judge"]["dry"] + state["judge"]["blind"] + state["judge"]["overflow"] == 0,
                        f"the safety rule was broken: {state['judge']}")
        calm = device.wait("everything back", lambda state: all(of(state, part)["state"] == "ready" for part in (*NATIVE, *BEAMS))
                           and state["judge"] and state["interlock"] and state["interlock"]["verdict"] == "run" and state["history"] == "up")
        check_rule(calm)
        page.wait("document.getElementById('live').textContent", lambda text: text == "live", STEP_S)
        page.wait("document.getElementById('rule').className", lambda name: name == "rule good", STEP_S)

    return broken


def steps(seed):
    yield "page", page_loads
    yield "sizes", fits_everywhere
    yield "values", values_move
    yield "target", target_is_set
    yield "strangers", strangers_are_refused
    for part in NATIVE:
        for how in ("kill", "crash", "hang", "compromise"):
            yield f"{how}_{part}", press(part, how)
    yield "attempts", attempts_are_shown
    for part, how in (("history", "crash"), ("station", "kill"), ("station", "hang"), ("station", "compromise")):
        yield f"{how}_{part}", press(part, how)
    yield "random", random_breaks(seed)


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
            with browser.start() as page:
                device = Device(forwards[0].host_port)
                for name, step in steps(seed):
                    try:
                        step(device, page)
                    except KosError as error:
                        results.add(name, str(error))
                        break  # nothing that follows makes sense
                    results.add(name)
        except KosError as error:
            if "session not created" in str(error):
                # Chromium is there and does not start on this machine (containers without what it wants): said, not hidden.
                results.skip("browser", str(error))
            else:
                results.add("start", str(error))
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
