"""./kos image: makes the boot image of a system and says where it is."""

import shutil
from pathlib import Path

from kos import image
from kos.arguments import Parser
from kos.common import EXIT_USAGE, KosError, shown
from kos.run_command import compiled, kernel_of, system_options, tree_targets


def parser():
    result = Parser("image")
    system_options(result)
    result.add_argument("--output", type=Path, metavar="FILE")
    return result


def main(arguments):
    if bool(arguments.path) == bool(arguments.system):
        raise KosError("expected PATH of a system (./kos image --help)", EXIT_USAGE)
    kernel = kernel_of(arguments, tree_targets(arguments))
    root_task = compiled(arguments)
    packed = image.pack(kernel, root_task, arguments.cores)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(packed, arguments.output)
    print(f"{shown(arguments.output or packed)}: {(arguments.output or packed).stat().st_size} bytes; report: "
          f"{shown(root_task.with_suffix('.md'))}")
    return 0
