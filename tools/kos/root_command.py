"""./kos root: makes a root image for the Linux personality from a root.toml (tools/rootfs)."""

import json
import shutil
from pathlib import Path

from kos import apt_state, reference_linux
from kos.arguments import Parser, positive
from kos.board import board
from kos.common import EXIT_USAGE, KosError, shown
from rootfs import build


def parser():
    result = Parser("root")
    result.add_argument("path", metavar="PATH", type=Path)
    result.add_argument("--output", type=Path, metavar="FILE")
    result.add_argument("--compression", choices=("none", "lz4", "lz4hc"))
    result.add_argument("--on-linux", action="store_true")
    result.add_argument("--cores", type=positive)
    return result


def main(arguments):
    if arguments.cores and not arguments.on_linux:
        raise KosError("--cores belongs to --on-linux", EXIT_USAGE)
    if arguments.cores and arguments.cores not in board().cores:
        raise KosError(f"{arguments.cores} cores; expected one of {' '.join(map(str, board().cores))}", EXIT_USAGE)
    apt_state.allowed = not arguments.no_install
    path = arguments.path / "root.toml" if arguments.path.is_dir() else arguments.path
    built = build.build(path, arguments.compression)
    details = json.loads(built.details.read_text())
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built.image, arguments.output)
    print(f"{shown(arguments.output or built.image)}: {details['image_bytes']} bytes, {details['files']} files of "
          f"{details['file_bytes']} bytes, {len(details['packages'])} packages")
    if details["start"]:
        for argument in details["start"]["arguments"]:
            print(f"  arg {argument}")
        for name, value in details["start"]["environment"].items():
            print(f"  env {name}={value}")
    if arguments.on_linux:
        if not details["start"]:
            raise KosError(f"{shown(path)} says nothing about what to start")
        return reference_linux.interactive(built.image, details["start"], arguments.cores or 1)
    return 0
