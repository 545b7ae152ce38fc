"""Small ELF files, packages and releases for the tests."""

import struct
import subprocess
from pathlib import Path

AARCH64, X86_64 = 183, 62


def elf(machine=AARCH64, soname="", needed=(), interpreter="", runpath=""):
    """A 64-bit little-endian ELF file with one loaded segment and a dynamic one."""
    strings = bytearray(b"\0")

    def place(text):
        strings.extend(text.encode() + b"\0")
        return len(strings) - len(text) - 1

    entries = [(1, place(name)) for name in needed]
    if soname:
        entries.append((14, place(soname)))
    if runpath:
        entries.append((29, place(runpath)))
    count = 3 if interpreter else 2
    base = 64 + 56 * count
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in [*entries, (5, 0x1000 + base), (0, 0)])
    interp = interpreter.encode() + b"\0"
    data = bytes(strings) + dynamic + interp
    segments = [(1, 5, 0, 0x1000, 0x1000, base + len(data), base + len(data), 4096),
                (2, 6, base + len(strings), 0, 0, len(dynamic), len(dynamic), 8)]
    if interpreter:
        segments.append((3, 4, base + len(strings) + len(dynamic), 0, 0, len(interp), len(interp), 1))
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    return head + b"".join(struct.pack("<IIQQQQQQ", *segment) for segment in segments) + data


def package(folder, name, files=None, links=None, scripts=None, depends=""):
    """Builds a package; returns the path of its archive."""
    top = Path(folder) / f"{name}.tree"
    (top / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: 1\nArchitecture: arm64\nMaintainer: t <t@example.org>\nDescription: t\n"
    (top / "DEBIAN/control").write_text(control + (f"Depends: {depends}\n" if depends else ""))
    for script, text in (scripts or {}).items():
        (top / "DEBIAN" / script).write_text("#!/bin/sh\n" + text)
        (top / "DEBIAN" / script).chmod(0o755)
    for path, data in (files or {}).items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(data)
    for path, target in (links or {}).items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).symlink_to(target)
    archive = Path(folder) / f"{name}_1_arm64.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", top, archive], check=True, capture_output=True)
    return archive


def release(folder, name="shop", erts="13.1.5", own_erts=True, files=None, vm_args=None):
    """A folder as `mix release` makes it."""
    top = Path(folder) / name
    versioned = top / "releases/0.1.0"
    versioned.mkdir(parents=True)
    (top / "releases/start_erl.data").write_text(f"{erts} 0.1.0")
    (top / "releases/COOKIE").write_text("BISCUIT")
    (versioned / f"{name}.rel").write_text(
        f'{{release,{{"{name}","0.1.0"}},\n {{erts,"{erts}"}},\n [{{kernel,"8.5.3",permanent}},\n'
        f'  {{crypto,"5.1.2",permanent}},\n  {{{name},"0.1.0",permanent}}]}}.\n')
    (versioned / "sys.config").write_text("[].\n")
    if vm_args is not None:
        (versioned / "vm.args").write_text(vm_args)
    for path, data in ({f"lib/{name}-0.1.0/ebin/{name}.app": b"app"} | (files or {})).items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(data)
    if own_erts:
        (top / f"erts-{erts}/bin").mkdir(parents=True)
        (top / f"erts-{erts}/bin/beam.smp").write_bytes(elf(X86_64))
    (top / "bin").mkdir()
    (top / "bin" / name).write_text("#!/bin/sh\n")
    return top


def otp(tree, erts="13.1.5"):
    """Debian's run-time system in a tree."""
    for program in ("beam.smp", "erl_child_setup", "inet_gethost", "heart", "epmd"):
        tree.file(f"usr/lib/erlang/erts-{erts}/bin/{program}", elf(), 0o755)
    tree.file("usr/lib/erlang/lib/crypto-5.1.2/priv/lib/crypto.so", elf(needed=["libcrypto.so.3"]))
    tree.link("usr/bin/erl", f"../lib/erlang/erts-{erts}/bin/beam.smp")
