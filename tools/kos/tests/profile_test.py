import tempfile
import unittest
from pathlib import Path

from kos import profile

TRACE = b"""Trace 0: 0x7f00 [0000000000004000/ffffff8040000100/00000121/ff020201]
Trace 0: 0x7f40 [0000000000004000/ffffff8040000104/00000121/ff020201]
Trace 0: 0x7f80 [0000000000004000/ffffff8040000108/00000121/ff020201] some_symbol
Stopped execution of TB chain before 0x7f80 [ffffff8040000108] some_symbol
Trace 0: 0x7f80 [0000000000004000/ffffff8040000108/00000121/ff020201] some_symbol
Trace 0: 0x7f00 [0000000000004000/ffffff8040000100/00000121/ff020201]
"""


class TraceTest(unittest.TestCase):
    def test_counts_what_was_executed_in_the_segments(self):
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace"
            trace.write_bytes(b"Trace 0: 0x7f00 [0000/0000000000400000/0/0]\n" + TRACE)
            counts = profile.read_trace(trace, [(trace.stat().st_size - len(TRACE), trace.stat().st_size)])
        self.assertEqual(counts, {0xffffff8040000100: 2, 0xffffff8040000104: 1, 0xffffff8040000108: 1})

    def test_functions(self):
        names = [(0x100, "first"), (0x108, "second")]
        counts = profile.by_function({0x100: 2, 0x104: 1, 0x10c: 5, 0x10: 1}, names)
        self.assertEqual(counts, {"first": 3, "second": 5, "?": 1})


class PassesTest(unittest.TestCase):
    def test_of_the_row(self):
        collected = profile.Collector(rows=[{"row": "other", "passes": 9}, {"row": "a", "passes": 50}])
        self.assertEqual(profile.passes_of("a", collected), 50)

    def test_row_without_passes_or_without_record(self):
        collected = profile.Collector(rows=[{"row": "a"}])
        self.assertEqual(profile.passes_of("a", collected), 1)
        self.assertEqual(profile.passes_of("b", collected), 1)


if __name__ == "__main__":
    unittest.main()
