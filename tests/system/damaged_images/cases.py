"""The damaged images and wrong machines, and the line that each must end in."""

import struct
from dataclasses import dataclass
from typing import Callable

from kos.board import board, constants
from kos.common import TARGET, output_of
from kos.image import LOADER, MKIMAGE
from packed import ELF, ENTRY_BYTES, HEADER, HEADER_BYTES, KERNEL, ROOT, Packed, get, put

PROBE_KERNEL = TARGET / "tests/system/loader/probe_kernel.elf"
PROBE_ROOT = TARGET / "tests/system/loader/probe_root.elf"
RAM_BASE = constants()["RAM_BASE"]
LOADER_BASE = constants()["LOADER_BASE"]
KERNEL_BASE = RAM_BASE + constants()["KERNEL_WINDOW_OFFSET"]
SIGNATURE_WRONG = "boot image: signature is wrong: header damaged or not authentic"
HASH_WRONG = "hash does not match: damaged or changed"


@dataclass(frozen=True)
class Case:
    name: str
    expected: str  # the line, without "KOS loader: error: "; * stands for a hexadecimal number
    machine: list  # QEMU's command
    arguments: Callable  # folder -> the arguments that start the image
    halts: bool = False  # there is no firmware that could power off


class Builder:
    """Makes cases out of one good image."""

    def __init__(self, folder):
        self.folder = folder
        self.key = folder / "key"
        self.key.write_text("01" * 32)
        self.other_key = folder / "other_key"
        self.other_key.write_text("02" * 32)
        self.good = folder / "good.elf"
        self.good_raw = folder / "good.bin"
        output_of([*self.pack_words(), "-o", self.good, "--raw", self.good_raw])
        self.cases = []

    def pack_words(self, kernel=PROBE_KERNEL, root=PROBE_ROOT, cores=1):
        return [MKIMAGE, "--loader", LOADER, "--kernel", kernel, "--root", root, "--cores", cores, "--key", self.key]

    def add(self, name, expected, arguments, machine=None, halts=False):
        machine = machine or board().machine_arguments(1)
        self.cases.append(Case(name, expected, machine + ["-serial", "stdio"], arguments, halts))

    def changed(self, name, expected, change):
        """The image with `change(Packed)` applied and the signature left alone."""
        def arguments(folder):
            packed = Packed(self.good.read_bytes())
            change(packed)
            return ["-kernel", written(folder / "image.elf", packed.data)]
        self.add(name, expected, arguments)

    def signed(self, name, expected, change):
        """The image with `change(Packed)` applied and then signed, for the checks behind the signature."""
        def arguments(folder):
            packed = Packed(self.good.read_bytes())
            change(packed)
            before = written(folder / "unsigned.elf", packed.data)
            output_of([MKIMAGE, "--resign", before, "--key", self.key, "--unchecked", "-o", folder / "image.elf"])
            return ["-kernel", folder / "image.elf"]
        self.add(name, expected, arguments)

    def elf(self, name, expected, part, change, machine=None):
        """Packed from a kernel or a root task with `change(bytearray)` applied to its file."""
        def arguments(folder):
            data = bytearray((PROBE_KERNEL if part == KERNEL else PROBE_ROOT).read_bytes())
            data = change(data) or data
            wrong = written(folder / "wrong.elf", data)
            words = self.pack_words(kernel=wrong) if part == KERNEL else self.pack_words(root=wrong)
            output_of([*words, "--unchecked", "-o", folder / "image.elf"])
            return ["-kernel", folder / "image.elf"]
        self.add(name, expected, arguments, machine)

    def raw(self, name, expected, change):
        """The raw Image with `change(bytes) -> bytes` applied."""
        def arguments(folder):
            return ["-kernel", written(folder / "image.bin", change(self.good_raw.read_bytes()))]
        self.add(name, expected, arguments)


def written(path, data):
    path.write_bytes(data)
    return path


def header(name, value):
    return lambda packed: packed.set_header(name, value)


def entry(part, name, value):
    return lambda packed: packed.set_entry(part, name, value)


def elf_field(name, value):
    return lambda data: put(data, ELF[name], value)


