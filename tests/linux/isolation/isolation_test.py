"""A hostile Linux program, and a domain that dies again and again: what a Linux program and native ones beside them notice."""

import re
import sys
from pathlib import Path

from kos import session, system_image
from kos.common import KosError
from kos.results import Results, kernel

SYSTEM = Path(__file__).parent / "system.toml"
LIMIT_S = 300
# The display shows a line each half second of the machine's time.
LINES = 16


def watch(console):
    shown = ""
    while shown.count("level ") < LINES:
        shown += session.plain(console.expect("\n", LIMIT_S))
    return shown


def judge(results, shown):
    numbers = [int(number) for number in re.findall(r"^steady (\d+)$", shown, re.MULTILINE)]
    in_order = numbers == list(range(len(numbers)))
    # One in 0.2 s, more or less: beside it others work.
    enough = len(numbers) >= LINES
    results.add("linux_program_goes_on", None if in_order and enough else f"counted {numbers}")
    unknown = re.findall(r"^level unknown.*$", shown, re.MULTILINE)
    results.add("native_programs_go_on", unknown[0] if unknown else None)
    begun = shown.count("victim begins")
    results.add("victim_is_brought_back", None if begun >= 5 else f"began {begun} times")
    # Unknown calls are told once each.
    asked = len(re.findall(r"hostile#1 \| .* asks for system call", shown))
    results.add("hostile_program_is_at_it", None if asked >= 10 else f"{asked} unknown calls")
    # Only the victim ends. Its programs, and the hostile one's, may be anything.
    ended = {name for name in re.findall(r"(\w+)(?:#\d+)?(?: \(instance[^)]*\))?: ended", shown)} - {"victim"}
    results.add("nobody_else_ends", f"ended: {', '.join(sorted(ended))}" if ended else None)


def main():
    results = Results()
    path, cores = kernel()
    with session.boot(system_image.compile_system(SYSTEM), path, cores) as console:
        try:
            judge(results, watch(console))
        except KosError as error:
            results.add("display", str(error))
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
