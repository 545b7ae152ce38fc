"""Boots a stand-in kernel that checks the hand-over: entered at EL1 and at EL2, on 1, 2 and 4 cores, from an ELF file,
from a raw Image, and from a raw Image that lies elsewhere than where the loader is linked.

One result per machine; the checks themselves are in probe_kernel.cpp."""

import itertools
import sys
import tempfile
from pathlib import Path

from kos import qemu
from kos.board import board, constants
from kos.common import TARGET, KosError, output_of
from kos.image import LOADER, MKIMAGE
from kos.results import Results

HERE = TARGET / "tests/system/loader"
TIMEOUT_S = 60
# Where the loader is linked, and places from which it must move itself: apart from there,
# and overlapping it from below and from above.
LINKED_AT = constants()["LOADER_BASE"]
ELSEWHERE = {"moved up": 0x44000000, "moved up, overlapping": LINKED_AT - 0x3000,
             "moved down, overlapping": LINKED_AT + 0x5000, "moved down": 0x70000000}


def machine(cores, level):
    words = board().machine_arguments(cores)
    if level == 1:
        words = [word.replace("virtualization=on", "virtualization=off") for word in words]
    return words + ["-serial", "stdio"]


def starts(folder, cores):
    """How the loader can be started: name -> arguments of QEMU."""
    elf, raw, fixed = (folder / f"{cores}.{end}" for end in ("elf", "bin", "fixed.bin"))
    words = [MKIMAGE, "--loader", LOADER, "--kernel", HERE / "probe_kernel.elf", "--root", HERE / "probe_root.elf",
             "--cores", cores]
    output_of([*words, "-o", elf, "--raw", raw])
    # QEMU takes -append only together with -kernel.
    output_of([*words, "--bootargs", f"cores={cores}", "--raw", fixed])
    append = ["-append", f"cores={cores}"]
    result = {"ELF": ["-kernel", elf, *append], "raw": ["-kernel", raw, *append],
              "bootargs of the image": ["-kernel", fixed, "-append", "cores=9"]}
    for name, address in ELSEWHERE.items():
        result[name] = ["-device", f"loader,file={fixed},addr={address:#x},force-raw=on,cpu-num=0"]
    return result


def main():
    results = Results()
    with tempfile.TemporaryDirectory(dir=TARGET) as folder:
        folder = Path(folder)
        for cores, level in itertools.product(board().cores, (1, 2)):
            for name, arguments in starts(folder, cores).items():
                run = qemu.run([*machine(cores, level), *arguments], folder / "log", TIMEOUT_S)
                problems = run.problems()
                results.add(f"EL{level}, cores {cores}, {name}", "; ".join(problems[:3]) or None)
    return results.finish()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KosError as error:
        sys.exit(f"loader_test: {error}")