def all_cases(folder):
    builder = Builder(folder)
    for add in (add_header, add_signed_header, add_entries, add_parts, add_truncated, add_kernels, add_roots,
                add_machines):
        add(builder)
    return builder.cases


def add_header(builder):
    """Fields that are looked at before the signature, then damage that only the signature can find."""
    good = Packed(builder.good.read_bytes())
    size, header_size = good.header("image_size"), good.header("header_size")
    magic = int.from_bytes(b"KOS-BOOT", "little")
    builder.changed("magic", f"boot image: not a boot image: wrong magic number: found 0x0, expected {magic:#x}",
                    header("magic", 0))
    builder.changed("version", "boot image: unknown format version: found 1, expected 2", header("version", 1))
    builder.changed("header_size", "boot image: header size does not fit the number of parts: "
                    f"found 4294967295, expected {header_size}", header("header_size", 0xFFFFFFFF))
    builder.changed("entry_count 0", "boot image: bad number of parts: found 0, at most 16", header("entry_count", 0))
    builder.changed("entry_count 17", "boot image: bad number of parts: found 17, at most 16",
                    header("entry_count", 17))
    builder.changed("image_size too large", "boot image: truncated: fewer bytes than it says: "
                    f"found {size}, expected {size + 4096}", header("image_size", size + 4096))
    builder.changed("image_size too small", "boot image: truncated: fewer bytes than it says: "
                    f"found 1, expected {header_size + 8}", header("image_size", 1))
    builder.changed("image_size without the mark", "boot image: truncated or damaged: no end mark: found 0x0, expected "
                    f"{int.from_bytes(b'KOS--END', 'little'):#x}", header("image_size", size - 4096))
    key, other = public_prefix(builder, builder.key), public_prefix(builder, builder.other_key)
    builder.changed("signed by another", "boot image: signed with a key that this loader does not trust: "
                    f"key {other:#x}, trusted {key:#x}",
                    lambda packed: packed.set_header("signer", int.from_bytes(other.to_bytes(8, "big"), "little")))
    for name in ("flags", "slot", "core_count", "bootargs", "reserved"):
        offset = HEADER[name][0]
        builder.changed(f"{name} not signed", SIGNATURE_WRONG, lambda packed, at=offset: packed.flip(at))
    for part, name in ((KERNEL, "kernel"), (ROOT, "root task")):
        for at in (0, 4, 8, 16, 24, 64, 96, 104, ENTRY_BYTES - 1):
            builder.changed(f"entry of the {name}, byte {at} not signed", SIGNATURE_WRONG,
                            lambda packed, offset=HEADER_BYTES + part * ENTRY_BYTES + at: packed.flip(offset))
    builder.changed("first byte of the signature", SIGNATURE_WRONG, lambda packed: packed.flip(header_size - 64))
    builder.changed("last byte of the signature", SIGNATURE_WRONG, lambda packed: packed.flip(header_size - 1))


def public_prefix(builder, key):
    """First bytes of the public half of `key`, as the loader prints them."""
    output_of([MKIMAGE, "--resign", builder.good, "--key", key, "-o", builder.folder / "by_key.elf"])
    signer = Packed((builder.folder / "by_key.elf").read_bytes()).header("signer")
    return int.from_bytes(signer.to_bytes(8, "little"), "big")


def add_signed_header(builder):
    builder.signed("flags", "boot image: unknown header flags: found 0x80000000", header("flags", 0x80000000))
    builder.signed("slot", "boot image: unknown slot: found 3, at most 2", header("slot", 3))
    builder.signed("core_count 0", "boot image: bad number of cores: found 0, at most 4", header("core_count", 0))
    builder.signed("core_count 5", "boot image: bad number of cores: found 5, at most 4", header("core_count", 5))
    builder.signed("bootargs", "boot image: boot arguments are not terminated", header("bootargs", b"x" * 256))
    builder.signed("reserved", "boot image: reserved header byte is not zero: offset 328", header("reserved", 1))


