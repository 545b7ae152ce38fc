"""The unit tests of the pump station's Elixir application on this machine, the reader of HTTP requests above all: limits, hostile
requests, random ones. Nothing is left in the tree."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kos.common import HOST, TOP
from kos.results import Results

LEAST = 10  # tests and doctests: fewer means that some were not found
EXAMPLE = "examples/pump-station"
SCHEMAS = ("judge", "interlock", "controller", "part", "guard")


def bindings(folder):
    """The typed modules of the native parts, as the build makes them."""
    folder.mkdir()
    for name in SCHEMAS:
        subprocess.run(["capnp", "compile", "-I", "idl", f"--src-prefix={EXAMPLE}", f"-o{HOST / 'tools/idl/idl'}:{folder}",
                        f"{EXAMPLE}/{name}.capnp"], cwd=TOP, env=os.environ | {"KOS_IDL_EMIT": "elixir"}, check=True)
    return folder


def mix(words, folder):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MIX_", "KOS_", "HEX_"))}
    environment |= {"HOME": str(folder), "MIX_HOME": str(folder / ".mix"), "LC_ALL": "C.UTF-8", "HEX_OFFLINE": "1",
                    "KOS_BINDINGS": str(folder / "bindings")}
    done = subprocess.run(["mix", *words], cwd=folder / EXAMPLE / "station", env=environment, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    print(done.stdout, flush=True)
    return done.returncode, done.stdout


def main():
    report = Results()
    with tempfile.TemporaryDirectory(prefix="kos-station-") as name:
        folder = Path(name)
        for part in ("beam/kos", EXAMPLE):
            shutil.copytree(TOP / part, folder / part, ignore=shutil.ignore_patterns("_build"))
        bindings(folder / "bindings")
        status, text = mix(["format", "--check-formatted"], folder)
        report.add("formatted", None if status == 0 else text[-300:])
        # Without the application itself, whose parts are on the device.
        status, text = mix(["test", "--no-start", "--warnings-as-errors"], folder)
        counts = re.search(r"(?:(\d+) doctests?, )?(\d+) tests?, (\d+) failures?", text)
        ran = sum(int(count or 0) for count in counts.groups()[:2]) if counts else 0
        good = status == 0 and counts and counts[3] == "0" and ran >= LEAST
        report.add("tests", None if good else text[-400:])
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
