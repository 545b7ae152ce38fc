#!/usr/bin/env python3
"""Runs the fuzzer on two kernels and prints, for each world that differs, the step and the first line that does.

    tests/fuzz/syscalls/compare.py KERNEL.elf KERNEL.elf [--seed N] [--steps N] [--show N]

Needs what ./kos build has built. For people; the test runner only compares digests."""

import argparse
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[2] / "tools"))

from kos import image, qemu  # noqa: E402
from kos.common import BUILD, TARGET  # noqa: E402

ROOT_TASK = TARGET / "tests/fuzz/syscalls/syscalls_fuzz.elf"
WORLD_STEPS = 1000
MAX_LINE = 1000


def run(kernel, append, timeout):
    """The console lines of one run."""
    log = BUILD / "test-logs" / f"compare-{kernel.stem}.log"
    packed = image.pack(kernel, ROOT_TASK, 1)
    result = qemu.run(qemu.command(packed, 1, append), log, timeout)
    for problem in result.problems():
        print(f"{kernel}: {problem}")
    return log.read_text(errors="replace").splitlines()


def worlds(kernel, arguments):
    """First step of each world -> (step after its last, digest)."""
    lines = run(kernel, f"seed={arguments.seed} steps={arguments.steps} worlds=1", arguments.timeout)
    found = (re.search(r"world \d+ steps (\d+) to (\d+) digest (\w+)", line) for line in lines)
    return {int(m[1]): (int(m[2]), m[3]) for m in found if m and m[1] != m[2]}


def trace(kernel, arguments, first, end):
    append = f"seed={arguments.seed} steps={end} first={first} from={first} to={end}"
    lines = run(kernel, append, arguments.timeout)
    start = next((i for i, line in enumerate(lines) if line.startswith("step ")), 0)
    return lines[start:]


def show_difference(ours, theirs):
    for number, (one, other) in enumerate(zip(ours, theirs)):
        if one != other:
            step = max((i for i in range(number + 1) if ours[i].startswith("step ")), default=number)
            for line in ours[step:number][:1] + ours[max(step + 1, number - 3):number]:
                print("  ", line[:MAX_LINE])
            print(" <", one[:MAX_LINE])
            print(" >", other[:MAX_LINE])
            return
    print("  no difference: the trace is not part of the digest, or the worlds depend on each other")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kernels", nargs=2, type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100000)
    parser.add_argument("--show", type=int, default=5, help="most worlds to show")
    parser.add_argument("--timeout", type=float, default=3600)
    arguments = parser.parse_args()

    first, second = (worlds(kernel, arguments) for kernel in arguments.kernels)
    differing = [start for start in sorted(first) if first[start] != second.get(start)]
    print(f"{len(differing)} of {len(first)} worlds differ: {differing[:20]}")
    for start in differing[:arguments.show]:
        print(f"world of step {start}")
        end = start + WORLD_STEPS
        show_difference(*(trace(kernel, arguments, start, end) for kernel in arguments.kernels))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
