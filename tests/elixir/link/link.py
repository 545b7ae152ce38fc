"""The development link of a device that runs: status, log, restart and prompt of its domains, and nothing without the key."""

import os
import pty
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kos.common import HOST, TOP

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
from machine import BOOT_S, Machine, Report, Screen, check_run, wait, with_device  # noqa: E402


def make(report, machine):
    check_run(report, "the archive", machine.run([TOP / "kos", "mix", "install"]))
    check_run(report, "a device in C", machine.run(["mix", "kos.new", "gate", "--app", "motor", "--lang", "c"]))
    gate = machine.folder / "gate"
    for name, language in (("valve", "cpp"), ("lamp", "rust")):
        check_run(report, f"with an application in {language}", machine.run(["mix", "kos.new_app", name, "--lang", language], gate))
    check_run(report, "with an Elixir application behind the link", machine.run(["mix", "kos.new_app", "shop", "--iex"], gate))
    check_run(report, "it builds", machine.run(["mix", "kos.build"], gate))
    return gate


def no_production_key(report, machine, gate):
    key = machine.folder / "production.key"
    key.write_bytes(os.urandom(32))
    words = [HOST / "tools/manifest/kos-manifest", "build", gate / "apps/motor/test/system.toml", "--key", key,
             "--root", TOP / "build/target/services/root/root.elf", "--programs", TOP / "build/target/apps",
             "--programs", gate / "_build/kos/native/apps", "-o", machine.folder / "x.elf"]
    check_run(report, "a system without the link can be signed", machine.run(words))
    description = gate / "apps/motor/test/system.toml"
    with open(description, "a") as file:
        file.write('\n[[app]]\npath = "core:entropy"\n\n[[app]]\npath = "core:virtio_console"\n\n[[app]]\npath = "core:devlink"\n')
    check_run(report, "one with it cannot", machine.run(words), "devlink has the right \"development\"", 1)


def orders(report, machine, gate):
    check_run(report, "status", machine.run(["mix", "kos.status"], gate), r"motor +ready +1 +0 ")
    check_run(report, "log", machine.run(["mix", "kos.logs"], gate), r"(?s)motor#1 \| motor is ready.*")
    check_run(report, "the log of one domain", machine.run(["mix", "kos.logs", "--app", "motor"], gate / "apps"), r"\A[^\n]*motor is ready\s*\Z")
    check_run(report, "restart", machine.run(["mix", "kos.restart", "motor"], gate), "under way")
    report.check("another instance runs", eventually(machine, gate, "motor", ("ready", "2", "1")))
    check_run(report, "the others are undisturbed", machine.run(["mix", "kos.status"], gate), r"shop +ready +1 +0 ")
    check_run(report, "stop", machine.run(["mix", "kos.restart", "motor", "--stop"], gate))
    report.check("it is down", eventually(machine, gate, "motor", ("stopped",)))
    check_run(report, "start", machine.run(["mix", "kos.restart", "motor", "--start"], gate))
    report.check("it is up again", eventually(machine, gate, "motor", ("ready",)))
    check_run(report, "a name that is nobody's", machine.run(["mix", "kos.restart", "nobody"], gate), "NOT_FOUND.*mix kos.status", 1)


def pushes(report, machine, gate):
    """Another version of each application while the other one goes on."""
    for name, source in (("motor", "main.c"), ("valve", "main.cpp"), ("lamp", "main.rs")):
        push_native(report, machine, gate, name, gate / "apps" / name / source)
    check_run(report, "the boot image's version again", machine.run(["mix", "kos.push", "motor", "--undo"], gate), "boot image")
    report.check("it is back", eventually(machine, gate, "motor", ("ready",)) and "pushed" not in states(machine, gate)["motor"])
    push_elixir(report, machine, gate)
    description = gate / "apps/motor/app.toml"
    good = description.read_text()
    description.write_text(good.replace('memory = "256K"', 'memory = "512K"'))
    check_run(report, "more memory is refused", machine.run(["mix", "kos.push", "motor"], gate), r"(?s)another description.*mix kos.run", 1)
    description.write_text(good)
    check_run(report, "which application", machine.run(["mix", "kos.push"], gate), "one of: motor, valve, lamp, shop", 1)
    check_run(report, "a service", machine.run(["mix", "kos.push", "log"], gate), "", 1)


