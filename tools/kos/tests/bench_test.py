import unittest
from pathlib import Path

from kos.bench import Row, join, report, table
from kos.declarations import Bench

BENCH = Bench(file=Path("bench.json"), name="kernel", elf="k.elf", timeout_s=1,
              recorded={"call": 475}, rates=("throughput",))


def records(**values):
    return {name: {"row": name, "value": value, "unit": "instructions"} for name, value in values.items()}


class JoinTest(unittest.TestCase):
    def test_recorded_reference(self):
        rows, missing = join(BENCH, records(call=950, map=10), None)
        self.assertEqual(missing, [])
        self.assertEqual(rows[0].as_json(), {"name": "call", "value": 950, "unit": "instructions", "reference": 475,
                                             "ratio": 2.0, "reference_from": "recorded"})
        self.assertEqual(rows[1].as_json(), {"name": "map", "value": 10, "unit": "instructions"})

    def test_measured_reference_wins(self):
        rows, _ = join(BENCH, records(call=400), records(call=500))
        self.assertEqual(rows[0].as_json()["ratio"], 0.8)
        self.assertNotIn("reference_from", rows[0].as_json())

    def test_rate(self):
        rows, _ = join(BENCH, records(throughput=200), records(throughput=100))
        self.assertEqual(rows[0].ratio(), 0.5)

    def test_rows_of_one_kernel_only(self):
        rows, missing = join(BENCH, records(call=1, map=1), records(call=1, unmap=1))
        self.assertEqual(missing, ["map", "unmap"])
        self.assertEqual(len(rows), 2)

    def test_zero_reference_has_no_ratio(self):
        self.assertIsNone(Row("x", 1, "u", 0).ratio())


class OutputTest(unittest.TestCase):
    def test_table_and_report(self):
        rows, _ = join(BENCH, records(call=475, map=10), None)
        text = table(rows, "recorded")
        self.assertIn("1.000", text)
        self.assertEqual(len(text.splitlines()), 3)
        self.assertEqual(set(report(BENCH, rows)), {"bench", "commit", "board", "rows"})


if __name__ == "__main__":
    unittest.main()
