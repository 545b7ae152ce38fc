import unittest

from kos.fuzz import edges_of, executions_of, parse_targets

ENDED = """#2	INITED cov: 10 ft: 12 corp: 1/1b
#4096	pulse  cov: 20 ft: 30 corp: 5/9b
Done 5000 runs in 2 second(s)
stat::number_of_executed_units: 5000
stat::average_exec_per_sec:     2500
"""
FOUND = """#2	INITED cov: 10 ft: 12 corp: 1/1b
#128	NEW    cov: 11 ft: 13 corp: 2/2b
==1==ERROR: AddressSanitizer: heap-buffer-overflow
"""


class OutputTest(unittest.TestCase):
    def test_executions(self):
        self.assertEqual(executions_of(ENDED), 5000)
        self.assertEqual(executions_of(FOUND), 128)
        self.assertEqual(executions_of("did not start"), 0)

    def test_edges(self):
        self.assertEqual(edges_of(ENDED), 20)
        self.assertEqual(edges_of(""), 0)


class TargetsTest(unittest.TestCase):
    def test_list(self):
        found = parse_targets("ring /b/lib/ring/ring_fuzz /t/corpus/ring\nlog /b/log_fuzz /t/corpus/log\n")
        self.assertEqual(list(found), ["ring", "log"])
        self.assertEqual(found["ring"].build_name, "ring_fuzz")


if __name__ == "__main__":
    unittest.main()