def push_native(report, machine, gate, name, source):
    before = states(machine, gate)
    source.write_text(source.read_text().replace(f"{name} is ready", f"{name} is NEW"))
    started = time.monotonic()
    check_run(report, f"{source.name} is pushed", machine.run(["mix", "kos.push", name], gate), rf"{name} is restarted with version \d+")
    report.check(f"{name} runs", eventually(machine, gate, name, ("ready",)))
    check_run(report, "it is the new one", machine.run(["mix", "kos.logs", "--app", name], gate), f"{name} is NEW")
    report.record({"row": f"from an edit to what the new version says, {source.suffix}", "value": round(time.monotonic() - started, 1), "unit": "s"})
    after = states(machine, gate)
    report.check("status shows the version", "pushed" in after[name], str(after))
    others = [{other: state[:3] for other, state in found.items() if other != name} for found in (before, after)]
    report.check("all others went on", others[0] == others[1], str(others))


def push_elixir(report, machine, gate):
    source = gate / "apps/shop/lib/shop.ex"
    source.write_text(source.read_text().replace(":world", ":moon"))
    started = time.monotonic()
    check_run(report, "an Elixir application is pushed", machine.run(["mix", "kos.push", "shop"], gate), r"(\d+) KiB of \d+ KiB sent")
    report.check("it runs", eventually(machine, gate, "shop", ("ready",)) and "pushed" in states(machine, gate)["shop"])
    prompt(report, machine, gate, ":moon")
    report.record({"row": "from an edit to an answer of the new version, Elixir", "value": round(time.monotonic() - started, 1), "unit": "s"})


def states(machine, gate):
    """{domain: columns of the status, "pushed" among them or not}"""
    _, text = machine.run(["mix", "kos.status"], gate)
    return {words[0]: words[1:] for words in map(str.split, text.splitlines()) if len(words) > 3}


def eventually(machine, gate, name, columns):
    """The domain's line of the status begins with these columns."""
    for _ in range(30):
        _, text = machine.run(["mix", "kos.status"], gate)
        for line in text.splitlines():
            words = line.split()
            if words[:1] == [name] and tuple(words[1:1 + len(columns)]) == columns:
                return True
        time.sleep(1)
    return False


def wrong_key(report, machine, gate):
    """Another tree's key: a folder that looks like this tree but for the key."""
    other = machine.folder / "other"
    (other / "build/cache/keys").mkdir(parents=True)
    (other / "build/cache/keys/development.key").write_bytes(os.urandom(32))
    (other / "kos").write_text(f'#!/bin/sh\nexec {TOP / "kos"} "$@"\n')
    (other / "kos").chmod(0o755)
    outcome = machine.run(["mix", "kos.restart", "motor"], gate, {"KOS_HOME": str(other)})
    check_run(report, "nothing with another key", outcome, "UNAUTHORIZED: it knows another development key", 1)


def prompt(report, machine, gate, answer=":world"):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(["mix", "kos.iex"], cwd=gate, env=machine.environment, stdin=theirs, stdout=theirs, stderr=theirs)
    screen = Screen(ours)
    try:
        report.check("the prompt appears", screen.wait_for("iex(", BOOT_S), screen.tail())
        screen.type("Shop.hello()\r")
        report.check("it answers", screen.wait_for(f"\r\n{answer}", 120), screen.tail())
        screen.type("\x01x")
        report.check("Ctrl-A X leaves", wait(process, 60) == 0, screen.tail())
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
        os.close(theirs)


def main():
    report = Report()
    with tempfile.TemporaryDirectory(prefix="kos-link-") as folder:
        machine = Machine(folder)
        gate = make(report, machine)
        text = with_device(report, machine, gate, (orders, wrong_key, prompt, pushes))
        report.check("root says that the link is there", "DEVELOPMENT LINK" in text)
        no_production_key(report, machine, gate)
        check_run(report, "nothing runs any more", machine.run(["mix", "kos.status"], gate), "mix kos.run", 1)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
