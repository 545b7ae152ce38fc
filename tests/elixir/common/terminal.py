"""The terminal on which a page of the documentation is played."""

import os
import pty
import re
import subprocess

from machine import BOOT_S, Screen, wait

ANSWER_S = 120


class Terminal:
    """A reader's terminal, for `console` blocks: `$` begins a command, `iex(N)>` is waited for and typed at, `Ctrl-A X` leaves,
    everything else has to appear, but for the time in the lines of a device's log."""

    def __init__(self, report, machine):
        self.report, self.machine, self.process = report, machine, None
        self.ours, self.theirs = pty.openpty()
        self.screen = Screen(self.ours)
        self.patience_s = ANSWER_S

    def play(self, text, folder):
        for line in text.splitlines():
            prompt = re.match(r"(iex\(\d+\)>) (.*)", line)
            if line.startswith("$ "):
                self.process = subprocess.Popen(["bash", "-c", line[2:]], cwd=folder, env=self.machine.environment,
                                                stdin=self.theirs, stdout=self.theirs, stderr=self.theirs)
                self.patience_s = BOOT_S  # for its first line: something may be built first
            elif line == "Ctrl-A X":
                self.screen.type("\x01x")
                self.report.check("Ctrl-A X leaves", wait(self.process, 60) == 0, self.screen.tail())
            elif prompt:
                self.report.check(line, self.screen.wait_for(prompt[1], BOOT_S), self.screen.tail())
                self.screen.type(prompt[2] + "\r")
            else:
                log = re.match(r"\| +[\d.]+ (\| .*)", line)
                wanted = log[1] if log else "\r\n" + line
                self.report.check(f"answer: {line}", self.screen.wait_for(wanted, self.patience_s), self.screen.tail())
                self.patience_s = ANSWER_S

    def close(self):
        if self.process and self.process.poll() is None:
            self.screen.type("\x01x")
            if wait(self.process, 30) is None:
                self.process.kill()
                self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)
