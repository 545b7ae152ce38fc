"""Does what the guides show (docs/guides): their commands, and their snippets put together to applications that are built, checked and booted.

Messages and supervision have no commands; moving an Elixir project is the test elixir_site, and for Nerves elixir_tasks."""

import sys
import tempfile
from pathlib import Path

from kos.common import TOP

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
import debug_a_crash  # noqa: E402
import driver  # noqa: E402
import first_application  # noqa: E402
import memory_budget  # noqa: E402
import network  # noqa: E402
import run_on_sel4  # noqa: E402
import write_a_service  # noqa: E402
from machine import Machine, Report, check_run, with_device  # noqa: E402


def station(report, machine):
    """One project for those that begin with write_a_service.md."""
    place = write_a_service.service(report, machine)
    run_on_sel4.play(report, machine, place)
    write_a_service.client(report, machine, place)
    write_a_service.denied(report, machine, place)
    memory_budget.play(report, machine, place)
    net = network.Network()
    try:
        net.make(report, machine, place)
        good = debug_a_crash.break_it(report, place)
        with_device(report, machine, place, (net.use, debug_a_crash.look))
    finally:
        net.close()
    (place / "apps/counter/main.c").write_text(good)
    debug_a_crash.debug(report, machine, place)


def main():
    report = Report()
    with tempfile.TemporaryDirectory(prefix="kos-guides-") as folder:
        machine = Machine(folder)
        check_run(report, "the archive", machine.run([TOP / "kos", "mix", "install"]))
        station(report, machine)
        first_application.play(report, machine)
        driver.play(report, machine)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
