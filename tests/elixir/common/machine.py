"""A machine with nothing but Debian's Elixir, commands on it, and a terminal. For the tests of the mix tasks."""

import os
import re
import select
import subprocess
import time
from pathlib import Path

from kos.results import Results

BOOT_S = 600  # most that a BEAM takes to boot on a busy machine


class Machine:
    """A machine with nothing but Debian's Elixir: a home of its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("MIX_", "KOS_", "HEX_"))}
        self.environment |= {"HOME": str(folder), "MIX_HOME": str(self.folder / ".mix"), "LC_ALL": "C.UTF-8", "HEX_OFFLINE": "1"}

    def run(self, words, cwd=None, environment=None):
        """(status, output)."""
        process = subprocess.run(words, cwd=cwd or self.folder, env=self.environment | (environment or {}), text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        print(f"$ {' '.join(map(str, words))}\n{process.stdout}", flush=True)
        return process.returncode, process.stdout


class Report(Results):
    def check(self, name, right, detail=""):
        self.add(name, None if right else detail or "wrong")
        return right


def check_run(report, name, outcome, expected="", status=0):
    """The command ended with this status and said this."""
    got, text = outcome
    right = got == status and re.search(expected, text) is not None
    return report.check(name, right, "" if right else f"status {got}: {text[-400:]}")


def wait(process, timeout_s):
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return None


def with_device(report, machine, project, parts):
    """Boots the project, calls the parts with it when its link answers, ends it. Returns what it printed, which is
    console.log of the machine's folder."""
    path = machine.folder / "console.log"
    with open(path, "wb") as log:
        device = subprocess.Popen(["mix", "kos.run", "--no-build", "--timeout", "1800"], cwd=project, env=machine.environment,
                                  stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)
        try:
            report.check("the device runs", link_answers(machine, project, device), path.read_text(errors="replace")[-400:])
            for part in parts if device.poll() is None else ():
                part(report, machine, project)
        finally:
            end(device)
            text = path.read_text(errors="replace")
            print(text, flush=True)
    return text


def link_answers(machine, project, device):
    deadline = time.monotonic() + BOOT_S
    while time.monotonic() < deadline and device.poll() is None:
        if machine.run(["mix", "kos.status"], project)[0] == 0:
            return True
        time.sleep(2)
    return False


def end(device):
    try:
        device.stdin.write(b"\x01x")
        device.stdin.flush()
    except BrokenPipeError:
        pass  # it has ended
    if wait(device, 60) is None:
        device.kill()


class Screen:
    def __init__(self, descriptor):
        self.descriptor, self.text = descriptor, ""

    def wait_for(self, wanted, timeout_s):
        """Reads until `wanted` has appeared behind what was waited for last."""
        deadline = time.monotonic() + timeout_s
        while wanted not in self.text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.descriptor], [], [], left)[0]:
                return False
            data = os.read(self.descriptor, 4096).decode(errors="replace")
            print(data, end="", flush=True)
            self.text += data
        self.text = self.text[self.text.index(wanted) + len(wanted):]
        return True

    def type(self, text):
        for character in text:
            os.write(self.descriptor, character.encode())
            time.sleep(0.02)

    def tail(self):
        return self.text[-300:]
