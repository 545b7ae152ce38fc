"""./kos check: checks a system description, and writes report and graph of it; lists its apps."""

from pathlib import Path

from kos import build, native_apps, system_image
from kos.arguments import Parser
from kos.common import KosError, shown
from kos.run_command import release, system_file


def parser():
    result = Parser("check")
    result.add_argument("path", type=Path, metavar="PATH")
    result.add_argument("--report", type=Path, metavar="FILE")
    result.add_argument("--graph", type=Path, metavar="FILE")
    result.add_argument("--release", type=release, action="append", default=[], metavar="NAME=DIR")
    result.add_argument("--list", action="store_true")
    return result


def main(arguments):
    description = system_file(arguments.path)
    if not description.is_file():
        raise KosError(f"{shown(description)}: no such file; expected a system.toml")
    if arguments.list:
        for app in native_apps.apps_of(description):
            print(app.name, app.kind(), app.folder, sep="\t")
        return 0
    build.bootable(install=not arguments.no_install, targets=native_apps.tree_targets(description))
    system_image.check_system(description, arguments.report, arguments.graph, dict(arguments.release))
    print(f"{shown(description)}: ok")
    for file in (arguments.report, arguments.graph):
        if file:
            print(f"wrote {shown(file)}")
    return 0
