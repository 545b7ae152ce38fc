"""Argument parsers of the commands. Help texts are files (tools/kos/help), because ./kos must be able to
print them before Python is installed; a unit test keeps both in step."""

import argparse
import sys

from kos.common import EXIT_USAGE, TOP, say

HELP = TOP / "tools/kos/help"


class Parser(argparse.ArgumentParser):
    def __init__(self, command):
        super().__init__(prog=f"./kos {command}", add_help=False, allow_abbrev=False)
        self.command = command
        # ./kos itself reads it too; here it also holds for arm64 packages and sources.
        self.add_argument("--no-install", action="store_true")

    def error(self, message):
        say(f"{message} (./kos {self.command} --help)")
        sys.exit(EXIT_USAGE)


def positive(text):
    value = int(text)
    if value <= 0:
        raise ValueError
    return value


def seconds(text):
    value = float(text)
    if not 0 < value < 1e7:
        raise ValueError
    return value
