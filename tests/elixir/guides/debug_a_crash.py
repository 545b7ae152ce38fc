"""docs/guides/debug_a_crash.md: the counter fails as shown; from the record to the line, and in gdb if that is installed."""

import re
import shutil
import socket
import subprocess
import time

from kos.common import TOP
from machine import check_run, end
from pages import one

PAGE = TOP / "docs/guides/debug_a_crash.md"
RECORD_S = 60


def break_it(report, place):
    """Into the counter goes what is shown."""
    source = place / "apps/counter/main.c"
    good = source.read_text()
    source.write_text(re.sub(r"( *kos_log_info\(.*\n)", lambda found: found[1] + one(PAGE, "c", "nowhere"), good, count=1))
    report.check("the counter is broken", source.read_text() != good)
    return good


def look(report, machine, place):
    """While the device runs."""
    status, logs = (line.split("#")[0].split() for line in one(PAGE, "sh", "mix kos.status").splitlines())
    deadline = time.monotonic() + RECORD_S
    while True:
        outcome = machine.run(status, place)
        if re.search(r"counter +\w+ +\d+ +[1-9]\d* +memory fault", outcome[1]) or time.monotonic() > deadline:
            break
        time.sleep(1)
    check_run(report, "kos.status tells of the restarts, and why", outcome, r"counter +\w+ +\d+ +[1-9]\d* +memory fault")
    outcome = machine.run(logs, place)
    record = r"counter \(instance \d+, thread 0\): write at 0x0: likely null pointer\n.*pc (0x[0-9a-f]+)"
    check_run(report, "kos.logs has the record", outcome, record)
    found = re.search(record, outcome[1])
    command = one(PAGE, "sh", "addr2line").split()
    line = next(number for number, text in enumerate((place / "apps/counter/main.c").read_text().splitlines(), 1) if "*nowhere = 1" in text)
    outcome = machine.run([*command[:-1], found[1] if found else command[-1]], place)
    check_run(report, "its address is the line", outcome, rf"main\n.*apps/counter/main\.c:{line}\n")


def debug(report, machine, place):
    """gdb stops the counter, whole again, in its main."""
    if not shutil.which("gdb-multiarch"):
        report.skip("in gdb", "gdb-multiarch is not installed")
        return
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 1234)) == 0:
            report.skip("in gdb", "port 1234 is taken on this machine")
            return
    log = machine.folder / "gdb.log"
    run = one(PAGE, "sh", "--gdb").split()
    with open(log, "wb") as output:
        device = subprocess.Popen([*run, "--no-build", "--timeout", "600"], cwd=place, env=machine.environment, stdin=subprocess.PIPE,
                                  stdout=output, stderr=subprocess.STDOUT)
    try:
        attach = None
        while device.poll() is None and not attach:
            time.sleep(0.5)
            attach = re.search(r"waiting for a debugger: (gdb-multiarch \S+) -ex '(.*)'", log.read_text(errors="replace"))
        report.check("it says how to attach", attach is not None, log.read_text(errors="replace")[-400:])
        typed = [line.removeprefix("(gdb) ") for text in re.findall(r"^```\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
                 for line in text.splitlines() if line.startswith("(gdb) ")]
        report.check("the guide types at gdb", len(typed) == 3, str(typed))
        if attach:
            words = [word for command in ("set tcp connect-timeout 60", attach[2], *typed) for word in ("-ex", command)]
            outcome = machine.run(["timeout", "300", *attach[1].split(), "-q", "-batch", *words], place)
            check_run(report, "it stops in the program", outcome, r"Breakpoint 1, main \(\) at .*apps/counter/main\.c:\d+")
    finally:
        end(device)
