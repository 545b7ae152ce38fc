"""./kos run: boots the system in QEMU on the user's terminal."""

import shutil
import subprocess
from pathlib import Path

from kos import board, build, elf, image, system_image
from kos.arguments import Parser, positive, seconds
from kos.common import EXIT_USAGE, TOP, KosError, say, shown

# What ./kos run boots unless told otherwise.
DEFAULT_SYSTEM = TOP / "examples/pump-station"

EXIT_TIMEOUT = 124  # as timeout(1) has it


def parser():
    result = Parser("run")
    result.add_argument("--sel4", type=Path, metavar="PATH")
    result.add_argument("--cores", type=positive, default=1)
    result.add_argument("path", type=Path, nargs="?", metavar="PATH")
    result.add_argument("--system", type=Path, metavar="PATH")
    result.add_argument("--root-task", type=Path, metavar="ELF")
    result.add_argument("--append", metavar="ARGS")
    result.add_argument("--debug-kernel", action="store_true")
    result.add_argument("--gdb", action="store_true")
    result.add_argument("--timeout", type=seconds)
    return result


def main(arguments):
    if arguments.sel4 and arguments.debug_kernel:
        raise KosError("--debug-kernel chooses a build of Keel; with --sel4 the file itself is the choice")
    if sum(1 for choice in (arguments.path, arguments.system, arguments.root_task) if choice) > 1:
        raise KosError("PATH, --system and --root-task exclude each other", EXIT_USAGE)
    if arguments.cores not in board.board().cores:
        raise KosError(f"{arguments.cores} cores; expected one of {' '.join(map(str, board.board().cores))}")
    if arguments.sel4:
        elf.check_kernel(arguments.sel4, board.board())  # before anything is built
    build.bootable(install=not arguments.no_install)
    kernel = arguments.sel4 or board.keel(board.keel_for(arguments.cores, arguments.debug_kernel))
    if not arguments.root_task:
        description = system_file(arguments.path or arguments.system or DEFAULT_SYSTEM)
        arguments.root_task = system_image.compile_system(description, warnings=True)
    packed = image.pack(kernel, arguments.root_task, arguments.cores)
    return boot(packed, kernel, arguments)


def system_file(path):
    """A folder stands for the system.toml in it."""
    return path / "system.toml" if path.is_dir() else path


def boot(packed, kernel, arguments):
    words = board.board().machine_arguments(arguments.cores)
    words += ["-serial", "mon:stdio", "-kernel", str(packed)]
    if arguments.append:
        words += ["-append", arguments.append]
    if arguments.gdb:
        words += ["-gdb", "tcp:127.0.0.1:1234", "-S"]
        say(f"waiting for a debugger: gdb-multiarch {shown(kernel)} -ex 'target remote 127.0.0.1:1234'")
    say(f"booting {shown(arguments.root_task)} on {shown(kernel)}; Ctrl-A X leaves")
    if shutil.which(words[0]) is None:
        raise KosError(f"{words[0]} is not installed")
    # QEMU shares the terminal, so it must stay in our process group; setpriv ends it with us.
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *words])
    try:
        return process.wait(arguments.timeout)
    except subprocess.TimeoutExpired:
        say(f"left after {arguments.timeout:g} s")
        return EXIT_TIMEOUT
    finally:
        # Not SIGKILL: QEMU gives the terminal its settings back.
        process.terminate()
        process.wait()
