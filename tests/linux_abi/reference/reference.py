"""Does Linux give what expected.json says? The programs run on Debian's own arm64 kernel.

With the argument --record, expected.json is written anew; with names of families behind it, their part of it:

    PYTHONPATH=tools python3 tests/linux_abi/reference/reference.py --record [FAMILY...]"""

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


def tables(families=()):
    """{"static": {case: result}, "dynamic": ...} as the reference Linux gives them. No families: all of them."""
    image = build.build(FOLDER / "static/abi.root.toml").image
    kinds = ("static", "dynamic")
    runs = [(kind, [family] if family else []) for family in families or [None] for kind in kinds]
    commands = [Command(["/abi/run", f"/abi/{kind}", "-", *family]) for kind, family in runs]
    ended = reference_linux.run_all(image, commands, timeout=LIMIT_S * len(commands))
    found = {kind: {} for kind in kinds}
    for (kind, _), result in zip(runs, ended):
        found[kind] |= table(result.output)
    return found


def table(output):
    collected = Collector()
    parser = collected.parser()
    parser.feed(output)
    parser.finish()
    return {test["test"]: (test["result"], test.get("detail", "")) for test in collected.tests}


def record(found, families):
    failed = {name: detail for one in found.values() for name, (result, detail) in one.items() if result == "fail"}
    for name, detail in sorted(failed.items()):
        print(f"fails on Linux: {name}: {detail}", file=sys.stderr)
    if failed:
        return 1
    cases = {name: result for name, (result, _) in found["static"].items()}
    if families:
        kept = json.loads(EXPECTED.read_text()).items()
        cases |= {name: result for name, result in kept if name.split("/")[0] not in families}
    EXPECTED.write_text(json.dumps(dict(sorted(cases.items())), indent=1) + "\n")
    print(f"{len(cases)} cases")
    return 0


def main():
    if not EXPECTED.is_file():
        EXPECTED.write_text("{}\n")  # the image has it
    if sys.argv[1:2] == ["--record"]:
        return record(tables(sys.argv[2:]), sys.argv[2:])
    found = tables()
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
