"""A system image as bytes that a test can change: root with the bundle behind it (services/root/bundle_format.h)."""

import struct

MAGIC = b"KOSBNDL1"
ALIGNMENT = 4096
HEADER_BYTES, ENTRY_BYTES = 64, 96
MANIFEST, SIGNATURE, FIRST_PROGRAM = 0, 1, 2
# Fields of Signature: name -> (offset, bytes)
PUBLIC_KEY, SIGNED = (0, 32), (32, 64)


class Bundle:
    """The image of a system, and where the parts of its bundle are."""

    def __init__(self, path):
        self.data = bytearray(path.read_bytes())
        self.start = next(at for at in range(0, len(self.data), ALIGNMENT) if self.data.startswith(MAGIC, at))

    def entry(self, index):
        """(offset in the image, bytes) of the file of an entry."""
        offset, size = struct.unpack_from("<QQ", self.data, self.entry_at(index) + 8)
        return self.start + offset, size

    def entry_at(self, index):
        return self.start + HEADER_BYTES + index * ENTRY_BYTES

    def entry_count(self):
        return struct.unpack_from("<I", self.data, self.start + 12)[0]

    def set_entry_count(self, count):
        struct.pack_into("<I", self.data, self.start + 12, count)

    def flip(self, at):
        """Flips one bit of the byte at this offset in the image."""
        self.data[at] ^= 0x04

    def fill(self, index, place, value):
        """Writes `value` over a field of the file of an entry."""
        at = self.entry(index)[0] + place[0]
        self.data[at:at + place[1]] = value

    def field(self, index, place):
        at = self.entry(index)[0] + place[0]
        return bytes(self.data[at:at + place[1]])

    def program_of(self, name):
        """The index of the entry with this name."""
        for index in range(FIRST_PROGRAM, self.entry_count()):
            at = self.entry_at(index) + 24
            if bytes(self.data[at:at + 32]).rstrip(b"\0") == name.encode():
                return index
        raise ValueError(f"no program {name} in the bundle")
