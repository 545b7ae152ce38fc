"""./kos run: boots the system in QEMU on the user's terminal, or with --test until it gives a verdict."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

from kos import board, build, elf, image, native_apps, network, qemu, system_image
from kos.arguments import Parser, positive, seconds
from kos.common import BUILD, EXIT_FAILED, EXIT_USAGE, TOP, KosError, say, shown

# What ./kos run boots unless told otherwise.
DEFAULT_SYSTEM = TOP / "examples/pump-station"

EXIT_TIMEOUT = 124  # as timeout(1) has it
TEST_TIMEOUT_S = 600.0


def parser():
    result = Parser("run")
    system_options(result)
    result.add_argument("--root-task", type=Path, metavar="ELF")
    result.add_argument("--append", metavar="ARGS")
    result.add_argument("--gdb", action="store_true")
    result.add_argument("--link", type=Path, metavar="SOCKET")
    result.add_argument("--test", action="store_true")
    result.add_argument("--timeout", type=seconds)
    return result


def system_options(result):
    """Options of run and image: which system, on which kernel."""
    result.add_argument("--sel4", type=Path, metavar="PATH")
    result.add_argument("--cores", type=positive, default=1)
    result.add_argument("path", type=Path, nargs="?", metavar="PATH")
    result.add_argument("--system", type=Path, metavar="PATH")
    result.add_argument("--release", type=release, action="append", default=[], metavar="NAME=DIR")
    result.add_argument("--parameter", type=parameter, action="append", default=[], metavar="DOMAIN.NAME=VALUE")
    result.add_argument("--debug-kernel", action="store_true")


def parameter(text):
    name, separator, value = text.partition("=")
    if not separator or "." not in name:
        raise ValueError
    return name, value


def release(text):
    name, separator, folder = text.partition("=")
    if not separator or not name:
        raise ValueError
    return name, Path(folder)


def main(arguments):
    if sum(1 for choice in (arguments.path, arguments.system, arguments.root_task) if choice) > 1:
        raise KosError("PATH, --system and --root-task exclude each other", EXIT_USAGE)
    if arguments.test and arguments.gdb:
        raise KosError("--test and --gdb exclude each other", EXIT_USAGE)
    # An ELF file may come from anywhere in the tree.
    kernel = kernel_of(arguments, [build.ALL] if arguments.root_task else tree_targets(arguments))
    if not arguments.root_task:
        arguments.root_task = compiled(arguments)
    packed = image.pack(kernel, arguments.root_task, arguments.cores)
    return test(packed, arguments) if arguments.test else boot(packed, kernel, arguments)


def kernel_of(arguments, targets):
    """The kernel's ELF file. Builds what a bootable image needs, and these targets."""
    if arguments.sel4 and arguments.debug_kernel:
        raise KosError("--debug-kernel chooses a build of Keel; with --sel4 the file itself is the choice")
    if arguments.cores not in board.board().cores:
        raise KosError(f"{arguments.cores} cores; expected one of {' '.join(map(str, board.board().cores))}")
    if arguments.sel4:
        elf.check_kernel(arguments.sel4, board.board())  # before anything is built
    keel = None if arguments.sel4 else board.keel_for(arguments.cores, arguments.debug_kernel)
    build.bootable(install=not arguments.no_install, targets=[*targets, *([f"keel-{keel}"] if keel else [])])
    return arguments.sel4 or board.keel(keel)


def tree_targets(arguments):
    return native_apps.tree_targets(described(arguments))


def described(arguments):
    """The system description that the options choose."""
    return system_file(arguments.path or arguments.system or DEFAULT_SYSTEM)


def compiled(arguments):
    description = described(arguments)
    return system_image.compile_system(description, warnings=True, parameters=dict(arguments.parameter),
                                       releases=dict(arguments.release))


def system_file(path):
    """A folder stands for the system.toml in it."""
    return path / "system.toml" if path.is_dir() else path


def boot(packed, kernel, arguments):
    words = board.board().machine_arguments(arguments.cores)
    words += ["-serial", "mon:stdio", "-kernel", str(packed)]
    around, lines = network.for_run(arguments.root_task)
    words += around
    for line in lines:
        say(line)
    if arguments.append:
        words += ["-append", arguments.append]
    if arguments.link:
        words += link_devices(arguments.link)
    if arguments.gdb:
        words += ["-gdb", "tcp:127.0.0.1:1234", "-S"]
        say(f"waiting for a debugger: gdb-multiarch {shown(kernel)} -ex 'target remote 127.0.0.1:1234'")
    say(f"booting {shown(arguments.root_task)} on {shown(kernel)}; Ctrl-A X leaves")
    if shutil.which(words[0]) is None:
        raise KosError(f"{words[0]} is not installed; as root: apt-get install -y --no-install-recommends qemu-system-arm")
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


def refuse_second(path):
    """Two devices at one link: the tasks would talk to the second one, and the first one could not be reached any more."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return  # left behind by one that has ended, or none
    raise KosError("a device of this project runs already, in another terminal. Ctrl-A X there ends it")


def link_devices(path):
    """A virtio console for core:devlink, whose other end is a Unix socket of this machine."""
    refuse_second(path)
    path.unlink(missing_ok=True)
    return ["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-serial-device,max_ports=1,bus=virtio-mmio-bus.8",
            "-device", "virtconsole,chardev=link", "-chardev", f"socket,id=link,path={path},server=on,wait=off"]


def test(packed, arguments):
    """Boots until the system gives a verdict (docs/testing.md); prints one line per result and the counts."""
    words = qemu.command(packed, arguments.cores, arguments.append) + network.for_run(arguments.root_task)[0]
    log = BUILD / "test-logs" / f"{packed.stem}.log"
    result = qemu.run(words, log, arguments.timeout or TEST_TIMEOUT_S)
    problems = result.problems()
    for one in result.collected.tests:
        detail = f": {one['detail']}" if one.get("detail") and one.get("result") != "pass" else ""
        print(f"{one.get('result')}  {one['test']}{detail}")
    if problems:
        for problem in problems:
            print(f"      {problem}", file=sys.stderr)
        say(f"what the system printed: {shown(log)}")
    passed, failed = len(result.collected.results("pass")), len(result.collected.results("fail"))
    print(f"{passed} passed, {max(failed, 1 if problems else 0)} failed")
    return EXIT_FAILED if problems else 0
