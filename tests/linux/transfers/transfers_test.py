"""Bytes between the threads of a Linux program, by everything that it has for it (README.md)."""

import re
import sys
from pathlib import Path

from kos import session, system_image
from kos.common import KosError
from kos.results import Results, kernel

SYSTEM = Path(__file__).parent / "system.toml"
LIMIT_S = 600


def main():
    results = Results()
    path, cores = kernel()
    with session.boot(system_image.compile_system(SYSTEM), path, cores) as console:
        try:
            shown, faults = console.expect_match(r"(.*)transfers: over, (\d+) faults", LIMIT_S).groups()
        except KosError as error:
            results.add("comes_to_its_end", str(error))
            return results.finish()
    results.add("comes_to_its_end")
    told = re.findall(r"^transfers: \d+\..*$", shown, re.MULTILINE)
    results.add("all_bytes_and_nobody_forgotten", None if faults == "0" else "\n".join(told[:10]))
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
