import io
import unittest

from kos.records import Collector
from kos.results import Results


class ResultsTest(unittest.TestCase):
    def finished(self, *problems):
        output = io.StringIO()
        results = Results(output)
        for number, problem in enumerate(problems):
            results.add(f"test {number}", problem)
        results.skip("other", "not here")
        status = results.finish()
        collected = Collector()
        collected.parser().feed(output.getvalue().encode())
        return status, collected

    def test_what_is_printed_is_what_the_runner_reads(self):
        status, collected = self.finished(None, None)
        self.assertEqual((status, collected.problems(), len(collected.results("pass"))), (0, [], 2))

    def test_failures(self):
        status, collected = self.finished(None, "3 is\nnot 4")
        self.assertEqual((status, collected.problems()), (1, ["test 1: 3 is\nnot 4"]))

    def test_nothing_passed(self):
        self.assertEqual(self.finished()[0], 1)


if __name__ == "__main__":
    unittest.main()
