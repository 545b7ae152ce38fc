"""Executes docs/start/first_hour.md as it is written.

`sh` blocks run in a shell, one after the other, each from where the last one ended; the first one in the tree, the second one from an
empty folder on. `console` blocks are what a reader sees on a terminal (terminal.py)."""

import sys
import tempfile
from pathlib import Path

from kos.common import TOP

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
from machine import Machine, Report  # noqa: E402
from pages import blocks, play_shell  # noqa: E402
from terminal import Terminal  # noqa: E402

PAGE = TOP / "docs/start/first_hour.md"


def main():
    report = Report()
    found = blocks(PAGE, "sh", "console")
    report.check("the page has commands", len(found) > 8, str(len(found)))
    with tempfile.TemporaryDirectory(prefix="kos-tutorial-") as folder:
        machine = Machine(folder)
        terminal = Terminal(report, machine)
        place = TOP
        try:
            for language, text in found:
                if language == "console":
                    terminal.play(text, place)
                else:
                    place = play_shell(report, machine, text, place)
                    # After the installation the reader is "in any folder".
                    place = machine.folder if place == TOP else place
        finally:
            terminal.close()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
