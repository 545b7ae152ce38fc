"""The board's QEMU command and the kernels that are built for it. Data: boards/NAME/qemu.json."""

import json
import re
from dataclasses import dataclass
from functools import cache

from kos.common import TARGET, TOP, KosError

# Keel's builds: name, and the number of cores that each starts (all of them; none may be missing).
KERNELS = {
    "release": 1,
    "debug": 1,
    "smp2-release": 2,
    "smp2-debug": 2,
    "smp-release": 4,
    "smp-debug": 4,
}


@dataclass(frozen=True)
class Board:
    program: str
    machine: str
    cpu: str
    memory: str
    cores: tuple
    network: tuple  # arguments that attach the network device to the network "net"
    kernel_vaddr: int
    kernel_paddr: int

    def machine_arguments(self, cores):
        return [self.program, "-machine", self.machine, "-cpu", self.cpu, "-m", self.memory,
                "-smp", str(cores), "-nodefaults", "-display", "none", "-monitor", "none"]


@cache
def board(name="qemu_virt"):
    values = json.loads((TOP / "boards" / name / "qemu.json").read_text())
    for key in ("cores", "network"):
        values[key] = tuple(values[key])
    for key in ("kernel_vaddr", "kernel_paddr"):
        values[key] = int(values[key], 0)
    return Board(**values)


def constants(name="qemu_virt"):
    """The numbers of the board's header, without the prefix: {"RAM_BASE": 0x40000000, ...}."""
    text = (TOP / "boards" / name / "board.h").read_text()
    found = re.findall(r"^#define KOS_BOARD_(\w+) (0x[0-9a-f]+|\d+)$", text, re.MULTILINE)
    return {key: int(value, 0) for key, value in found}


def keel(name):
    """The ELF of one of Keel's builds."""
    path = TARGET / "kernel" / f"keel-{name}.elf"
    if not path.exists():
        raise KosError(f"kernel '{name}' is not built: {path.relative_to(TOP)} is missing")
    return path


def keel_for(cores, debug):
    """The name of the build that starts this many cores."""
    for name, nodes in KERNELS.items():
        if nodes == cores and name.endswith("debug") == debug:
            return name
    counts = sorted(set(KERNELS.values()))
    raise KosError(f"no kernel for {cores} cores; expected one of {' '.join(map(str, counts))}")
