import struct
import tempfile
import unittest
from pathlib import Path

from kos import elf
from kos.board import board
from kos.common import KosError


def header(machine=183, kind=2, vaddr=0xFFFFFF8040000000, paddr=0x40000000, entry=None, segment=1, count=1):
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    entry = vaddr if entry is None else entry
    first = struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, entry, 64, 0, 0, 64, 56, count, 0, 0, 0)
    return ident + first + struct.pack("<IIQQQQQQ", segment, 7, 0, vaddr, paddr, 0, 0x1000, 0x1000)


class CheckKernelTest(unittest.TestCase):
    def check(self, data):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sel4.elf"
            path.write_bytes(data)
            elf.check_kernel(path, board())

    def refused(self, data, reason):
        with self.assertRaises(KosError) as caught:
            self.check(data)
        self.assertIn(reason, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_a_kernel(self):
        self.check(header())

    def test_no_elf_file(self):
        self.refused(b"#!/bin/sh\n", "not an ELF file")
        self.refused(b"", "not an ELF file")
        self.refused(b"\x7fELF\x01\x01" + bytes(100), "not a 64-bit")
        self.refused(header()[:30], "not a 64-bit")

    def test_wrong_machine_or_type(self):
        self.refused(header(machine=62), "machine 62")
        self.refused(header(kind=3), "ELF type 3")

    def test_wrong_addresses(self):
        self.refused(header(vaddr=0x8040000000), "EL2")
        self.refused(header(vaddr=0x400000), "linked at 0x400000")
        self.refused(header(paddr=0x60000000), "physical address 0x60000000")
        self.refused(header(entry=0), "entry 0x0")

    def test_damaged(self):
        self.refused(header(count=2), "outside the file")
        self.refused(header(segment=4), "no segment")

    def test_absent(self):
        with self.assertRaisesRegex(KosError, "No such file"):
            elf.check_kernel(Path("/nonexistent/sel4.elf"), board())
        with self.assertRaisesRegex(KosError, "directory"):
            elf.check_kernel(Path("/"), board())


if __name__ == "__main__":
    unittest.main()
