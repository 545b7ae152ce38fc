import unittest
from pathlib import Path

from kos.bench import Row, check, chosen, join, parser, report, table, wrongly_declared
from kos.common import EXIT_USAGE, KosError
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

    def test_rows_that_the_peer_cannot_have(self):
        bench = Bench(file=Path("bench.json"), name="dist", system="s.toml", timeout_s=1,
                      without_reference={"native/call": "none there", "native/many": "none there"})
        ours = {"tcp": {"row": "tcp", "value": 1, "unit": "ns"}, "native/call": {"row": "native/call", "value": 5, "unit": "ns"},
                "native/many": {"row": "native/many", "value": 5, "unit": "ns"}}
        rows, missing = join(bench, ours, {"tcp": ours["tcp"]})
        self.assertEqual(missing, [])
        self.assertEqual(wrongly_declared(bench, rows), [])
        self.assertEqual(check(bench, rows), [])
        # One that is the peer's alone, one that is not declared, one that has a reference, one that nobody measured.
        self.assertEqual(join(bench, {"tcp": ours["tcp"]}, ours)[1], ["native/call", "native/many"])
        self.assertEqual(join(bench, {"tcp": ours["tcp"]}, {})[1], ["tcp"])
        self.assertIn("'native/call' has a reference", wrongly_declared(bench, join(bench, ours, ours)[0])[0])
        self.assertIn("'native/many' of without_reference was not measured", wrongly_declared(bench, rows[:2])[0])
        self.assertEqual(wrongly_declared(bench, rows[:1], "tcp"), [])

    def test_zero_reference_has_no_ratio(self):
        self.assertIsNone(Row("x", 1, "u", 0).ratio())


class CheckTest(unittest.TestCase):
    def test_rows_at_or_below_the_reference(self):
        self.assertEqual(check(BENCH, [Row("a", 99, "i", 100), Row("b", 100, "i", 100)]), [])

    def test_worse_rows_are_counted_and_the_worst_named(self):
        problems = check(BENCH, [Row("a", 101, "i", 100), Row("b", 300, "i", 100), Row("c", 1, "i", 100)])
        self.assertEqual(len(problems), 1)
        self.assertIn("2 of 3", problems[0])
        self.assertIn("'b', is 3.000", problems[0])

    def test_declared_exception(self):
        bench = Bench(file=Path("bench.json"), name="kernel", elf="k.elf", timeout_s=1, exceptions={"a": "why"})
        self.assertEqual(check(bench, [Row("a", 200, "i", 100)]), [])

    def test_limits_hold_for_exceptions_too(self):
        bench = Bench(file=Path("bench.json"), name="kernel", elf="k.elf", timeout_s=1, exceptions={"a": "why"},
                      limits={"a": 150, "rate": 10})
        rate = Row("rate", 11, "per s", 11, rate=True)
        self.assertEqual(check(bench, [Row("a", 150, "i", 100), rate]), [])
        self.assertIn("the limit is 150", check(bench, [Row("a", 151, "i", 100), rate])[0])
        self.assertEqual(len(check(bench, [Row("rate", 9, "per s", 9, rate=True)])), 1)

    def test_row_without_reference(self):
        self.assertIn("no reference", check(BENCH, [Row("a", 1, "i")])[0])


class ArgumentsTest(unittest.TestCase):
    def chosen(self, *words):
        return chosen(parser().parse_args(words), {"kernel": BENCH})

    def test_options_that_go_together(self):
        self.assertIs(self.chosen("kernel", "--rows", "call/", "--sort", "--check"), BENCH)
        self.assertIs(self.chosen("kernel", "--profile", "nb_wait/empty"), BENCH)

    def test_options_that_do_not(self):
        for words in (["kernel", "--record"], ["kernel", "--record", "--sel4", "k", "--rows", "call"],
                      ["kernel", "--profile", "a", "--check"], ["nothing"], []):
            with self.subTest(words=words), self.assertRaises(KosError) as caught:
                self.chosen(*words)
            self.assertEqual(caught.exception.status, EXIT_USAGE)


class OutputTest(unittest.TestCase):
    def test_table_and_report(self):
        rows, _ = join(BENCH, records(call=475, map=10), None)
        text = table(rows, "recorded")
        self.assertIn("1.000", text)
        self.assertEqual(len(text.splitlines()), 3)
        self.assertIn(" 1234567 ", table([Row("big", 1234567, "instructions")], "recorded"))
        self.assertEqual(set(report(BENCH, rows)), {"bench", "commit", "board", "rows"})


if __name__ == "__main__":
    unittest.main()
