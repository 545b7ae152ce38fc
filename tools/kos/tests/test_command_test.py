import contextlib
import io
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

from kos import declarations, processes, system_tests, test_command
from kos.common import KosError
from kos.qemu import Run
from kos.records import Collector
from kos.test_command import Case, Outcome


def quietly(function, *arguments):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        result = function(*arguments)
    return result, output.getvalue()


class SummaryTest(unittest.TestCase):
    def last_line(self, *outcomes):
        status, output = quietly(test_command.summary, list(outcomes))
        return status, output.splitlines()[-1]

    def test_counts(self):
        good, bad, skip = Outcome([], 1), Outcome(["x"], 1), Outcome([], 1, skipped=True)
        self.assertEqual(self.last_line(good, good), (0, "2 passed, 0 failed"))
        self.assertEqual(self.last_line(good, bad, skip), (1, "1 passed, 1 failed, 1 skipped"))

    def test_nothing_ran(self):
        self.assertEqual(self.last_line(), (1, "0 passed, 0 failed"))
        self.assertEqual(self.last_line(Outcome([], 1, skipped=True))[0], 1)


class ChooseTest(unittest.TestCase):
    cases = [Case("host/a_test", ("host", "kernel"), ("a_test", "host/a_test"), "", None),
             Case("ipc@release", ("kernel",), ("ipc", "ipc@release"), "", None),
             Case("ipc@debug", ("kernel",), ("ipc", "ipc@debug"), "", None)]

    def ids(self, *names):
        return [case.id for case in test_command.choose(self.cases, names)]

    def test_choose(self):
        self.assertEqual(len(self.ids()), 3)
        self.assertEqual(self.ids("host"), ["host/a_test"])
        self.assertEqual(len(self.ids("kernel")), 3)
        self.assertEqual(self.ids("ipc@debug", "a_test"), ["host/a_test", "ipc@debug"])

    def test_unknown(self):
        with self.assertRaises(KosError):
            self.ids("ipc", "nothing")


class RunAllTest(unittest.TestCase):
    def test_an_error_of_one_test_is_its_failure(self):
        def broken(_log):
            raise KosError("not built")

        cases = [Case("a", (), (), "./kos test a", broken),
                 Case("b", (), (), "", lambda _log: Outcome([], 0, "3 checks"))]
        outcomes, output = quietly(test_command.run_all, cases, 2)
        self.assertEqual([o.problems for o in outcomes], [["not built"], []])
        self.assertIn("again: ./kos test a\n", output)
        self.assertIn("3 checks", output)


    def test_an_interrupt_ends_what_runs(self):
        started = threading.Event()

        def endless(log):
            process = processes.start(["sleep", "60"])
            started.set()
            try:
                return Outcome([f"status {process.wait()}"], 0)
            finally:
                processes.stop(process)

        def interrupting(_log):
            started.wait(30)
            raise KeyboardInterrupt

        # Two run, one is taken up by the interrupted worker, the others wait and are cancelled.
        cases = [Case("a", (), (), "", interrupting)] + [Case(name, (), (), "", endless) for name in "bcdefgh"]
        began = time.monotonic()
        output = io.StringIO()
        with self.assertRaises(KeyboardInterrupt), contextlib.redirect_stdout(output):
            test_command.run_all(cases, 2)
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(output.getvalue(), "")


class SeedTest(unittest.TestCase):
    def test_seed(self):
        self.assertIsNone(test_command.seed_of(None))
        self.assertEqual(test_command.seed_of("7"), 7)
        self.assertIsInstance(test_command.seed_of("random"), int)
        for text in ("x", "-1", "1.5"):
            with self.assertRaises(KosError):
                test_command.seed_of(text)


def declared(**changes):
    values = dict(file=Path("test.json"), name="t", group="t", timeout_s=5, elf="t.elf", kernels=("release", "smp-release"))
    return declarations.Test(**(values | changes))


def finished(digests, result="pass"):
    tests = [{"test": "a", "result": result}]
    return Run(Collector(tests=tests, digests=digests, verdict={"verdict": "pass"}), "verdict", None, 1.0)


class SystemTest(unittest.TestCase):
    def test_variants(self):
        def names(*paths):
            return [(v.name, v.cores) for v in system_tests.variants(declared(), *paths)]
        self.assertEqual(names(None, None), [("release", 1), ("smp-release", 4)])
        self.assertEqual(names(Path("k"), None), [("sel4", 1)])
        self.assertEqual(names(Path("k"), Path("s")), [("sel4", 1), ("sel4-smp", 4)])

    def run_fuzz(self, ours, keel=None, change=(), **fields):
        test = declared(append="seed={seed} steps=9", seeds=(1,), **fields)
        variant = system_tests.Variant("sel4", 1, Path("k")) if keel else system_tests.Variant("release", 1)
        runs = [finished(ours)] + ([finished(keel)] if keel else [])
        arguments = mock.Mock(timeout=None, set=list(change))
        with mock.patch.object(system_tests, "boot", side_effect=runs) as boot:
            result = system_tests.run(test, variant, 1, arguments, Path("log"))
        self.assertEqual(boot.call_count, len(runs))
        self.assertTrue(boot.call_args_list[0].args[2].startswith("seed=1 steps="))
        return result

    def test_digest_against_the_recorded_one(self):
        digest = [{"digest": "ab", "seed": 1, "steps": 9}]
        self.assertEqual(self.run_fuzz(digest, digests={"1": "ab"})[0], [])
        self.assertEqual(len(self.run_fuzz(digest, digests={"1": "cd"})[0]), 1)
        # Another number of steps has another digest.
        self.assertEqual(self.run_fuzz(digest, digests={"1": "cd"}, change=["steps=5"])[0], [])

    def test_digest_against_keel(self):
        one, two = {"digest": "ab"}, {"digest": "cd"}
        self.assertEqual(self.run_fuzz([one, two], [one, two])[0], [])
        self.assertIn("first difference", self.run_fuzz([one, two], [one, one])[0][0])
        self.assertIn("1 digests", self.run_fuzz([one, two], [one])[0][0])

    def test_only_skipped(self):
        problems, _, skipped = system_tests.judged(finished([], "skip"), [])
        self.assertEqual((problems, skipped), ([], True))


if __name__ == "__main__":
    unittest.main()
