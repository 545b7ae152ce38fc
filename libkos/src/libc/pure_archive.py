#!/usr/bin/env python3
"""Takes the pure part out of musl's libc.a: functions that never make a Linux system call.

    pure_archive.py --libc libc.a --functions FILE --provided FILE --tools PREFIX --out FILE

Starts from the functions that FILE lists, adds the objects that these need, and stops at names that libkos provides.
It fails if an object of that set contains a system call (svc), or needs something that nobody provides: what a program
links from this archive cannot reach Linux. Called by the build (libkos/src/libc/CMakeLists.txt); reads no network.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SVC_MASK, SVC = 0xFFE0001F, 0xD4000001
# Arithmetic that the compiler leaves to libgcc: soft float of 128 bits, complex division, 128-bit integers.
COMPILER = re.compile(r"__(add|sub|mul|div|neg|eq|ne|lt|le|gt|ge|cmp|unord|extend\w*|trunc\w*|fix\w*|float\w*)tf\w*$"
                      r"|__(fix\w*tf\w*|float\w*tf|trunctf\w+|extend\w+tf2)$|__\w+(ti\d|[sdt]c3)$")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def words_of(path):
    """Plain lists: names, and (for those with a head) `head: names`."""
    plain, headed = [], []
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        head, colon, rest = line.partition(":")
        if colon:
            headed += [(head, name) for name in rest.split()]
        else:
            plain += line.split()
    return plain, headed


def symbols(nm, members):
    """member -> (defined names: strong?, needed names); weak references need nobody."""
    table = {member: ({}, set()) for member in members}
    for line in run(nm, "-A", "-g", *[str(member) for member in members]).splitlines():
        where, _, rest = line.partition(": ") if ": " in line else line.partition(":")
        kind, name = rest.split()[-2:]
        defined, needed = table[pathlib.Path(where)]
        if kind == "U":
            needed.add(name)
        elif kind not in "wv":
            defined[name] = kind not in "WV"
    return table


def has_system_call(objdump, member):
    text = run(objdump, "-d", str(member))
    return bool(re.search(r"\tsvc\t", text))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("libc", "functions", "provided", "out"):
        parser.add_argument(f"--{option}", type=pathlib.Path, required=True)
    parser.add_argument("--nm", required=True)
    parser.add_argument("--ar", required=True)
    parser.add_argument("--objcopy", required=True)
    parser.add_argument("--objdump", required=True)
    options = parser.parse_args()

    _, wanted = words_of(options.functions)
    provided, renamed = words_of(options.provided)
    provided = set(provided)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        names = run(options.ar, "t", str(options.libc)).split()
        # Members of the same name would overwrite each other when unpacked: none of them can be taken.
        twice = {name for name in names if names.count(name) > 1}
        subprocess.run([options.ar, "x", str(options.libc.resolve())], check=True, cwd=folder)
        table = symbols(options.nm, sorted(folder / name for name in set(names)))
        home = {}
        for member, (defined, _) in table.items():
            for name, strong in defined.items():
                if name not in home or strong:
                    home[name] = member

        errors, chosen, todo = [], set(), []
        for header, name in wanted:
            if name in home:
                todo.append((home[name], f"{header} {name}"))
            else:
                errors.append(f"{options.functions.name}: {header}: musl has no '{name}'")
        while todo:
            member, why = todo.pop()
            if member in chosen:
                continue
            chosen.add(member)
            if member.name in twice:
                errors.append(f"{options.libc.name} has several members {member.name}; needed by {why}")
            if has_system_call(options.objdump, member):
                errors.append(f"{member.name} makes a system call; needed by {why}")
            for name in sorted(table[member][1] - provided):
                if name in home:
                    todo.append((home[name], f"{why} -> {name}"))
                elif not COMPILER.match(name):
                    errors.append(f"{member.name} needs '{name}', which nobody provides; needed by {why}")
        # A member that is here for another name must not define one that libkos defines: the link would fail or, worse,
        # take musl's.
        new_names = {name for _, name in renamed}
        for member in sorted(chosen):
            for name, strong in table[member][0].items():
                if name in provided - new_names and strong:
                    errors.append(f"{member.name} defines '{name}', which libkos provides")
        if errors:
            sys.exit("\n".join(errors))

        options.out.unlink(missing_ok=True)
        renames = [f"--redefine-sym={name}=__musl_{name}" for _, name in renamed]
        for member in sorted(chosen):
            run(options.objcopy, *renames, str(member))
        run(options.ar, "rcsD", str(options.out), *[str(member) for member in sorted(chosen)])
        report = options.out.with_suffix(".txt")
        report.write_text("".join(f"{member.name}\n" for member in sorted(chosen)))


if __name__ == "__main__":
    main()
