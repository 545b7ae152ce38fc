"""/etc/ld.so.cache, which ldconfig of another architecture cannot write: it skips libraries of foreign machines.

Format "glibc-ld.so.cache1.1": header, entries sorted downwards by name, strings (ld.so's own; seen with
`ldconfig -p -C FILE`, which reads the cache of every architecture)."""

import posixpath
import re
import struct

from rootfs import elf_file

MAGIC = b"glibc-ld.so.cache1.1"
LITTLE_ENDIAN = 2
FLAGS_AARCH64 = 0x0A03  # 64-bit arm64 library for glibc
HEADER = struct.Struct("<20sIIB3xI12x")
ENTRY = struct.Struct("<iIIIQ")

# Where ld.so looks by itself, and so does ldconfig.
DEFAULT_FOLDERS = ("usr/lib/aarch64-linux-gnu", "usr/lib")
LIBRARY = re.compile(r"(lib|ld-).*\.so(\.[^/]*)?")


def add(tree):
    """Links libraries to their shared object names where a package does not, and writes the cache."""
    found = {}
    for folder in folders(tree):
        for name in tree.children(folder):
            base = posixpath.basename(name)
            node = tree.get(name)
            if not LIBRARY.fullmatch(base) or node is None or node.kind != "file":
                continue
            elf = elf_file.read(node.data)
            if elf is None or not elf.arm64():
                continue
            found.setdefault(base, f"/{name}")
            if elf.soname and "/" not in elf.soname:
                place = f"{posixpath.dirname(name)}/{elf.soname}"
                if tree.get(place) is None:
                    tree.link(place, base, origin="ldconfig")
                found.setdefault(elf.soname, f"/{place}")
    tree.file("etc/ld.so.cache", cache(found))
    return found


def folders(tree):
    """The folders of /etc/ld.so.conf and of the files that it includes, then the default ones."""
    result = []

    def read(path, depth):
        node = tree.get(path)
        if node is None or node.kind != "file" or depth > 4:
            return
        for line in node.data.decode(errors="replace").splitlines():
            words = line.split("#")[0].split()
            if len(words) == 2 and words[0] == "include":
                pattern = posixpath.join(posixpath.dirname(path), words[1]).strip("/")
                start = posixpath.dirname(pattern)
                expression = re.compile(re.escape(posixpath.basename(pattern)).replace(r"\*", ".*"))
                for name in tree.children(start):
                    if expression.fullmatch(posixpath.basename(name)):
                        read(name, depth + 1)
            elif words:
                result.append(words[0])

    read("etc/ld.so.conf", 0)
    resolved = [tree.resolve(folder) for folder in [*result, *DEFAULT_FOLDERS]]
    return list(dict.fromkeys(folder for folder in resolved if folder and folder in tree.nodes))


def cache(found):
    """The file's bytes for {name: path}."""
    names = sorted(found, key=order, reverse=True)
    start = HEADER.size + ENTRY.size * len(names)
    strings, places = bytearray(), {}

    def place(text):
        if text not in places:
            places[text] = start + len(strings)
            strings.extend(text.encode() + b"\0")
        return places[text]

    entries = b"".join(ENTRY.pack(FLAGS_AARCH64, place(name), place(found[name]), 0, 0) for name in names)
    return HEADER.pack(MAGIC, len(names), len(strings), LITTLE_ENDIAN, 0) + entries + bytes(strings)


def order(name):
    """ld.so compares numbers in names as numbers, and a digit is more than any other character."""
    return [(1, int(part)) if part.isdigit() else (0, part) for part in re.findall(r"\d+|\D", name)]
