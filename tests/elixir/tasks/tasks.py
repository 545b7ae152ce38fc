"""The mix tasks kos.* from an empty folder: projects, applications in each language, tests on the device, the prompt, an
Elixir project that exists already, and what they say when something is wrong.

Nothing is installed outside of a temporary folder, and no package server is asked: there is neither hex nor rebar."""

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from kos.common import TOP

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
from machine import BOOT_S, Machine, Report, Screen, check_run, wait  # noqa: E402
from pages import one  # noqa: E402

TASKS = ("kos", "kos.new", "kos.new_app", "kos.init", "kos.build", "kos.run", "kos.test", "kos.manifest", "kos.deps.check", "kos.docs",
         "kos.status", "kos.logs", "kos.restart", "kos.push", "kos.iex", "kos.trace")


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
    check_run(report, "no restart without a project", machine.run(["mix", "kos.restart", "pump"]), r"mix kos\.new PATH", 1)
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
    check_run(report, "nothing runs", machine.run(["mix", "kos.status"], plant), "mix kos.run", 1)
    check_run(report, "a native application has no system calls", machine.run(["mix", "kos.trace", "sensor"], plant), "native.*mix kos.logs", 1)
    traced = machine.run(["mix", "kos.trace", "plant", "--no-build", "--timeout", "20"], plant)
    check_run(report, "kos.trace", traced, r"(?s)(\[\d+\] \w+\([0-9a-f, ]+\) .*?){20}")
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
        # docs/guides/memory_budget.md
        for line, answer in zip(one(TOP / "docs/guides/memory_budget.md", "elixir", ":erlang.memory").splitlines(), ("total: ", "MemAvailable: ")):
            screen.type(line.split("#")[0].strip() + "\r")
            report.check(f"at the prompt: {line}", screen.wait_for(answer, 120), screen.tail())
        screen.type("\x01x")
        report.check("Ctrl-A X leaves", wait(process, 60) == 0, screen.tail())
        report.check("the terminal is as before", termios.tcgetattr(theirs) == before)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
        os.close(theirs)


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


# What the umbrella project says on the device, line by line.
FLEET = {"environment": "{:prod, :kos, :target}", "secret": "64", "static": '"<h1>fleet</h1>"', "priv_is_writable": '"data"',
         "nif": ":aarch64", "port_program": '"aarch64"', "erlang_dependency": "42", "make_dependency": "237", "authorities": "true",
         "host_name": "{:ok, 'fleet'}", "memory": "true", "web": "true"}


def umbrella(report, machine):
    """An umbrella project with releases, runtime.exs, static files, a NIF by CMake, a port program by make, dependencies in
    Erlang, one with a NIF, and the target switch and release steps of a Nerves project."""
    fleet = machine.folder / "fleet"
    shutil.copytree(HERE / "fleet", fleet)
    good = (fleet / "mix.exs").read_text()
    (fleet / "mix.exs").write_text(good.replace("releases: [", "other: ["))
    check_run(report, "an umbrella without a release", machine.run(["mix", "kos.init"], fleet), r"(?s)no release.*releases: \[my_device", 1)
    (fleet / "mix.exs").write_text(good)
    check_run(report, "an umbrella project", machine.run(["mix", "kos.init"], fleet), r"runtime\.exs also reads DATABASE_URL: .*app\.toml")
    root = fleet / "root.toml"
    root.write_text(root.read_text().replace("release =", 'packages = ["ca-certificates", "busybox"]\nbusybox = true\nrelease ='))
    secret = re.search(r'SECRET_KEY_BASE = "([^"]{64})"', (fleet / "app.toml").read_text())
    report.check("a secret for development", secret is not None)
    # As after mix test on this machine: the NIF lies in the dependency's own folder.
    check_run(report, "a NIF made for this machine", machine.run(["make", "-C", "vendor/wire"], fleet))
    outcome = machine.run(["mix", "kos.build"], fleet)
    check_run(report, "is named, with what to do", outcome, r"(?s)lib/wire-2\.1\.0/priv/wire\.so: x86-64.*\n  rm vendor/wire/priv/wire\.so", 1)
    (fleet / "vendor/wire/priv/wire.so").unlink()
    manifest = machine.run(["mix", "kos.manifest", "--report", "report.md"], fleet)
    check_run(report, "its manifest", manifest, "system.toml: ok")
    report.check("the secret is not in the report", secret and secret[1] not in (fleet / "report.md").read_text())
    _, text = machine.run(["mix", "kos.run", "--no-build", "--timeout", "90"], fleet)
    for name, value in FLEET.items():
        found = re.search(rf"fleet: {name}: (.*?)\r?$", text, re.MULTILINE)
        report.check(f"umbrella on the device: {name}", found is not None and found[1] == value, found[1] if found else "not said")
    report.check("the secret is not on the console", secret and secret[1] not in text)
    check_run(report, "the tests of both its applications, on the device", machine.run(["mix", "kos.test"], fleet), "3 passed, 0 failed")


