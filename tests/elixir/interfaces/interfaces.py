"""Typed modules of interface schemas in a project's Elixir applications, without a step by hand: made, made anew, compiled, used. On the
device an Elixir application calls a native one and serves another one, by schemas that both sides have their bindings of."""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from kos.common import TOP

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
from machine import Machine, Report, check_run  # noqa: E402

METHOD = "  enter @0"
MORE = "  clear @1 () -> ();\n"


def replace(file, old, new):
    text = file.read_text()
    assert old in text, f"{file}: no {old}"
    file.write_text(text.replace(old, new))


def make(report, machine):
    """A device with the Elixir application `ledger`, which calls the native `sensor` and serves the native `teller`."""
    check_run(report, "the archive", machine.run([TOP / "kos", "mix", "install"]))
    check_run(report, "kos.new", machine.run(["mix", "kos.new", "bank", "--app", "ledger"]))
    bank = machine.folder / "bank"
    for name, language in (("sensor", "c"), ("teller", "c"), ("panel", "elixir")):
        check_run(report, f"kos.new_app {name}", machine.run(["mix", "kos.new_app", name, "--lang", language], bank))
    apps = bank / "apps"
    shutil.copytree(HERE / "ledger", apps / "ledger", dirs_exist_ok=True)
    shutil.rmtree(apps / "teller")
    shutil.copytree(HERE / "teller", apps / "teller")
    for name in ("ledger", "panel"):
        replace(apps / name / "mix.exs", "kos_interfaces: []", 'kos_interfaces: ["../sensor/sensor.capnp", "timer.capnp"]')
    manifest = apps / "ledger/app.toml"
    replace(manifest, "budget_us = 500", "budget_us = 400\nreplies = 9")
    replace(manifest, "threads = 2", "threads = 4")
    with open(manifest, "a") as file:
        file.write('\n[[serves]]\nport = "ledger"\ninterface = "ledger"\npayload = 4096\n\n[[uses]]\nport = "sensor"\n')
    return bank


def on_this_machine(report, machine, bank):
    outcome = machine.run(["mix", "test"], bank)
    check_run(report, "mix test", outcome, r"(?s)0 failures.*0 failures")
    report.check("without a warning", "warning" not in outcome[1], outcome[1][:600])
    ledger = bank / "apps/ledger"
    again = machine.run(["mix", "compile"], ledger, {"MIX_ENV": "test"})
    check_run(report, "nothing is made twice", again)
    report.check("and nothing compiled", "Compiling" not in again[1], again[1])
    own = ["mix", "run", "--no-start", "-e", "IO.inspect(for m <- [Ledger.Idl.Ledger, Ledger.Idl.Sensor, Ledger.Idl.Timer], do: hd(m.methods()).name)"]
    check_run(report, "of its own schema, another application's, the system's", machine.run(own, ledger), r"\[:enter, :add, :\w+\]")


def changes(report, machine, bank):
    ledger = bank / "apps/ledger"
    schema = ledger / "ledger.capnp"
    good = schema.read_text()
    replace(schema, METHOD, MORE + METHOD)
    count = ["mix", "run", "--no-start", "-e", "IO.puts(length(Ledger.Idl.Ledger.methods()))"]
    check_run(report, "a method more", machine.run(count, ledger), r"(?m)^2$")
    schema.write_text(good.replace("UInt64, note", "UIn64, note"))
    line = good.splitlines().index(next(text for text in good.splitlines() if METHOD in text)) + 1
    check_run(report, "a mistake is told with its place", machine.run(["mix", "compile"], ledger), rf"ledger\.capnp:{line}: .*UIn64.*\n.*idl/README\.md", 1)
    schema.write_text(good.replace(" $Kos.maxBytes(32)", ""))
    missing = rf"ledger\.capnp:{line}: Ledger\.enter\(note\): found no bound; expected \$maxBytes\(n\).*\n.*idl/README\.md"
    check_run(report, "and one that only KOS sees", machine.run(["mix", "compile"], ledger), missing, 1)
    check_run(report, "the device is not built with it", machine.run(["mix", "kos.build"], bank), missing, 1)
    schema.write_text(good)
    check_run(report, "as before", machine.run(count, ledger), r"(?m)^1$")


def mistakes(report, machine, bank):
    panel = bank / "apps/panel"
    mix = panel / "mix.exs"
    good = mix.read_text()
    mix.write_text(good.replace("timer.capnp", "tmier.capnp"))
    check_run(report, "a schema that is nowhere", machine.run(["mix", "compile"], panel), r'(?s)panel/mix\.exs: .*"tmier\.capnp".*timer\.capnp', 1)
    mix.write_text(good.replace('"timer.capnp"', ":timer"))
    check_run(report, "no name of a schema", machine.run(["mix", "compile"], panel), r"kos_interfaces has :timer; expected", 1)
    (panel / "timer.capnp").write_text((bank / "apps/ledger/ledger.capnp").read_text())
    mix.write_text(good.replace('"timer.capnp"', f'"{TOP}/idl/timer.capnp"'))
    check_run(report, "two of one name", machine.run(["mix", "compile"], panel), r"Two schemas are called timer\.capnp", 1)
    (panel / "timer.capnp").unlink()
    mix.write_text(good.replace("[:kos | Mix.compilers()]", "Mix.compilers() ++ [:kos]"))
    check_run(report, "the wrong order", machine.run(["mix", "compile"], panel), r"expected compilers: \[:kos \| Mix\.compilers\(\)\]", 1)
    mix.write_text(good.replace(', "timer.capnp"', ""))
    gone = ["mix", "run", "--no-start", "-e", "IO.inspect(for m <- [Panel.Idl.Sensor, Panel.Idl.Timer], do: Code.ensure_loaded?(m))"]
    check_run(report, "one that is not wanted any more", machine.run(gone, panel), r"\[true, false\]")
    mix.write_text(good)


def on_the_device(report, machine, bank):
    outcome = machine.run(["mix", "kos.test", "ledger"], bank)
    check_run(report, "calls and serves on the device", outcome, r"7 passed, 0 failed")
    for name in ("a native client enters", "a native server answers"):
        report.check(name, re.search(rf"pass\s.*{name}", outcome[1]) is not None, outcome[1][-400:])


def main():
    report = Report()
    with tempfile.TemporaryDirectory(prefix="kos-interfaces-") as folder:
        machine = Machine(folder)
        bank = make(report, machine)
        for part in (on_this_machine, changes, mistakes, on_the_device):
            part(report, machine, bank)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
