"""Enough of ELF to tell a kernel for this board from any other file, with one line that says what is wrong."""

import struct

from kos.common import KosError, shown

MACHINE_AARCH64 = 183
TYPE_EXECUTABLE = 2
SEGMENT_LOAD = 1
# seL4's kernel window when it runs at EL2; a frequent mix-up.
HYPERVISOR_VADDR = 0x8040000000


def check_kernel(path, board):
    """Raises KosError unless `path` is an AArch64 kernel linked where the loader maps it."""
    def refuse(found, expected):
        raise KosError(f"{shown(path)}: {found}; expected {expected}")

    try:
        data = path.read_bytes()
    except OSError as error:
        raise KosError(f"{shown(path)}: {error.strerror}; expected a kernel (ELF file)") from error
    if data[:4] != b"\x7fELF":
        refuse("not an ELF file", "a kernel for AArch64")
    if len(data) < 64 or data[4:6] != b"\x02\x01":
        refuse("not a 64-bit little-endian ELF file", "a kernel for AArch64")
    kind, machine = struct.unpack_from("<HH", data, 16)
    if machine != MACHINE_AARCH64:
        refuse(f"built for ELF machine {machine}", f"AArch64 ({MACHINE_AARCH64})")
    if kind != TYPE_EXECUTABLE:
        refuse(f"ELF type {kind}", f"a linked executable ({TYPE_EXECUTABLE})")
    entry, table = struct.unpack_from("<QQ", data, 24)
    size, count = struct.unpack_from("<HH", data, 54)
    if size < 56 or table + size * count > len(data):
        refuse("its program headers lie outside the file", "a complete ELF file")
    headers = [struct.unpack_from("<IIQQQQQ", data, table + size * i) for i in range(count)]
    loads = [h for h in headers if h[0] == SEGMENT_LOAD]
    if not loads:
        refuse("no segment to load", "a kernel for AArch64")
    vaddr, paddr = loads[0][3:5]
    if vaddr == HYPERVISOR_VADDR:
        refuse("a kernel for EL2 (hypervisor)", "one for EL1, as the board qemu_virt_aarch64_el1 has it")
    if vaddr != board.kernel_vaddr:
        refuse(f"linked at {vaddr:#x}", f"{board.kernel_vaddr:#x}, a kernel for this board")
    if paddr != board.kernel_paddr:
        refuse(f"loaded at physical address {paddr:#x}", f"{board.kernel_paddr:#x}, the start of memory")
    if not any(h[3] <= entry < h[3] + h[6] for h in loads):
        refuse(f"entry {entry:#x} lies in no segment", "an entry inside the kernel")
