"""For test scripts (field `script` of test.json): prints results as the records that the runner reads.

    results = Results()
    results.add("name", problem)      # problem is None or says what is wrong
    sys.exit(results.finish())

./kos runs the script with tools/ on Python's path, so that `from kos import image, qemu` works."""

import json
import os
import sys
from pathlib import Path

from kos.records import RECORD_SEPARATOR


class Results:
    def __init__(self, output=sys.stdout):
        self.output = output
        self.counts = {"pass": 0, "fail": 0, "skip": 0}

    def add(self, name, problem=None):
        result = "fail" if problem else "pass"
        self.counts[result] += 1
        self.record({"test": name, "result": result, "detail": problem or ""})

    def skip(self, name, why):
        self.counts["skip"] += 1
        self.record({"test": name, "result": "skip", "detail": why})

    def finish(self):
        """Prints the verdict and returns the exit status."""
        good = self.counts["fail"] == 0 and self.counts["pass"] > 0
        self.record({"verdict": "pass" if good else "fail", "passed": self.counts["pass"],
                     "failed": self.counts["fail"], "skipped": self.counts["skip"]})
        return 0 if good else 1

    def record(self, value):
        print(chr(RECORD_SEPARATOR) + json.dumps(value), file=self.output, flush=True)


def seed():
    """The seed of this run, or None if the declaration has no seeds."""
    text = os.environ.get("KOS_TEST_SEED")
    return int(text) if text is not None else None


def kernel():
    """(path, cores) of what the test shall run on; for declarations with `kernels`."""
    return Path(os.environ["KOS_TEST_KERNEL"]), int(os.environ["KOS_TEST_CORES"])
