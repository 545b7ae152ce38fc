"""A packed boot image as bytes that a test can change: offsets of fields (boot/image_format.h) and in ELF headers."""

import struct

IMAGE_MAGIC = b"KOS-BOOT"
ALIGNMENT = 4096

# Fields of ImageHeader: name -> (offset, struct format)
HEADER = {"magic": (0, "<Q"), "version": (8, "<I"), "header_size": (12, "<I"), "image_size": (16, "<Q"),
          "flags": (24, "<I"), "slot": (28, "<I"), "core_count": (32, "<I"), "entry_count": (36, "<I"),
          "signer": (40, "<Q"), "bootargs": (72, "256s"), "reserved": (328, "<Q")}
HEADER_BYTES = 384
# Fields of ImageEntry
ENTRY = {"type": (0, "<I"), "flags": (4, "<I"), "offset": (8, "<Q"), "size": (16, "<Q"), "name": (24, "40s"),
         "hash": (64, "<Q"), "deferred_offset": (96, "<Q"), "deferred_size": (104, "<Q"), "reserved": (112, "<Q")}
ENTRY_BYTES = 128
KERNEL, ROOT = 0, 1

# Fields of Elf64_Ehdr and of the first Elf64_Phdr
ELF = {"magic": (0, "<I"), "class": (4, "B"), "type": (16, "<H"), "machine": (18, "<H"), "entry": (24, "<Q"),
       "phoff": (32, "<Q"), "phentsize": (54, "<H"), "phnum": (56, "<H"),
       "p_offset": (72, "<Q"), "p_vaddr": (80, "<Q"), "p_paddr": (88, "<Q"), "p_filesz": (96, "<Q"),
       "p_memsz": (104, "<Q")}


def find_image(packed):
    """Where the boot image begins in an ELF file or raw Image that mkimage wrote."""
    for offset in range(0, len(packed), ALIGNMENT):
        if packed.startswith(IMAGE_MAGIC, offset):
            return offset
    raise ValueError("no boot image in this file")


def get(data, place, base=0):
    offset, form = place
    return struct.unpack_from(form, data, base + offset)[0]


def put(data, place, value, base=0):
    offset, form = place
    struct.pack_into(form, data, base + offset, value)


class Packed:
    """An image whose fields can be read and changed."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.start = find_image(self.data)

    def header(self, name):
        return get(self.data, HEADER[name], self.start)

    def set_header(self, name, value):
        put(self.data, HEADER[name], value, self.start)

    def entry(self, part, name):
        return get(self.data, ENTRY[name], self.start + HEADER_BYTES + part * ENTRY_BYTES)

    def set_entry(self, part, name, value):
        put(self.data, ENTRY[name], value, self.start + HEADER_BYTES + part * ENTRY_BYTES)

    def flip(self, offset):
        """Flips one bit of the byte at `offset` into the image."""
        self.data[self.start + offset] ^= 0x10