# What the guide (docs/guides/move_an_elixir_project.md) says to change in a project of Nerves: file, what is there, what is to be there.
BLINKY = (
    ("mix.exs", 'archives: [nerves_bootstrap: "~> 1.11"]', 'archives: [kos_mix: "~> 0.1"]'),
    ("mix.exs", "runtime: false},\n      {:shoehorn", "runtime: false, targets: @all_targets},\n      {:shoehorn"),
    ("mix.exs", 'shoehorn"}', 'shoehorn", targets: @all_targets}'),
    ("mix.exs", 'ring_logger"}', 'ring_logger", targets: @all_targets}'),
    ("mix.exs", 'toolshed"}', 'toolshed", targets: @all_targets},\n      Kos.Mix.library()'),
    ("rootfs_overlay/etc/iex.exs", "NervesMOTD.print()", ""),
    ("rootfs_overlay/etc/iex.exs", "use Toolshed", "use Kos.Helpers"),
)
BLINKY_CONFIG = 'import Config\n\nconfig :logger, backends: [:console, Kos.Log]\nconfig :blinky, gpio: Kos.Device.GPIO\n'
BLINKY_DRIVER = '\n[[app]]\npath = "core:gpio"\nparameters = {{ line_1 = "blinky", line_2 = "blinky" }}\n'


def nerves(report, machine):
    """A project as mix nerves.new writes it: what kos.init says about it, and that it runs once that is done."""
    blinky = machine.folder / "blinky"
    shutil.copytree(HERE / "blinky", blinky)
    said = (r"(?s)First: dependencies are not on this machine: nerves, shoehorn, ring_logger, toolshed\..*archive nerves_bootstrap.*"
            r"if Mix\.target\(\) in \[:host, :kos\].*toolshed \(Kos\.Helpers\).*/dev/gpiochip0.*rootfs_overlay is in the root image")
    check_run(report, "a Nerves project: what is to be done", machine.run(["mix", "kos.init"], blinky), said)
    outcome = machine.run(["mix", "kos.deps.check", "--quiet"], blinky)
    check_run(report, "kos.deps.check says what stands in the way", outcome, r"wrong +dependencies are not on this machine: nerves", 1)
    check_run(report, "so does a build", machine.run(["mix", "kos.build"], blinky), r"(?s)No SSH public keys.*mix kos\.deps\.check", 1)
    for name, old, new in BLINKY:
        text = (blinky / name).read_text()
        report.check(f"{name} has {old!r}", old in text)
        (blinky / name).write_text(text.replace(old, new, 1))
    config = (blinky / "config/config.exs").read_text()
    line = re.search(r"if Mix\.target\(\) in .*", (TOP / "docs/guides/move_an_elixir_project.md").read_text())[0]
    (blinky / "config/config.exs").write_text(config[:config.index("if Mix.target()")] + line + "\n")
    (blinky / "config/kos.exs").write_text(BLINKY_CONFIG)
    with open(blinky / "system.toml", "a") as file:
        file.write(BLINKY_DRIVER.format())
    with open(blinky / "app.toml", "a") as file:
        file.write('\n[[uses]]\nport = "gpio"\n')
    app = (blinky / "app.toml").read_text()
    (blinky / "app.toml").write_text(app.replace("threads = 2", "threads = 3", 1).replace("budget_us = 500", "budget_us = 300", 1))
    check_run(report, "nothing stands in the way any more", machine.run(["mix", "kos.deps.check", "--quiet"], blinky))
    check_run(report, "it runs on this machine as before", machine.run(["mix", "test"], blinky), "0 failures")
    check_run(report, "its tests on the device", machine.run(["mix", "kos.test"], blinky), "3 passed, 0 failed")


def main():
    report = Report()
    with tempfile.TemporaryDirectory(prefix="kos-elixir-") as folder:
        machine = Machine(folder)
        for part in (install, mistakes, device, existing, umbrella, nerves):
            part(report, machine)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
