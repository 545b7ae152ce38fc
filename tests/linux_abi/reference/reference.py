"""Does Linux give what expected.json says? The programs run on Debian's own arm64 kernel.

With the argument --record, expected.json is written anew:

    PYTHONPATH=tools python3 tests/linux_abi/reference/reference.py --record"""

import json
import sys
from pathlib import Path

from kos import reference_linux
from kos.common import TOP
from kos.records import Collector
from kos.reference_linux import Command
from kos.results import Results
from rootfs import build

FOLDER = TOP / "tests/linux_abi"
EXPECTED = FOLDER / "expected.json"
LIMIT_S = 300


def tables():
    """{"static": {case: result}, "dynamic": ...} as the reference Linux gives them."""
    image = build.build(FOLDER / "static/abi.root.toml").image
    kinds = ("static", "dynamic")
    ended = reference_linux.run_all(image, [Command(["/abi/run", f"/abi/{kind}", "-"]) for kind in kinds], timeout=LIMIT_S * len(kinds))
    return {kind: table(result.output) for kind, result in zip(kinds, ended)}


def table(output):
    collected = Collector()
    parser = collected.parser()
    parser.feed(output)
    parser.finish()
    return {test["test"]: (test["result"], test.get("detail", "")) for test in collected.tests}


def record(found):
    failed = {name: detail for one in found.values() for name, (result, detail) in one.items() if result == "fail"}
    for name, detail in sorted(failed.items()):
        print(f"fails on Linux: {name}: {detail}", file=sys.stderr)
    if failed:
        return 1
    cases = {name: result for name, (result, _) in sorted(found["static"].items())}
    EXPECTED.write_text(json.dumps(cases, indent=1) + "\n")
    print(f"{len(cases)} cases")
    return 0


def main():
    if not EXPECTED.is_file():
        EXPECTED.write_text("{}\n")  # the image has it
    found = tables()
    if sys.argv[1:] == ["--record"]:
        return record(found)
    expected = json.loads(EXPECTED.read_text())
    results = Results()
    for kind, cases in found.items():
        for name in sorted({*expected, *cases}):
            result, detail = cases.get(name, ("missing", ""))
            good = result == expected.get(name)
            results.add(f"{kind}/{name}", None if good else f"{result} on Linux, {expected.get(name, 'not')} in expected.json; {detail}")
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
