"""What must hold of a finished tree: machine code is for arm64, libraries are there, the program to start exists."""

import posixpath

from kos.common import KosError, say
from rootfs import elf_file, ld_cache

MAX_TOLD = 12


def check(tree, wanted, started):
    problems = libraries(tree, set(wanted.unresolved))
    if started:
        node = tree.get(started.arguments[0])
        if node is None or node.kind != "file" or not node.mode & 0o111:
            problems.append(f"start: {started.arguments[0]} is no program in this image")
        shell = tree.get("bin/sh")
        if shell is None and any("/os_mon-" in name for name in tree.nodes):
            say(f"{wanted.name}: os_mon starts its programs by /bin/sh, which is not in this root; add the package \"busybox\" "
                "and busybox = true, or switch them off (config :os_mon)")
    if problems:
        more = f" and {len(problems) - MAX_TOLD} more" if len(problems) > MAX_TOLD else ""
        raise KosError(f"{wanted.name}: " + "; ".join(problems[:MAX_TOLD]) + more)


def libraries(tree, unresolved):
    """A problem for each ELF file of another machine, and for each library that is needed and not there."""
    folders = ld_cache.folders(tree)
    missing, problems = {}, []
    for name, node in tree.files():
        elf = elf_file.read(node.data)
        if elf is None or elf.is_data():
            continue
        if not elf.arm64():
            problems.append(f"/{name} is for another machine (ELF machine {elf.machine}, {elf.bits} bits)")
            continue
        if elf.interpreter and tree.get(elf.interpreter) is None:
            missing.setdefault(elf.interpreter, []).append(name)
        own = [path.replace("$ORIGIN", "/" + posixpath.dirname(name)).replace("${ORIGIN}", "/" + posixpath.dirname(name))
               for path in elf.search]
        for library in elf.needed:
            if not any(tree.get(f"{folder}/{library}") is not None for folder in [*own, *folders]):
                missing.setdefault(library, []).append(name)
    for library, users in sorted(missing.items()):
        if library not in unresolved:
            problems.append(f"{library} is missing, needed by /{users[0]}" + (f" and {len(users) - 1} more" if users[1:] else ""))
    return problems
