"""./kos package: makes what replaces one application of a running device."""

from pathlib import Path

from kos import build, native_apps, system_image
from kos.arguments import Parser
from kos.common import KosError, shown
from kos.run_command import release, system_file


def parser():
    result = Parser("package")
    result.add_argument("path", type=Path, metavar="PATH")
    result.add_argument("--domain", required=True, metavar="NAME")
    result.add_argument("--output", type=Path, required=True, metavar="FILE")
    result.add_argument("--release", type=release, action="append", default=[], metavar="NAME=DIR")
    return result


def main(arguments):
    description = system_file(arguments.path)
    if not description.is_file():
        raise KosError(f"{shown(description)}: no such file; expected a system.toml")
    build.bootable(install=not arguments.no_install, targets=native_apps.tree_targets(description))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    system_image.package(description, arguments.domain, arguments.output, dict(arguments.release))
    print(f"{shown(arguments.output)}: {arguments.output.stat().st_size} bytes")
    return 0
