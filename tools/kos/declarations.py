"""Tests and benchmarks are declared in data, next to what they run: test.json and bench.json.

This module reads and checks the declarations. docs/testing.md describes the fields."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from kos.board import KERNELS
from kos.common import TOP, KosError, shown

TEST_FILES = ("tests/*/*/test.json", "examples/*/test.json")
BENCH_FILES = "bench/*/bench.json"


@dataclass(frozen=True)
class Test:
    file: Path
    name: str
    group: str
    timeout_s: float
    elf: str = ""  # root task, below build/target
    system: str = ""  # or a system.toml, below the top of the tree
    script: str = ""  # or a Python program next to the declaration, which prints records itself
    kernels: tuple = ()  # names of board.KERNELS; a script without any runs once
    append: str = ""  # "key=value ..." for the root task; {seed} stands for the seed
    append_on_sel4: str = ""  # added to it when the kernel is a seL4
    parameters: dict = field(default_factory=dict)  # of a system: "domain.name" -> value; may have {seed}
    parameters_on_sel4_smp: dict = field(default_factory=dict)  # in their place there
    seeds: tuple = ()
    digests: dict = field(default_factory=dict)  # seed as text -> last digest on unmodified seL4, one core
    host_time: tuple = ()  # those of `kernels` whose cores run side by side, on the host's time
    host_devices: bool = False  # idle time passes as on the host
    qemu_arguments: tuple = ()  # devices beyond the board's; {tmp} stands for a folder of this run
    disks: dict = field(default_factory=dict)  # file of that folder -> its size in bytes, all zero at the start
    input: str = ""  # what the serial line receives
    peer: str = ""  # a Python program next to the declaration, which runs on the host beside the machine (network.py)
    frames: bool = False  # the peer gets every frame of the network device


@dataclass(frozen=True)
class Bench:
    file: Path
    name: str
    timeout_s: float
    elf: str = ""  # root task, below build/target
    system: str = ""  # or a system.toml, below the top of the tree
    script: str = ""  # or a Python module next to the declaration, with measure() and profile() (bench.py)
    kernel: str = "release"
    append: str = ""
    qemu_arguments: tuple = ()  # devices beyond the board's
    recorded: dict = field(default_factory=dict)  # row -> figure measured on unmodified seL4
    rates: tuple = ()  # rows where more is better
    exceptions: dict = field(default_factory=dict)  # row -> why it may be worse than the reference
    linux: dict = field(default_factory=dict)  # the peer is Linux: "root" (a root.toml), "arguments", "environment"
    without_reference: dict = field(default_factory=dict)  # row -> why the peer has nothing like it
    limits: dict = field(default_factory=dict)  # row -> most (rates: least) that it may be, whatever the reference


def tests():
    return unique([read_test(file) for file in sorted(file for pattern in TEST_FILES for file in TOP.glob(pattern))])


def benches():
    return unique([read_bench(file) for file in sorted(TOP.glob(BENCH_FILES))])


def unique(declared):
    seen = {}
    for one in declared:
        if one.name in seen:
            raise KosError(f"{shown(one.file)}: the name '{one.name}' is taken by {shown(seen[one.name])}")
        seen[one.name] = one.file
    return declared


def read_test(file):
    reader = Reader(file)
    name = reader.take("name", str)
    test = Test(
        file=file, name=name,
        group=reader.take("group", str, name),
        timeout_s=reader.take("timeout_s", (int, float)),
        elf=reader.take("elf", str, ""),
        system=reader.take("system", str, ""),
        script=reader.take("script", str, ""),
        kernels=tuple(reader.take("kernels", list, [])),
        append=reader.take("append", str, ""),
        append_on_sel4=reader.take("append_on_sel4", str, ""),
        parameters=reader.take("parameters", dict, {}),
        parameters_on_sel4_smp=reader.take("parameters_on_sel4_smp", dict, {}),
        seeds=tuple(reader.take("seeds", list, [])),
        digests=reader.take("digests", dict, {}),
        host_time=tuple(reader.take("host_time", list, [])),
        host_devices=reader.take("host_devices", bool, False),
        qemu_arguments=tuple(reader.take("qemu_arguments", list, [])),
        disks=reader.take("disks", dict, {}),
        input=reader.take("input", str, ""),
        peer=reader.take("peer", str, ""),
        frames=reader.take("frames", bool, False),
    )
    reader.finish()
    if [bool(test.elf), bool(test.system), bool(test.script)].count(True) != 1:
        reader.refuse("exactly one of elf, system and script is needed")
    if not test.script and not test.kernels:
        reader.refuse("elf and system need kernels")
    check_system(reader, test.system)
    check_parameters(reader, test)
    check_devices(reader, test)
    for kernel in test.kernels:
        if kernel not in KERNELS:
            reader.refuse(f"unknown kernel '{kernel}', expected some of {' '.join(KERNELS)}")
    if not set(test.host_time) <= set(test.kernels) or (test.host_time and not test.system):
        reader.refuse("host_time names some of a system's kernels")
    uses_seed = "{seed}" in test.append or "{seed}" in map(str, test.parameters.values())
    if bool(test.seeds) != uses_seed and not test.script:
        reader.refuse("seeds and {seed} in append or parameters belong together")
    if any(not isinstance(seed, int) or seed < 0 for seed in test.seeds):
        reader.refuse("seeds must be numbers")
    if not set(test.digests) <= {str(seed) for seed in test.seeds}:
        reader.refuse("digests has a seed that seeds has not")
    return test


def check_parameters(reader, test):
    if test.parameters and not test.system:
        reader.refuse("parameters are for a system")
    if any(not isinstance(value, (str, int)) for value in test.parameters.values()):
        reader.refuse("parameters must be texts or numbers")
    if not set(test.parameters_on_sel4_smp) <= set(test.parameters):
        reader.refuse("parameters_on_sel4_smp has a name that parameters has not")


def check_devices(reader, test):
    if test.peer and not (test.system and file_beside(reader, test.peer)):
        reader.refuse(f"peer is '{test.peer}'; expected a file beside the declaration of a system")
    if test.frames and not test.peer:
        reader.refuse("frames needs a peer, which gets them")
    if test.peer and not test.host_devices:
        reader.refuse("a peer answers in the host's time; host_devices must be true")
    if test.script and (test.qemu_arguments or test.disks or test.input):
        reader.refuse("a script starts QEMU itself; qemu_arguments, disks and input are for elf and system")
    if any(not isinstance(word, str) for word in test.qemu_arguments):
        reader.refuse("qemu_arguments must be texts")
    for name, size in test.disks.items():
        if Path(name).name != name or not isinstance(size, int) or size <= 0 or size % 512:
            reader.refuse(f"disks has '{name}': {size!r}; expected a file name and a multiple of 512 bytes")


def read_bench(file):
    reader = Reader(file)
    bench = Bench(
        file=file,
        name=reader.take("name", str),
        timeout_s=reader.take("timeout_s", (int, float)),
        elf=reader.take("elf", str, ""),
        system=reader.take("system", str, ""),
        script=reader.take("script", str, ""),
        kernel=reader.take("kernel", str, "release"),
        append=reader.take("append", str, ""),
        qemu_arguments=tuple(reader.take("qemu_arguments", list, [])),
        recorded=reader.take("recorded", dict, {}),
        rates=tuple(reader.take("rates", list, [])),
        exceptions=reader.take("exceptions", dict, {}),
        limits=reader.take("limits", dict, {}),
        linux=reader.take("linux", dict, {}),
        without_reference=reader.take("without_reference", dict, {}),
    )
    reader.finish()
    check_linux(reader, bench)
    if bench.script and bench.without_reference:
        reader.refuse("without_reference: the script of a benchmark knows its references itself")
    if any(not isinstance(why, str) or not why.strip() for why in bench.without_reference.values()):
        reader.refuse("without_reference must say of each row why it has no reference")
    if [bool(bench.elf), bool(bench.system), bool(bench.script)].count(True) != 1:
        reader.refuse("exactly one of elf, system and script is needed")
    if bench.script and not file_beside(reader, bench.script):
        reader.refuse(f"script is '{bench.script}'; expected a file beside the declaration")
    check_system(reader, bench.system)
    if any(not isinstance(word, str) for word in bench.qemu_arguments):
        reader.refuse("qemu_arguments must be texts")
    if KERNELS.get(bench.kernel) != 1:
        reader.refuse(f"kernel '{bench.kernel}': instructions can only be counted on a kernel for one core")
    return bench


def file_beside(reader, name):
    return Path(name).name == name and (reader.file.parent / name).is_file()


def check_linux(reader, bench):
    if not bench.linux:
        return
    if set(bench.linux) != {"root", "arguments", "environment"} or not bench.system:
        reader.refuse("linux needs root, arguments and environment, and belongs to a system")
    if not (TOP / bench.linux["root"]).is_file():
        reader.refuse(f"linux.root is '{bench.linux['root']}': no such file; expected a path from the top of the tree")


def check_system(reader, system):
    if system and not (TOP / system).is_file():
        reader.refuse(f"system is '{system}': no such file; expected a path from the top of the tree")


class Reader:
    """Takes typed fields out of a JSON object; what is left over at the end is a mistake."""

    MISSING = object()

    def __init__(self, file):
        self.file = file
        try:
            self.values = json.loads(file.read_text())
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            self.refuse(str(error))
        if not isinstance(self.values, dict):
            self.refuse("expected a JSON object")

    def take(self, key, kind, default=MISSING):
        value = self.values.pop(key, default)
        if value is self.MISSING:
            self.refuse(f"'{key}' is missing")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.refuse(f"'{key}' has the wrong type: {value!r}")
        return value

    def finish(self):
        if self.values:
            self.refuse(f"unknown field '{next(iter(self.values))}'")

    def refuse(self, text):
        raise KosError(f"{shown(self.file)}: {text}")


def replaced(append, parameters, changes):
    """Both with the values of some of their keys replaced; a key that they do not have is a mistake."""
    words, parameters = append.split(), dict(parameters)
    for change in changes:
        key, separator, value = change.partition("=")
        places = [i for i, word in enumerate(words) if word.startswith(key + "=")]
        if not separator or (not places and key not in parameters):
            declared = " ".join([word.split("=")[0] for word in words] + list(parameters)) or "none"
            raise KosError(f"--set {change}: expected KEY=VALUE, KEY one of: {declared}")
        if places:
            words[places[0]] = change
        else:
            parameters[key] = value
    return " ".join(words), parameters
