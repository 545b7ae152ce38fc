"""A project shaped as one of Phoenix, moved as docs/guides/move_an_elixir_project.md says: kos.init, boot, requests through the forwarded port, a
server that is killed, logs, and another page by kos.push while the device runs."""

import re
import shutil
import socket
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from kos.common import TOP

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
from machine import Machine, Report, check_run, with_device  # noqa: E402
from pages import blocks, one, play_console  # noqa: E402

GUIDE = TOP / "docs/guides/move_an_elixir_project.md"
ANSWER_S = 300


def adopt(report, machine):
    check_run(report, "the archive", machine.run([TOP / "kos", "mix", "install"]))
    site = machine.folder / "site"
    shutil.copytree(HERE / "site", site)
    outcome = play_console(report, machine, one(GUIDE, "console", "mix kos.init"), site)
    check_run(report, "kos.init says what is open", outcome,
              r"(?s)mix assets\.deploy.*http://localhost:4000.*DATABASE_PATH is in memory.*Next: mix kos\.run")
    report.check("what is in comments is not asked for", "SOME_APP" not in outcome[1] + (site / "app.toml").read_text())
    logs(report, site)
    allowed(report, machine, site)
    play_console(report, machine, one(GUIDE, "console", "assets.deploy"), site)
    check_run(report, "it builds", machine.run(["mix", "kos.build"], site), r"site\.elf: \d+ bytes")
    return site


def logs(report, site):
    """The library and its backend of Logger, as the guide says."""
    project, config = re.search(r"# mix\.exs\n(.*)\n\n# config/prod\.exs\n(.*)", one(GUIDE, "elixir", "Kos.Log]"), re.DOTALL).groups()
    archives = re.match(r"archives: .*,", project)[0]
    library = re.search(r"or (Kos\.Mix\.library\(\)) in deps/0", project)[1]
    exs = site / "mix.exs"
    text = exs.read_text()
    changed = text.replace("app: :site,", f"app: :site,\n      {archives}").replace('vendor/plug_cowboy"}', f'vendor/plug_cowboy"}},\n        {library}')
    report.check("mix.exs takes both lines", archives in changed and library in changed, changed)
    exs.write_text(changed)
    with open(site / "config/prod.exs", "a") as file:
        file.write(config)


def allowed(report, machine, site):
    """The database on another machine: the manifest takes the rule. It goes again, for the name is nobody's."""
    file = site / "app.toml"
    good = file.read_text()
    rules = [text for _, text in blocks(GUIDE, "toml")]
    report.check("the guide has one rule", len(rules) == 1, str(rules))
    file.write_text(good + "\n" + rules[0])
    check_run(report, "a rule for a database", machine.run(["mix", "kos.manifest"], site), "system.toml: ok")
    file.write_text(good)


def get(report, machine, path, expected, timeout_s=ANSWER_S):
    """Asks until the answer is as expected; the answer."""
    port = re.search(r"domain site: localhost:(\d+)", (machine.folder / "console.log").read_text(errors="replace"))
    deadline, answer = time.monotonic() + timeout_s, "no port is said"
    while port and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}{path}", timeout=30) as response:
                answer = response.read().decode()
        except OSError as error:  # not up yet
            answer = str(error)
        if re.search(expected, answer):
            break
        time.sleep(1)
    report.check(f"GET {path}: {expected}", re.search(expected, answer) is not None, answer)
    return answer


def visit(report, machine, site):
    first = get(report, machine, "/", "^one ")
    get(report, machine, "/database", "^kept$")
    get(report, machine, "/kill", "^killed$")
    again = get(report, machine, "/", "^one ")
    report.check("the server was restarted inside its BEAM", first.split()[-1] == again.split()[-1], f"{first}, {again}")
    check_run(report, "the domain was not", machine.run(["mix", "kos.status"], site), r"(?m)^site +ready +1 +0 ")
    log = (machine.folder / "console.log").read_text(errors="replace")
    report.check("requests are logged", "[info] GET /database" in log)
    report.check("the prompt is there", "iex(1)>" in log)
    check_run(report, "kos.logs has them, too", machine.run(["mix", "kos.logs", "--app", "site"], site), r"site#1 \|.*GET /database")


def push(report, machine, site):
    _, before = machine.run(["mix", "kos.status"], site)
    source = site / "lib/site.ex"
    source.write_text(source.read_text().replace('"one #', '"two #'))
    started = time.monotonic()
    outcome = play_console(report, machine, one(GUIDE, "console", "kos.push"), site)
    check_run(report, "another page is pushed", outcome, r"\d+ KiB of \d+ KiB sent")
    get(report, machine, "/", "^two ")
    report.record({"row": "from an edit to the first answer of the new version", "value": round(time.monotonic() - started, 1), "unit": "s"})
    _, after = machine.run(["mix", "kos.status"], site)
    others = [[line.split()[:4] for line in text.splitlines() if not line.startswith("site ")] for text in (before, after)]
    report.check("nobody else was restarted", others[0] == others[1], after)


def second_device(report, machine, site):
    check_run(report, "one device of a project at a time", machine.run(["mix", "kos.run", "--no-build", "--timeout", "60"], site),
              "a device of this project runs already", 1)


def main():
    report = Report()
    with tempfile.TemporaryDirectory(prefix="kos-site-") as folder, socket.socket() as taken:
        # Somebody else has the port, as on most developers' machines.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 4000))
            taken.listen()
        except OSError:
            pass  # then somebody has it
        machine = Machine(folder)
        site = adopt(report, machine)
        with_device(report, machine, site, (visit, second_device, push))
        text = (machine.folder / "console.log").read_text(errors="replace")
        report.check("a port that is taken is said", "because 4000 is in use on this machine" in text)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
