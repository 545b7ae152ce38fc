"""docs/guides/run_on_sel4.md: its commands with the kernel that ./kos test was given, else with Keel in its place."""

from kos import results
from kos.common import TARGET, TOP
from machine import check_run
from pages import one
from terminal import Terminal

PAGE = TOP / "docs/guides/run_on_sel4.md"
SHOWN = "path/to/sel4.elf"


def play(report, machine, place):
    kernel, _ = results.kernel()
    if kernel.is_relative_to(TARGET):
        report.skip("on unmodified seL4", "no kernel is given (./kos test --sel4 PATH); Keel takes its place in the commands")
    run, test, build = one(PAGE, "sh", SHOWN).replace(SHOWN, str(kernel)).splitlines()
    terminal = Terminal(report, machine)
    try:
        terminal.play(f"$ {run}\n|  0.0 | counter#1 | counter is ready\nCtrl-A X\n", place)
    finally:
        terminal.close()
    check_run(report, "kos.test --sel4", machine.run(test.split(), place), "3 passed, 0 failed")
    check_run(report, "kos.build --sel4", machine.run(build.split(), place), r"device\.elf: \d+ bytes")
    report.check("the image is there", (place / "device.elf").is_file())
    check_run(report, "another file is refused", machine.run(["mix", "kos.build", "--sel4", "/bin/true"], place), "(?s)/bin/true.*expected", 1)
