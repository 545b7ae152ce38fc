#!/usr/bin/env python3
"""Refuses a native program that makes system calls anywhere but in libkos.

    check_system_calls.py --objdump OBJDUMP --libkos ARCHIVE... --elf PROGRAM

The functions of PROGRAM that contain an svc must be among those of libkos's own archives that do. What comes from the
program's own objects or from a library with Linux system calls in it is named. Called by kos_app() after the link.
"""
import argparse
import pathlib
import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")


def functions_with_svc(objdump, path):
    """Names of the functions of an ELF file or archive that contain an svc instruction."""
    text = subprocess.run([objdump, "-d", "--no-show-raw-insn", str(path)], check=True, capture_output=True, text=True)
    found, function = set(), "(no function)"
    for line in text.stdout.splitlines():
        match = FUNCTION.match(line)
        if match:
            function = match.group(1)
        elif "\tsvc\t" in line:
            found.add(function)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objdump", required=True)
    parser.add_argument("--libkos", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--elf", type=pathlib.Path, required=True)
    options = parser.parse_args()
    allowed = set()
    for archive in options.libkos:
        allowed |= functions_with_svc(options.objdump, archive)
    if not allowed:
        sys.exit(f"{options.libkos}: no system call found in libkos; is this the right archive?")
    refused = sorted(functions_with_svc(options.objdump, options.elf) - allowed)
    if refused:
        options.elf.unlink()
        sys.exit(f"{options.elf.name}: system calls outside libkos, in: {', '.join(refused)}")


if __name__ == "__main__":
    main()
