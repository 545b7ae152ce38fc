"""./kos bench NAME --profile boot, for a benchmark that is a system: which programs and functions execute the instructions
from the loader's first one to the first figure.

QEMU logs each block of instructions when it translates it and whenever it executes it. A block belongs to the program
whose file has the same instructions at its address; domains have the same addresses, so that code which several programs
have at the same place (start-up, often libkos) is shown as one. Instructions of a block that an exception cuts short
count as executed: an excess of about a per cent. Used by bench.py."""

import os
import re
import struct
import tempfile
import threading
from collections import Counter
from pathlib import Path

from kos import image, profile, qemu, system_image
from kos.common import TARGET, KosError, shown

BOOT = "boot"
SHOWN_FUNCTIONS = 50
CHUNK_BYTES = 1 << 22
TRANSLATED = b"----------------\nIN:"
LISTED = re.compile(rb"^0x([0-9a-f]+):\s+([0-9a-f]{8})\s", re.MULTILINE)
EXECUTED = re.compile(rb"^Trace \d+: (0x[0-9a-f]+) \[", re.MULTILINE)
FIRST_EXECUTED = re.compile(rb"^Trace \d+: (0x[0-9a-f]+) \[[0-9a-f]+/([0-9a-f]+)/", re.MULTILINE)
# services/root/bundle_format.h
BUNDLE_MAGIC = b"KOSBNDL1"
HEADER = struct.Struct("<8sIIQ40x")
ENTRY = struct.Struct("<IIQQ32s32s8x")
PROGRAM = 3


def run(bench, row, kernel):
    """Prints the profile."""
    if row != BOOT:
        raise KosError(f"--profile {row}: the only part of a system that is profiled is '{BOOT}'")
    log = profile.LOGS / f"{bench.name}-profile.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    system = system_image.root_task(bench.elf, bench.system)
    packed = image.pack(kernel, system, 1)
    with tempfile.TemporaryDirectory(dir=profile.LOGS) as scratch:
        programs = [Program("loader", TARGET / "boot/loader.elf"), Program("kernel", kernel),
                    Program("root", system_image.ROOT), *bundled(system.read_bytes(), Path(scratch))]
        counts = Counts(programs)
        result = trace(bench, packed, log, Path(scratch) / "trace", counts)
    if not result.collected.rows:
        raise KosError(f"{'; '.join(result.problems()) or 'no figure'} (log: {shown(log)})")
    print(report(bench, counts.functions(), kernel))


def trace(bench, packed, log, fifo, counts):
    """Runs until the first figure; `counts` gets everything that QEMU logs meanwhile."""
    os.mkfifo(fifo)
    reader = threading.Thread(target=counts.read, args=(fifo,))
    reader.start()
    words = qemu.command(packed, 1, bench.append or None, qemu.COUNT_INSTRUCTIONS) + list(bench.qemu_arguments)
    words += ["-d", "in_asm,exec,nochain", "-D", str(fifo)]
    try:
        return qemu.run(words, log, bench.timeout_s, until=lambda collected: bool(collected.rows))
    finally:
        # If QEMU never opened it, the reader still waits.
        try:
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            pass
        reader.join()


def bundled(contents, folder):
    """The programs in the bundle of a system image, as files in `folder`."""
    start = contents.rfind(BUNDLE_MAGIC)
    while start >= 0 and start % 4096:
        start = contents.rfind(BUNDLE_MAGIC, 0, start)
    if start < 0:
        raise KosError("the system image has no bundle")
    _, _, count, _ = HEADER.unpack_from(contents, start)
    found = []
    for i in range(count):
        kind, _, offset, size, name, _ = ENTRY.unpack_from(contents, start + HEADER.size + i * ENTRY.size)
        if kind != PROGRAM:
            continue
        path = folder / f"{name.split(bytes(1))[0].decode()}.elf"
        path.write_bytes(contents[start + offset:start + offset + size])
        found.append(Program(path.stem, path))
    return found


