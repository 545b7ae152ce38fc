"""The unit tests and doctests of beam/kos on this machine, and its formatting. Nothing is left in the tree."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kos.common import TOP
from kos.results import Results

LEAST = 25  # tests and doctests: fewer means that some were not found


def mix(words, folder):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MIX_", "KOS_", "HEX_"))}
    environment |= {"HOME": str(folder), "MIX_HOME": str(folder / ".mix"), "LC_ALL": "C.UTF-8", "HEX_OFFLINE": "1"}
    done = subprocess.run(["mix", *words], cwd=folder / "kos", env=environment, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    print(done.stdout, flush=True)
    return done.returncode, done.stdout


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
        report.add("tests", None if good else text[-400:])
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
