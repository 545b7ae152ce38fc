"""The table of Linux system calls: each one that arm64 has, and what the personality makes of it.

What there is says the compiler's <asm/unistd.h>, what is there says the program linux_calls, made of the personality's own
tables. Part of ./kos docs; the test linux_calls checks that both agree."""

import os
import re
from dataclasses import dataclass

from kos.common import BUILD, HOST, KosError, output_of

PROGRAM = HOST / "linux/linux_calls"
PAGE = BUILD / "docs/linux-calls.md"
# Numbers that name no call: how many there are, where a machine's own begin.
NO_CALLS = ("syscalls", "arch_specific_syscall")

HEAD = """# Linux system calls

What the Linux personality makes of each system call of arm64. Absent calls give ENOSYS, and one line in the log for each
call and domain (not so rseq, which every program of glibc tries). Generated from the tables at the end of `linux/syscalls/*.cpp`.

{counts}

| Number | Call | Support | What is missing |
| ---: | --- | --- | --- |
"""


@dataclass(frozen=True)
class Call:
    number: int
    name: str
    support: str  # full, partial, absent
    note: str = ""


def of_arm64():
    """{number: name} of all calls."""
    compiler = "gcc" if os.uname().machine == "aarch64" else "aarch64-linux-gnu-gcc"
    text = output_of([compiler, "-E", "-dM", "-include", "asm/unistd.h", "-x", "c", "/dev/null"])
    values = dict(re.findall(r"^#define (__NR\w*?_\w+) (\S+)$", text, re.MULTILINE))
    found = {}
    for key, value in values.items():
        name = key.removeprefix("__NR_")
        value = values.get(value, value)  # __NR_fstat is __NR3264_fstat, which is a number
        if key.startswith("__NR_") and name not in NO_CALLS and value.isdecimal():
            found[int(value)] = name
    return found


def of_personality():
    if not PROGRAM.is_file():
        raise KosError("linux_calls is not built")
    rows = [line.split("\t") for line in output_of([PROGRAM]).splitlines()]
    return [Call(int(number), name, support, note) for number, name, support, note in rows]


def table():
    """All calls of arm64 in order, and those that the personality has beyond."""
    names = of_arm64()
    there = {call.number: call for call in of_personality()}
    return [there.get(number) or Call(number, names[number], "absent") for number in sorted({*names, *there})]


def problems():
    """What is wrong with the tables, one line each."""
    names = of_arm64()
    found = [] if len(names) > 300 else [f"<asm/unistd.h> has {len(names)} calls; expected more than 300"]
    for call in of_personality():
        if call.number not in names:
            found.append(f"{call.number}, {call.name}: arm64 has no such call")
        elif names[call.number] != call.name:
            found.append(f"{call.number} is called {call.name}; its name is {names[call.number]}")
        if (call.support == "partial") != bool(call.note):
            found.append(f"{call.number}, {call.name}: {call.support}, and what is missing is {call.note!r}")
    return found


def page():
    calls = table()
    counts = ", ".join(f"{sum(call.support == kind for call in calls)} {kind}" for kind in ("full", "partial", "absent"))
    rows = "".join(f"| {call.number} | `{call.name}` | {call.support} | {call.note.replace('|', chr(92) + '|')} |\n" for call in calls)
    return HEAD.format(counts=f"{len(calls)} calls: {counts}.") + rows


def write():
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
    return PAGE
