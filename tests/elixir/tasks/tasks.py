"""The mix tasks kos.* from an empty folder: projects, applications in each language, tests on the device, the prompt, an
Elixir project that exists already, and what they say when something is wrong.

Nothing is installed outside of a temporary folder, and no package server is asked: there is neither hex nor rebar."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from kos.common import TOP
from kos.results import Results

HERE = Path(__file__).resolve().parent
TASKS = ("kos", "kos.new", "kos.new_app", "kos.init", "kos.build", "kos.run", "kos.test", "kos.manifest", "kos.deps.check", "kos.docs")
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


def install(report, machine):
    check_run(report, "the archive installs with one command", machine.run([TOP / "kos", "mix", "install"]))
    check_run(report, "again, over itself", machine.run([TOP / "kos", "mix", "install"]))
    for task in TASKS:
        check_run(report, f"{task} --help", machine.run(["mix", task, "--help"]), rf"(?s)mix {re.escape(task)}")
    check_run(report, "what the machine has", machine.run(["mix", "kos.deps.check"]), "Erlang/OTP 25.*as on the device")
    check_run(report, "where the documentation is", machine.run(["mix", "kos.docs"]), "manifest.md")
    unit = machine.folder / "unit"
    shutil.copytree(TOP / "beam/kos_mix", unit)
    check_run(report, "unit tests of the tasks", machine.run(["mix", "test"], unit, {"MIX_ARCHIVES": str(machine.folder / "none")}), "0 failures")


def mistakes(report, machine):
    check_run(report, "outside of a project", machine.run(["mix", "kos.build"]), r"no system\.toml.*\n.*mix kos\.new PATH", 1)
    check_run(report, "a wrong option", machine.run(["mix", "kos.new", "x", "--langg", "c"]), "--langg.*\n.*mix help kos.new", 1)
    check_run(report, "a wrong language", machine.run(["mix", "kos.new", "x", "--lang", "ada"]), "expected one of c, cpp, elixir, rust", 1)
    check_run(report, "a service's name", machine.run(["mix", "kos.new", "log"]), "name log is that of a service", 1)
    check_run(report, "a tree that is gone", machine.run(["mix", "kos"], environment={"KOS_HOME": "/nowhere"}), r"no KOS in /nowhere \(KOS_HOME\)", 1)
    fake = machine.folder / "fake"
    fake.mkdir()
    (fake / "mix.exs").write_text("")
    check_run(report, "a folder that is not empty", machine.run(["mix", "kos.new", "fake"]), "not empty.*mix kos.init", 1)


def device(report, machine):
    check_run(report, "kos.new", machine.run(["mix", "kos.new", "plant"]), "mix kos.run")
    plant = machine.folder / "plant"
    check_run(report, "mix test on this machine", machine.run(["mix", "test"], plant), "0 failures")
    check_run(report, "it is formatted", machine.run(["mix", "format", "--check-formatted"], plant))
    for name, language in (("sensor", "c"), ("filter", "cpp"), ("valve", "rust")):
        check_run(report, f"kos.new_app in {language}", machine.run(["mix", "kos.new_app", name, "--lang", language], plant))
    check_run(report, "a name twice", machine.run(["mix", "kos.new_app", "sensor", "--lang", "c"], plant), "already", 1)
    check_run(report, "kos.test: every application on the device", machine.run(["mix", "kos.test"], plant), r"(?s)4 passed, 0 failed.*(3 passed, 0 failed.*){3}")
    check_run(report, "mix test beside native applications", machine.run(["mix", "test"], plant), r"^(?!.*warning)(?s:.*)0 failures")
    manifest = machine.run(["mix", "kos.manifest", "--report", "report.md"], plant / "apps/sensor")
    check_run(report, "kos.manifest, from an application's folder", manifest, "system.toml: ok")
    report.check("its report has the domains", "sensor" in (plant / "apps/sensor/report.md").read_text())
    check_run(report, "kos.build", machine.run(["mix", "kos.build"], plant), r"plant\.elf: \d+ bytes")
    report.check("the image is there", (plant / "_build/kos/plant.elf").stat().st_size > 1 << 20)
    broken_test(report, machine, plant)
    broken_manifest(report, machine, plant)
    prompt(report, machine, plant)


def broken_test(report, machine, plant):
    """A failure on the device is a failure of the task, with its reason."""
    file = plant / "apps/sensor/test/main.c"
    file.write_text(file.read_text().replace("second == first + 40", "second == first + 41"))
    check_run(report, "a test that fails on the device", machine.run(["mix", "kos.test", "sensor"], plant), r"(?s)fail\s+remembers.*Tests failed on the device: sensor", 1)


def broken_manifest(report, machine, plant):
    file = plant / "apps/valve/app.toml"
    good = file.read_text()
    file.write_text(good.replace("budget_us = 300", "budget_us = 30000"))
    check_run(report, "a mistake in a manifest", machine.run(["mix", "kos.manifest", "--no-build"], plant), r"app\.toml:\d+:\d+: budget_us of valve is 30000; expected", 1)
    file.write_text(good)


def prompt(report, machine, plant):
    """mix kos.run on a terminal: the prompt answers, Ctrl-A X leaves, the terminal is as before."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(["mix", "kos.run", "--no-build"], cwd=plant, env=machine.environment, stdin=theirs, stdout=theirs, stderr=theirs)
    screen = Screen(ours)
    try:
        report.check("the prompt appears", screen.wait_for("iex(1)>", BOOT_S), screen.tail())
        screen.type("Plant.hello()\r")
        report.check("it answers", screen.wait_for("\r\n:world", 120), screen.tail())
        screen.type("IO.inspect(20 + 22)\r")
        report.check("and again", screen.wait_for("42", 120), screen.tail())
        screen.type("\x01x")
        report.check("Ctrl-A X leaves", wait(process, 60) == 0, screen.tail())
        report.check("the terminal is as before", termios.tcgetattr(theirs) == before)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
        os.close(theirs)


def wait(process, timeout_s):
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return None


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


def existing(report, machine):
    """A project that knows nothing of KOS, with a NIF."""
    meter = machine.folder / "meter"
    shutil.copytree(HERE / "meter", meter)
    check_run(report, "an Elixir project with a NIF, on this machine", machine.run(["mix", "test"], meter), "0 failures")
    check_run(report, "kos.init", machine.run(["mix", "kos.init"], meter), "mix kos.run")
    check_run(report, "its tests on the device", machine.run(["mix", "kos.test"], meter), "3 passed, 0 failed")
    makefile = meter / "Makefile"
    makefile.write_text(makefile.read_text().replace("$(CC) $(CFLAGS)", "gcc -fPIC"))
    shutil.rmtree(meter / "_build")
    check_run(report, "native code for another machine is named", machine.run(["mix", "kos.build"], meter), r"(?s)another machine.*meter_nif\.so: x86-64.*\$\(CC\)", 1)


def main():
    report = Report()
    with tempfile.TemporaryDirectory(prefix="kos-elixir-") as folder:
        machine = Machine(folder)
        for part in (install, mistakes, device, existing):
            part(report, machine)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