class Program:
    """An ELF file: its code by address, and its symbols."""

    def __init__(self, name, path):
        self.name = name
        self.segments = code_of(Path(path).read_bytes())
        self.names = profile.symbols(path)

    def has(self, address, code):
        return any(start <= address and contents[address - start:address - start + len(code)] == code
                   for start, contents in self.segments)


def code_of(contents):
    """(address, bytes) of the executable segments of a 64-bit ELF file; also at the physical address, for what runs before
    its page tables do."""
    offset, = struct.unpack_from("<Q", contents, 32)
    size, count = struct.unpack_from("<HH", contents, 54)
    segments = []
    for i in range(count):
        kind, flags, start, virtual, physical, length = struct.unpack_from("<IIQQQQ", contents, offset + i * size)
        if kind == 1 and flags & 1:
            segments += [(address, contents[start:start + length]) for address in {virtual, physical}]
    return segments


class Counts:
    """Executions of blocks, by the address of their translation; a translation may replace another one there."""

    def __init__(self, programs):
        self.programs = programs
        self.blocks = {}  # address of the translation -> (program, function, instructions)
        self.executed = Counter()  # address of the translation -> times, since the block is there
        self.total = Counter()  # (program, function) -> instructions

    def read(self, path):
        """Takes a log in until its end."""
        rest = b""
        with open(path, "rb") as file:
            while data := file.read(CHUNK_BYTES):
                text = rest + data
                cut = text.rfind(TRANSLATED)
                if cut <= 0:  # one listing at most; what was executed next stays with it
                    last = text.rfind(b"\nTrace ") + 1
                    cut = last if EXECUTED.search(text, 0, last) else 0
                self.take_all(text[:cut])
                rest = text[cut:]
        self.take_all(rest)

    def take_all(self, text):
        for piece in text.split(TRANSLATED):
            self.take(piece)

    def take(self, piece):
        """A listing, if any, and the executions until the next one."""
        listed = LISTED.findall(piece)
        first = FIRST_EXECUTED.search(piece) if listed else None
        # An interrupt may come between the two; the block is then listed no second time, and remains unknown.
        if first and int(first[2], 16) == int(listed[0][0], 16):
            code = b"".join(bytes.fromhex(word.decode())[::-1] for _, word in listed)
            self.translate(first[1], int(listed[0][0], 16), code)
        self.executed.update(EXECUTED.findall(piece))

    def translate(self, translation, address, code):
        self.settle(translation)
        owners = [program for program in self.programs if program.has(address, code)]
        if not owners:
            self.blocks[translation] = ("?", f"{address:#x}", len(code) // 4)
            return
        name = owners[0].name if len(owners) == 1 else f"{len(owners)} programs"
        function = profile.function_at(address, owners[0].names)
        self.blocks[translation] = (name, function, len(code) // 4)

    def settle(self, translation):
        """Counts what the block that was there so far has executed."""
        program, function, instructions = self.blocks.get(translation, ("?", "?", 1))
        if times := self.executed.pop(translation, 0):
            self.total[program, function] += times * instructions

    def functions(self):
        for translation in list(self.executed):
            self.settle(translation)
        return self.total


def report(bench, functions, kernel):
    whole = sum(functions.values()) or 1
    by_program = Counter()
    for (program, _), count in functions.items():
        by_program[program] += count
    lines = [f"{bench.name}, from the loader to the first figure, on {shown(kernel)}: {whole} instructions", "", "by program"]
    lines += [f"{count:12} {count / whole:6.1%}  {name}" for name, count in by_program.most_common()]
    lines += ["", f"by function, the first {SHOWN_FUNCTIONS}"]
    lines += [f"{count:12} {count / whole:6.1%}  {program}: {function}"
              for (program, function), count in functions.most_common(SHOWN_FUNCTIONS)]
    return "\n".join(lines)
