"""Counts the instructions that a machine in QEMU executes, with tools/instructions/count.c: how many, and of which functions.

    with instructions.Counter() as counter:
        start(qemu_words + counter.words)
        before = counter.read(); ...; print(counter.read() - before)

An idle machine executes none, and the host's speed has no part in it. Nothing here starts or judges anything."""

import hashlib
import struct
import tempfile
from collections import Counter as Totals
from pathlib import Path

from kos import profile
from kos.common import BUILD, TOP, output_of

SOURCE = TOP / "tools/instructions/count.c"
# struct header, struct slot, kSlots of count.c
HEADER = struct.Struct("<4Q")
SLOT = struct.Struct("<QQIIQ")
SLOTS = 1 << 20


def plugin():
    """The compiled plugin."""
    source = SOURCE.read_bytes()
    library = BUILD / "instructions" / f"count-{hashlib.sha256(source).hexdigest()[:16]}.so"
    if not library.is_file():
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=library.parent, suffix=".so", delete=False) as made:
            output_of(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", made.name, SOURCE])
            Path(made.name).rename(library)
    return library


class Counter:
    """One machine's counts. `words` are for QEMU's command."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="kos-instructions-")
        self.file = Path(self.folder.name) / "counts"
        self.words = ["-plugin", f"{plugin()},counts={self.file}"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def read(self):
        """Instructions so far."""
        with open(self.file, "rb") as file:
            return HEADER.unpack(file.read(HEADER.size))[0]

    def times(self):
        """How often each block has been executed so far, in the order in which they were found."""
        with open(self.file, "rb") as file:
            count = HEADER.unpack(file.read(HEADER.size))[1]
            return [SLOT.unpack_from(found)[1] for found in pieces(file.read(count * SLOT.size))]

    def functions(self, before, after, programs):
        """Instructions between two times(): Counter of (program, function). `programs`: system_profile.Program."""
        with open(self.file, "rb") as file:
            _, count, code_bytes, _ = HEADER.unpack(file.read(HEADER.size))
            slots = [SLOT.unpack_from(found) for found in pieces(file.read(count * SLOT.size))]
            file.seek(HEADER.size + SLOTS * SLOT.size)
            code = file.read(code_bytes)
        totals = Totals()
        before = before + [0] * (len(after) - len(before))
        for (address, _, instructions, at, _), first, last in zip(slots, before, after):
            if last == first:
                continue
            owners = [program for program in programs if program.has(address, code[at:at + 4 * instructions])]
            name = "?" if not owners else owners[0].name if len(owners) == 1 else f"{len(owners)} programs"
            function = profile.function_at(address, owners[0].names) if owners else f"{address:#x}"
            totals[name, function] += (last - first) * instructions
        return totals


def pieces(data):
    return (data[at:at + SLOT.size] for at in range(0, len(data), SLOT.size))
