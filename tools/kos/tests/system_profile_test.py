import struct
import tempfile
import unittest
from pathlib import Path

from kos.system_profile import Counts, ENTRY, HEADER, code_of


class FakeProgram:
    def __init__(self, name, start, code):
        self.name = name
        self.start = start
        self.code = code
        self.names = [(start, "first"), (start + 8, "second")]

    def has(self, address, code):
        at = address - self.start
        return at >= 0 and self.code[at:at + len(code)] == code


def listing(address, *words):
    lines = [f"0x{address + 4 * i:08x}:  {word:08x}  nop" for i, word in enumerate(words)]
    return "\n".join(["----------------", "IN: ", *lines, "", ""])


def executed(translation, address, times=1):
    return f"Trace 0: 0x{translation:x} [0000000000000000/{address:016x}/00000000/ff000000] \n" * times


class CountsTest(unittest.TestCase):
    def functions(self, log, chunk=None):
        one = FakeProgram("one", 0x400000, struct.pack("<4I", 1, 2, 3, 4))
        other = FakeProgram("other", 0x400000, struct.pack("<4I", 1, 2, 9, 9))
        counts = Counts([one, other])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log"
            path.write_text(log)
            if chunk:
                from kos import system_profile
                before, system_profile.CHUNK_BYTES = system_profile.CHUNK_BYTES, chunk
                self.addCleanup(setattr, system_profile, "CHUNK_BYTES", before)
            counts.read(path)
        return dict(counts.functions())

    LOG = (listing(0x400008, 3, 4) + executed(0xa0, 0x400008, 3) + listing(0x400008, 9) + executed(0xb0, 0x400008)
           + executed(0xa0, 0x400008) + listing(0x400000, 1) + executed(0xc0, 0x400000, 2))
    EXPECTED = {("one", "second"): 8, ("other", "second"): 1, ("2 programs", "first"): 2}

    def test_blocks_belong_to_whose_code_it_is(self):
        self.assertEqual(self.functions(self.LOG), self.EXPECTED)

    def test_pieces_of_any_size(self):
        for chunk in (1, 7, 100, 300):
            with self.subTest(chunk=chunk):
                self.assertEqual(self.functions(self.LOG, chunk), self.EXPECTED)

    def test_a_translation_replaces_another(self):
        log = listing(0x400008, 3) + executed(0xa0, 0x400008, 2) + listing(0x40000c, 9) + executed(0xa0, 0x40000c, 5)
        self.assertEqual(self.functions(log), {("one", "second"): 2, ("other", "second"): 5})

    def test_a_listing_that_is_not_executed_next(self):
        log = listing(0x400008, 3) + executed(0xd0, 0x500000) + listing(0x400008, 3) + executed(0xa0, 0x400008)
        self.assertEqual(self.functions(log), {("?", "?"): 1, ("one", "second"): 1})


class FilesTest(unittest.TestCase):
    def test_code_is_what_can_be_executed(self):
        header = bytearray(64)
        struct.pack_into("<Q", header, 32, 64)
        struct.pack_into("<HH", header, 54, 56, 2)
        code = struct.pack("<IIQQQQQQ", 1, 5, 176, 0x400000, 0x40000000, 4, 4, 4096)
        data = struct.pack("<IIQQQQQQ", 1, 6, 176, 0x500000, 0x500000, 4, 4, 4096)
        self.assertEqual(sorted(code_of(bytes(header) + code + data + b"abcd")),
                         [(0x400000, b"abcd"), (0x40000000, b"abcd")])

    def test_sizes_are_those_of_bundle_format_h(self):
        self.assertEqual((HEADER.size, ENTRY.size), (64, 96))


if __name__ == "__main__":
    unittest.main()
