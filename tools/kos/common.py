"""Places in the tree, the error that ends a command, and running other programs."""

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
CACHE = BUILD / "cache"
HOST = BUILD / "host"
TARGET = BUILD / "target"

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_MISSING = 3  # packages are missing and must not or cannot be installed


class KosError(Exception):
    """Ends the command with one line on stderr. The text says what was found and what was expected."""

    def __init__(self, text, status=EXIT_FAILED):
        super().__init__(text)
        self.status = status


def say(text):
    print(f"kos: {text}", file=sys.stderr, flush=True)


def shown(path):
    """The path as a reader wants it: relative to the current folder where that is shorter."""
    path = Path(path)
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def run(command, **options):
    """Runs a program whose output the user sees; raises KosError if it fails."""
    try:
        status = subprocess.run([str(word) for word in command], check=False, **options).returncode
    except FileNotFoundError as error:
        raise KosError(f"{command[0]} is not installed") from error
    if status != 0:
        raise KosError(f"{Path(str(command[0])).name} failed with status {status}")


def output_of(command, **options):
    """Runs a program and returns what it printed; raises KosError with its stderr if it fails."""
    try:
        result = subprocess.run([str(word) for word in command], check=False, text=True,
                                capture_output=True, **options)
    except FileNotFoundError as error:
        raise KosError(f"{command[0]} is not installed") from error
    if result.returncode != 0:
        detail = result.stderr.strip() or result.stdout.strip() or f"status {result.returncode}"
        raise KosError(f"{Path(str(command[0])).name}: {detail}")
    return result.stdout


def processors():
    return len(os.sched_getaffinity(0))
