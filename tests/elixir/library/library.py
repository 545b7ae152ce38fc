"""The unit tests and doctests of beam/kos on this machine, and its formatting. Nothing is left in the tree."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kos.common import HOST, TOP
from kos.results import Results

LEAST = 25  # tests and doctests: fewer means that some were not found


def mix(words, folder):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MIX_", "KOS_", "HEX_"))}
    environment |= {"HOME": str(folder), "MIX_HOME": str(folder / ".mix"), "LC_ALL": "C.UTF-8", "HEX_OFFLINE": "1"}
    done = subprocess.run(["mix", *words], cwd=folder / "kos", env=environment, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    print(done.stdout, flush=True)
    return done.returncode, done.stdout


# The library's own tables against what tools/idl makes of the schemas.
COMPARE = """
Code.require_file("generated.exs")

for {own, generated} <- [{Kos.Device.I2C, Kos.Idl.I2c}, {Kos.Device.SPI, Kos.Idl.Spi}, {Kos.Device.UART, Kos.Idl.Console}],
    method <- own.methods(),
    expected = Enum.find(generated.methods(), &(&1.name == method.name)) do
  if Map.delete(expected, :doc) != method, do: raise("#{inspect(own)}: #{inspect(method)}, expected #{inspect(expected)}")
  IO.puts("same #{inspect(own)} #{method.name}")
end
"""


def interfaces(folder):
    """What is wrong with the tables, or None."""
    generated = ""
    for name in ("i2c", "spi", "console"):
        output = folder / f"idl-{name}"
        output.mkdir()
        subprocess.run(["capnp", "compile", "-I", "idl", "--src-prefix=idl", f"-o{HOST / 'tools/idl/idl'}:{output}", f"idl/{name}.capnp"],
                       cwd=TOP, env=os.environ | {"KOS_IDL_EMIT": "elixir"}, check=True)
        generated += "".join(file.read_text() for file in output.rglob("*.ex"))
    (folder / "kos/generated.exs").write_text(generated)
    (folder / "kos/compare.exs").write_text(COMPARE)
    status, text = mix(["run", "compare.exs"], folder)
    return None if status == 0 and text.count("same ") == 5 else text[-400:]


def main():
    report = Results()
    with tempfile.TemporaryDirectory(prefix="kos-elixir-") as name:
        folder = Path(name)
        shutil.copytree(TOP / "beam/kos", folder / "kos", ignore=shutil.ignore_patterns("_build"))
        status, text = mix(["format", "--check-formatted"], folder)
        report.add("formatted", None if status == 0 else text[-300:])
        status, text = mix(["test", "--warnings-as-errors"], folder)
        counts = re.search(r"(?:(\d+) doctests?, )?(\d+) tests?, (\d+) failures?", text)
        ran = sum(int(count or 0) for count in counts.groups()[:2]) if counts else 0
        good = status == 0 and counts and counts[3] == "0" and ran >= LEAST
        report.add("the layouts of devices' messages", interfaces(folder))
        report.add("tests", None if good else text[-400:])
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