def add_entries(builder):
    good = Packed(builder.good.read_bytes())
    kernel, root = good.entry(KERNEL, "offset"), good.entry(ROOT, "offset")
    parts_end = good.header("image_size") - 8
    builder.signed("type", "boot image: unknown type of part: found 7", entry(ROOT, "type", 7))
    builder.signed("two kernels", "boot image: second part of the same type: type 1", entry(ROOT, "type", 1))
    builder.signed("part reserved", "boot image: reserved byte of a part is not zero: part 0",
                   entry(KERNEL, "reserved", 1))
    builder.signed("kernel without hash", "boot image: range without a hash is malformed: begins at 0x0, size 0x1000",
                   entry(KERNEL, "deferred_size", 4096))
    builder.signed("code without hash", f"root task: {HASH_WRONG}", entry(ROOT, "deferred_size", 4096))
    builder.signed("part flags", "boot image: unknown flags of a part: found 0x1", entry(KERNEL, "flags", 1))
    builder.signed("part without name", "boot image: name of a part is empty or not terminated: part 1",
                   entry(ROOT, "name", b""))
    builder.signed("part name without end", "boot image: name of a part is empty or not terminated: part 0",
                   entry(KERNEL, "name", b"n" * 40))
    builder.signed("part not aligned", f"boot image: part is not page aligned: offset {kernel + 8:#x}",
                   entry(KERNEL, "offset", kernel + 8))
    builder.signed("part inside the header", "boot image: part overlaps what precedes it: begins at 0x0, at least "
                   f"{good.header('header_size'):#x}", entry(KERNEL, "offset", 0))
    builder.signed("parts overlap", f"boot image: part overlaps what precedes it: begins at {kernel:#x}, at least "
                   f"{kernel + good.entry(KERNEL, 'size'):#x}", entry(ROOT, "offset", kernel))
    builder.signed("part outside the image", "boot image: part is empty or ends outside the image: ends at "
                   f"{root + 0x1000000:#x}, at most {parts_end:#x}", entry(ROOT, "size", 0x1000000))
    builder.signed("empty part", "boot image: part is empty or ends outside the image: ends at "
                   f"{root:#x}, at most {parts_end:#x}", entry(ROOT, "size", 0))
    builder.signed("hash of another file", f"root task: {HASH_WRONG}", entry(ROOT, "hash", 0))

    def only_one(packed):
        """Without the root task: one entry, and the signature's place moves up."""
        packed.set_header("entry_count", 1)
        packed.set_header("header_size", HEADER_BYTES + ENTRY_BYTES + 64)
    builder.signed("no root task", "root task: missing in the image", only_one)


