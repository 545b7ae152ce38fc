"""Executes docs/start/first_hour.md as it is written.

`sh` blocks run in a shell, one after the other, each from where the last one ended; the first one in the tree, the second one from an
empty folder on. `console` blocks are what a reader sees on a terminal: `$` begins a command, `iex(N)>` is waited for and typed at,
`Ctrl-A X` leaves, everything else has to appear."""

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from kos.common import TOP

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
from machine import BOOT_S, Machine, Report, Screen, wait  # noqa: E402
from pages import blocks, play_shell  # noqa: E402

PAGE = TOP / "docs/start/first_hour.md"
ANSWER_S = 120


class Terminal:
    """The reader's first terminal."""

    def __init__(self, report, machine):
        self.report, self.machine, self.process = report, machine, None
        self.ours, self.theirs = pty.openpty()
        self.screen = Screen(self.ours)

    def play(self, text, folder):
        for line in text.splitlines():
            prompt = re.match(r"(iex\(\d+\)>) (.*)", line)
            if line.startswith("$ "):
                self.process = subprocess.Popen(["bash", "-c", line[2:]], cwd=folder, env=self.machine.environment,
                                                stdin=self.theirs, stdout=self.theirs, stderr=self.theirs)
            elif line == "Ctrl-A X":
                self.screen.type("\x01x")
                self.report.check("Ctrl-A X leaves", wait(self.process, 60) == 0, self.screen.tail())
            elif prompt:
                self.report.check(line, self.screen.wait_for(prompt[1], BOOT_S), self.screen.tail())
                self.screen.type(prompt[2] + "\r")
            else:
                self.report.check(f"answer: {line}", self.screen.wait_for("\r\n" + line, ANSWER_S), self.screen.tail())

    def close(self):
        if self.process and self.process.poll() is None:
            self.screen.type("\x01x")
            if wait(self.process, 30) is None:
                self.process.kill()
                self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)


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
