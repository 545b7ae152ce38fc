"""./kos build: configures and compiles the two presets. Also called by run, test and bench."""

import re
import subprocess
import sys

from kos import packages
from kos.arguments import Parser
from kos.common import BUILD, TOP, KosError, processors, run, say, shown

PRESETS = ("host", "target")
# Of the host preset, what makes a bootable image: the schema compiler's back end, which the target preset runs, the
# manifest compiler and the packer.
BOOT_TOOLS = ("tools/idl/idl", "tools/manifest/kos-manifest", "tools/mkimage/mkimage")
# Of the target preset, what every system has: loader, root, services, drivers, personality, and Keel for one core.
PLATFORM = "platform"
# Each target of a preset, for those that have no choice to make.
ALL = "all"
# Of CMake and Ninja, when there is nothing to say.
NOISE = ("ninja: no work to do.", "-- ")


def parser():
    result = Parser("build")
    result.add_argument("--preset", choices=PRESETS)
    result.add_argument("targets", metavar="TARGET", nargs="*")
    return result


def main(arguments):
    if arguments.targets and not arguments.preset:
        raise KosError("TARGET needs --preset host or --preset target")
    packages.ensure(install=not arguments.no_install)
    if arguments.preset == "target":
        generators()
    for preset in [arguments.preset] if arguments.preset else PRESETS:
        configure(preset)
        compile_preset(preset, arguments.targets)
    return 0


def generators():
    """The programs of the host preset that the target preset runs while it builds."""
    configure("host")
    compile_preset("host", ["idl_plugin"])


def bootable(install, targets=()):
    """What the image of a system needs: the platform, and `targets` of the target preset (native_apps.tree_targets). No tests, and no
    examples or benchmarks that are not among them."""
    packages.ensure(install)
    configure("host")
    compile_preset("host", BOOT_TOOLS)
    configure("target")
    compile_preset("target", (PLATFORM, *targets))


def everything(install):
    """What test and tidy need before they start."""
    packages.ensure(install)
    for preset in PRESETS:
        configure(preset)
        compile_preset(preset)


def configure(preset):
    """Runs CMake unless the build folder is configured; from then on Ninja runs it again when needed."""
    folder = BUILD / preset
    cached = folder / "CMakeCache.txt"
    if (folder / "build.ninja").exists() and cached.exists():
        home = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", cached.read_text(), re.MULTILINE)
        if home and home[1] == str(TOP):
            return
    # --fresh: a cache that is there is of a tree that was moved, or of an attempt that failed.
    say(f"configuring build/{preset}")
    run(["cmake", "--preset", preset, "--fresh"], cwd=TOP, stdout=subprocess.DEVNULL)  # errors go to stderr


def compile_preset(preset, targets=()):
    compile_folder(BUILD / preset, targets)


def compile_folder(folder, targets=()):
    """Runs Ninja; what the compilers say goes to stderr, and that there is nothing to do goes nowhere."""
    words = ["ninja", "-C", folder, "--quiet", "-j", processors(), *targets]
    try:
        process = subprocess.Popen([str(word) for word in words], cwd=TOP, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    except FileNotFoundError as error:
        raise KosError("ninja is not installed") from error
    with process:
        for line in process.stdout:
            if not line.startswith(NOISE):
                print(line, end="", file=sys.stderr, flush=True)
    if process.returncode != 0:
        raise KosError(f"{shown(folder)}: ninja failed with status {process.returncode}")
