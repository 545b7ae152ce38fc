"""A project shaped as one of Phoenix: kos.init, boot, requests through the forwarded port, a server that is killed, logs, and another page by
kos.push while the device runs."""

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

ANSWER_S = 300


def adopt(report, machine):
    check_run(report, "the archive", machine.run([TOP / "kos", "mix", "install"]))
    site = machine.folder / "site"
    shutil.copytree(HERE / "site", site)
    outcome = machine.run(["mix", "kos.init"], site)
    check_run(report, "kos.init says what is open", outcome,
              r"(?s)mix assets\.deploy.*http://localhost:4000.*DATABASE_PATH is in memory.*Next: mix kos\.run")
    report.check("what is in comments is not asked for", "SOME_APP" not in outcome[1] + (site / "app.toml").read_text())
    check_run(report, "it builds", machine.run(["mix", "kos.build"], site), r"site\.elf: \d+ bytes")
    return site


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


def push(report, machine, site):
    _, before = machine.run(["mix", "kos.status"], site)
    source = site / "lib/site.ex"
    source.write_text(source.read_text().replace('"one #', '"two #'))
    started = time.monotonic()
    check_run(report, "another page is pushed", machine.run(["mix", "kos.push"], site), r"\d+ KiB of \d+ KiB sent")
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
