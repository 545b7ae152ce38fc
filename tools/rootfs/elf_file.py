"""What the tool has to know of an ELF file: machine, shared object name, libraries that it needs.

Files come from packages and releases of anybody, so every offset is checked; a file that is not to be understood is
one without libraries."""

import struct
from dataclasses import dataclass, field

MAGIC = b"\x7fELF"
MACHINE_NONE, MACHINE_AARCH64 = 0, 183
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 5, 14, 15, 29
MAX_ENTRIES = 4096


@dataclass
class Elf:
    machine: int
    bits: int
    interpreter: str = ""
    soname: str = ""
    needed: list = field(default_factory=list)
    search: list = field(default_factory=list)  # DT_RUNPATH or DT_RPATH

    def arm64(self):
        return self.machine == MACHINE_AARCH64 and self.bits == 64

    def is_data(self):
        """Of no machine: what a program keeps in this format for itself, such as Guile its compiled modules."""
        return self.machine == MACHINE_NONE


def read(data):
    """None for what is no ELF file."""
    if len(data) < 20 or data[:4] != MAGIC:
        return None
    order = ">" if data[5] == 2 else "<"
    elf = Elf(struct.unpack_from(order + "H", data, 18)[0], 64 if data[4] == 2 else 32)
    if elf.bits == 64 and order == "<":
        try:
            read_dynamic(data, elf)
        except (struct.error, ValueError, OverflowError, StopIteration):
            pass
    return elf


def read_dynamic(data, elf):
    offset, = struct.unpack_from("<Q", data, 32)
    entry_bytes, count = struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQQQ", data, offset + i * entry_bytes) for i in range(min(count, 256))]
    loads = [(s[3], s[2], s[5]) for s in segments if s[0] == PT_LOAD]
    for kind, _, where, _, _, size, _, _ in segments:
        if kind == PT_INTERP:
            elf.interpreter = data[where:where + size].rstrip(b"\0").decode()
        elif kind == PT_DYNAMIC:
            tags = []
            for i in range(min(size // 16, MAX_ENTRIES)):
                tag, value = struct.unpack_from("<qQ", data, where + i * 16)
                if tag == DT_NULL:
                    break
                tags.append((tag, value))
            strings = next(in_file(loads, value) for tag, value in tags if tag == DT_STRTAB)
            for tag, value in tags:
                if tag == DT_NEEDED:
                    elf.needed.append(text(data, strings + value))
                elif tag == DT_SONAME:
                    elf.soname = text(data, strings + value)
                elif tag in (DT_RPATH, DT_RUNPATH):
                    elf.search = text(data, strings + value).split(":")


def in_file(loads, address):
    for start, offset, size in loads:
        if start <= address < start + size:
            return address - start + offset
    raise ValueError


def text(data, offset):
    return data[offset:data.index(b"\0", offset)].decode()
