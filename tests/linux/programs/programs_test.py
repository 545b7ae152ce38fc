"""Programs of Debian, each in a domain of its own, side by side."""

import re
import sys
from pathlib import Path

from kos import session, system_image
from kos.common import KosError
from kos.results import Results, kernel

SYSTEM = Path(__file__).parent / "system.toml"
LIMIT_S = 400

# What each domain says.
EXPECTED = {
    "shell": "55 3 trapped",
    "coreutils": "20000 19999 19998 f6351f5ead9a700e /tmp/n 108894 tmpfs",
    "python": r"56 over from child 4 15 \[3, 4\]",
    "sqlite": r"wal 1990\|2668666615 ok",
    "openssl": "speed 1, Signature Verified Successfully",
}


def main():
    results = Results()
    path, cores = kernel()
    with session.boot(system_image.compile_system(SYSTEM), path, cores) as console:
        shown = ""
        try:
            # They end in any order.
            while sum(f"{name}: " in shown for name in EXPECTED) < len(EXPECTED):
                shown += session.plain(console.expect("\n", LIMIT_S))
        except KosError as error:
            print(error, file=sys.stderr)
        for name, wanted in EXPECTED.items():
            found = re.search(rf"^{name}: .*$", shown, re.MULTILINE)
            good = found and re.fullmatch(f"{name}: {wanted}", found[0])
            results.add(name, None if good else f"{found[0] if found else 'nothing'}; expected {wanted}: {shown[-300:]!r}")
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
