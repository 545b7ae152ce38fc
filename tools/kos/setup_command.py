"""./kos setup: what ./kos itself does not do already, which is arm64 packages, sources and configuring."""

from kos import build, packages
from kos.arguments import Parser
from kos.common import say


def parser():
    result = Parser("setup")
    result.add_argument("--all", action="store_true")  # read by ./kos
    return result


def main(arguments):
    packages.ensure(install=not arguments.no_install)
    if not arguments.no_install:
        for preset in build.PRESETS:
            build.configure(preset)
    say("everything is there")
    return 0
