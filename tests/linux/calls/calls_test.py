"""Does the published table of system calls have each call of arm64, by its right name?"""

import re
import sys

from kos import linux_calls
from kos.results import Results


def main():
    results = Results()
    found = linux_calls.problems()
    results.add("names_and_notes", "; ".join(found) or None)
    listed = {int(number) for number in re.findall(r"^\| (\d+) \| `", linux_calls.page(), re.MULTILINE)}
    missing = [f"{number} {name}" for number, name in sorted(linux_calls.of_arm64().items()) if number not in listed]
    results.add("complete", f"not in the table: {', '.join(missing)}" if missing else None)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