def add_parts(builder):
    good = Packed(builder.good.read_bytes())
    for part, name in ((KERNEL, "kernel"), (ROOT, "root task")):
        start, size = good.entry(part, "offset"), good.entry(part, "size")
        for where, at in (("first", start), ("middle", start + size // 2), ("last", start + size - 1)):
            builder.changed(f"{name}, {where} byte", f"{name}: {HASH_WRONG}", lambda packed, at=at: packed.flip(at))


def add_truncated(builder):
    good = Packed(builder.good_raw.read_bytes())
    mark = int.from_bytes(b"KOS--END", "little")
    no_mark = f"boot image: truncated or damaged: no end mark: found 0x0, expected {mark:#x}"
    no_magic = ("boot image: not a boot image: wrong magic number: found 0x0, expected "
                f"{int.from_bytes(b'KOS-BOOT', 'little'):#x}")
    for name, length, expected in (
            ("raw Image without the boot image", good.start, no_magic),
            ("raw Image cut in the header", good.start + 64, no_mark_or_header(good, 64)),
            ("raw Image cut in the kernel", good.start + good.entry(KERNEL, "offset") + 100, no_mark),
            ("raw Image cut in the root task", good.start + good.entry(ROOT, "offset") + 100, no_mark),
            ("raw Image without its last byte", len(good.data) - 1,
             f"boot image: truncated or damaged: no end mark: found {mark & 0xffffffffffffff:#x}, expected {mark:#x}")):
        builder.raw(name, expected, lambda data, length=length: data[:length])
    builder.add("loader without an image", "boot image: none attached to this loader (run mkimage)",
                lambda folder: ["-kernel", LOADER])


def no_mark_or_header(good, cut):
    """A header cut behind entry_count is whole enough to look for the end mark."""
    assert HEADER["entry_count"][0] < cut and good.header("entry_count") == 2
    return ("boot image: truncated or damaged: no end mark: found 0x0, expected "
            f"{int.from_bytes(b'KOS--END', 'little'):#x}")


def add_elf_headers(builder, part, name):
    data = (PROBE_KERNEL if part == KERNEL else PROBE_ROOT).read_bytes()
    builder.elf(f"{name} cut to 63 bytes", f"{name}: too short for an ELF header: found 63, at least 64", part,
                lambda data: data[:63])
    builder.elf(f"{name} is text", f"{name}: not an ELF file: wrong magic number: found 0x73757073, "
                "expected 0x464c457f", part, lambda data: b"spus" * 100)
    builder.elf(f"{name} for 32 bits", f"{name}: not a 64-bit little-endian ELF file of version 1: found 0x10101, "
                "expected 0x10102", part, elf_field("class", 1))
    builder.elf(f"{name} for x86-64", f"{name}: built for another machine than AArch64: found 62, expected 183", part,
                elf_field("machine", 62))
    builder.elf(f"{name} is a shared object", f"{name}: not an executable linked to a fixed address: found 3, "
                "expected 2", part, elf_field("type", 3))
    builder.elf(f"{name} with program headers outside",
                f"{name}: program headers are malformed or outside the file: begin at 0xffffffffffffffff, file size "
                f"{len(data):#x}", part, elf_field("phoff", 0xFFFFFFFFFFFFFFFF))
    builder.elf(f"{name} without segments", f"{name}: nothing to load", part, elf_field("phnum", 0))
    builder.elf(f"{name} cut behind its header", f"{name}: program headers are malformed or outside the file: begin at "
                "0x40, file size 0x40", part, lambda data: data[:64])
    offset = get(data, ELF["p_offset"]) + get(data, ELF["p_filesz"])
    cut = get(data, ELF["p_offset"]) + 4
    builder.elf(f"{name} cut in a segment", f"{name}: segment ends outside the file: ends at {offset:#x}, "
                f"file size {cut:#x}", part, lambda data: data[:cut])
    builder.elf(f"{name} with a segment outside the file", f"{name}: segment ends outside the file: ends at "
                f"{offset + 0x10000000:#x}, file size {len(data):#x}", part,
                elf_field("p_offset", get(data, ELF["p_offset"]) + 0x10000000))
    builder.elf(f"{name} with a segment larger than its memory", f"{name}: segment is larger in the file than in "
                f"memory: file {get(data, ELF['p_filesz']):#x}, memory 0x1", part, elf_field("p_memsz", 1))
    builder.elf(f"{name} with its entry outside", f"{name}: entry point lies in no executable segment: entry 0x10",
                part, elf_field("entry", 0x10))


def add_kernels(builder):
    add_elf_headers(builder, KERNEL, "kernel")

    def linked_at(virtual, physical):
        """Moves all segments and the entry."""
        def change(data):
            for i in range(get(data, ELF["phnum"])):
                for field, delta in (("p_vaddr", virtual - KERNEL_BASE), ("p_paddr", physical - RAM_BASE)):
                    put(data, ELF[field], (get(data, ELF[field], i * 56) + delta) % (1 << 64), i * 56)
            put(data, ELF["entry"], (get(data, ELF["entry"]) + virtual - KERNEL_BASE) % (1 << 64))
        return change
    builder.elf("kernel for EL2", "kernel: linked at the wrong virtual address: found 0x8040000000, expected "
                f"{KERNEL_BASE:#x}", KERNEL, linked_at(0x8040000000, RAM_BASE))
    builder.elf("kernel for other memory", "kernel: linked at the wrong physical address: found 0x60000000, expected "
                f"{RAM_BASE:#x}", KERNEL, linked_at(KERNEL_BASE, 0x60000000))
    second = ELF["p_paddr"][0] + 56
    builder.elf("kernel in two places", "kernel: segments differ in virtual minus physical address: found "
                "0xffffff7ff0000000, expected 0xffffff8000000000", KERNEL,
                lambda data: put(data, (second, "<Q"), get(data, (second, "<Q")) + 0x10000000))
    overlap = ELF["p_vaddr"][0] + 56
    first_end = KERNEL_BASE + get(PROBE_KERNEL.read_bytes(), ELF["p_memsz"])
    builder.elf("kernel with overlapping segments", f"kernel: segments overlap: begins at {KERNEL_BASE:#x}, "
                f"other ends at {first_end:#x}", KERNEL, lambda data: put(data, (overlap, "<Q"), KERNEL_BASE))
    builder.elf("kernel too large", "kernel: spans more memory than the loader maps: found 0x2003000, "
                "at most 0x1000000", KERNEL, lambda data: put(data, (ELF["p_memsz"][0] + 112, "<Q"), 0x2000000))


def add_roots(builder):
    add_elf_headers(builder, ROOT, "root task")
    builder.elf("root task beyond user space", "root task: segment lies outside the permitted addresses: begins at "
                "0x800000000000, size 0xc", ROOT, elf_field("p_vaddr", 1 << 47))
    builder.elf("root task too large", f"root task: no room below the loader: ends at *, at most {LOADER_BASE:#x}",
                ROOT, lambda data: put(data, (ELF["p_memsz"][0] + 56, "<Q"), 0x30000000))


def shrunk(tree):
    """A device tree without the unused space at its end."""
    # Header words (Devicetree Specification, 5.2): offsets of structure and strings, sizes of strings and structure.
    words = struct.unpack_from(">10I", tree)
    size = max(words[2] + words[9], words[3] + words[8])
    return tree[:4] + struct.pack(">I", size) + tree[8:size]


def add_machines(builder):
    """The image is good, the machine is not."""
    def for_cores(cores):
        def arguments(folder):
            output_of([*builder.pack_words(cores=cores), "-o", folder / "image.elf"])
            return ["-kernel", folder / "image.elf"]
        return arguments

    builder.add("2 cores of 4", "cores: fewer than the kernel is built for: found 2, expected 4", for_cores(4),
                machine=board().machine_arguments(2))
    small = ["1G" if word == board().memory else word for word in board().machine_arguments(1)]
    builder.add("half the memory", "memory: too small for this board's kernels, KiB: found 1048576, at least 2097152",
                for_cores(1), machine=small)
    for virtualization in ("on", "off"):
        secure = [word.replace("virtualization=on", f"secure=on,virtualization={virtualization}")
                  for word in board().machine_arguments(1)]
        builder.add(f"entered at EL3, virtualization {virtualization}",
                    "entered at EL3: start it from a firmware, at EL2 or EL1", for_cores(1), machine=secure, halts=True)

    def with_tree(change):
        """Starts a kernel for four cores with the device tree of four cores, changed."""
        def arguments(folder):
            words = board().machine_arguments(4)
            machine = words.index("-machine") + 1
            words[machine] += f",dumpdtb={folder / 'tree'}"
            output_of(words)
            tree = written(folder / "changed", change((folder / "tree").read_bytes()))
            return [*for_cores(4)(folder), "-dtb", tree]
        return arguments

    builder.add("device tree lists cores that are not there", "core: did not start: MPIDR 0x2, PSCI error "
                f"{(1 << 64) - 2:#x}", with_tree(shrunk), machine=board().machine_arguments(2))
    # QEMU writes trees of 1 MiB, mostly empty, and doubles what it is given.
    builder.add("device tree too large", "device tree: too large: found 2117152, at most 2097152",
                with_tree(lambda tree: tree), machine=board().machine_arguments(4))
    # The value of each core's enable-method.
    builder.add("cores without PSCI", "cores: cannot be started by PSCI: MPIDR 0x1",
                with_tree(lambda tree: shrunk(tree).replace(b"psci\0", b"spin\0")),
                machine=board().machine_arguments(4))
    builder.add("boot core disabled", "cores: boot core is not in the device tree: MPIDR 0x0",
                with_tree(lambda tree: shrunk(tree).replace(b"cpu\0", b"cup\0", 1)),
                machine=board().machine_arguments(4))
