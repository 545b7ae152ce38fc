"""./kos root: makes a root image for the Linux personality from a root.toml (tools/rootfs)."""

import json
import shutil
from pathlib import Path

from kos.arguments import Parser
from kos.common import shown
from rootfs import build


def parser():
    result = Parser("root")
    result.add_argument("path", metavar="PATH", type=Path)
    result.add_argument("-o", "--output", type=Path, metavar="FILE")
    result.add_argument("--compression", choices=("none", "lz4", "lz4hc"))
    return result


def main(arguments):
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
    return 0
