import unittest

from kos.records import MAX_LINE_BYTES, Collector, Parser


def collect(*pieces):
    collected = Collector()
    parser = collected.parser()
    for piece in pieces:
        parser.feed(piece)
    parser.finish()
    return collected


PASS = b'\x1e{"verdict":"pass","passed":1,"failed":0,"skipped":0}\n'
ONE = b'\x1e{"test":"a","result":"pass"}\n'


class ParserTest(unittest.TestCase):
    def setUp(self):
        self.records, self.malformed, self.text = [], [], []
        self.parser = Parser(self.records.append, self.malformed.append, self.text.append)

    def test_record_in_single_bytes(self):
        for byte in b'noise\r\n\x1e{"test":"x"}\nmore\n':
            self.parser.feed(bytes([byte]))
        self.assertEqual(self.records, [{"test": "x"}])
        self.assertEqual(self.text, [b"noise", b"more"])

    def test_text_without_line_feed_before_a_record(self):
        self.parser.feed(b'booting...\x1e{"test":"x"}\n')
        self.assertEqual(self.records, [{"test": "x"}])
        self.assertEqual(self.text, [b"booting..."])

    def test_record_with_carriage_return(self):
        self.parser.feed(b'\x1e{"test":"x"}\r\n')
        self.assertEqual(self.records, [{"test": "x"}])

    def test_damaged_records(self):
        for damaged in (b'\x1e{"test":\n', b"\x1e[1]\n", b"\x1e\xff\xfe\n", b"\x1e\n", b"\x1e" + b"[" * 50000 + b"\n"):
            self.parser.feed(damaged)
        self.assertEqual(len(self.malformed), 5)
        self.assertEqual(self.records, [])

    def test_json_without_the_mark_is_text(self):
        self.parser.feed(b'{"test":"x","result":"pass"}\n')
        self.assertEqual(self.records, [])
        self.assertEqual(len(self.text), 1)

    def test_record_cut_off_by_the_end(self):
        self.parser.feed(b'\x1e{"test":"x"}')
        self.parser.finish()
        self.assertEqual(self.records, [])
        self.assertEqual(self.malformed, [b'{"test":"x"}'])

    def test_line_without_end_does_not_fill_memory(self):
        for _ in range(10):
            self.parser.feed(b"x" * MAX_LINE_BYTES)
        self.assertLessEqual(len(self.parser.rest), MAX_LINE_BYTES)
        self.assertEqual(b"".join(self.text), b"x" * len(b"".join(self.text)))


class CollectorTest(unittest.TestCase):
    def test_pass(self):
        self.assertEqual(collect(ONE, PASS).problems(), [])

    def test_a_failed_test_is_named(self):
        problems = collect(b'\x1e{"test":"a","result":"fail","detail":"3 is not 4"}\n').problems()
        self.assertEqual(problems, ["a: 3 is not 4"])

    def test_lost_record(self):
        self.assertIn("verdict counts 1 passed, 0 records arrived", collect(PASS).problems())

    def test_verdict_fail_without_a_reason(self):
        problems = collect(ONE, b'\x1e{"verdict":"fail"}\n').problems()
        self.assertEqual(problems, ["verdict 'fail'"])

    def test_verdict_alone_is_not_a_pass(self):
        self.assertEqual(collect(b'\x1e{"verdict":"pass"}\n').problems(), ["a verdict without a result: nothing ran"])

    def test_damaged_record_fails(self):
        self.assertEqual(len(collect(ONE, b"\x1e{\n", PASS).problems()), 1)

    def test_fault_fails_even_with_a_good_verdict(self):
        self.assertEqual(collect(ONE, b"KEEL FAULT assertion\r\n", PASS).problems(), ["KEEL FAULT assertion"])

    def test_unknown_result(self):
        self.assertEqual(len(collect(b'\x1e{"test":"a","result":"ok"}\n', b'\x1e{"verdict":"pass"}\n').problems()), 1)

    def test_what_comes_after_the_verdict_does_not_count(self):
        again = [ONE, b'\x1e{"test":"b","result":"fail"}\n', b'\x1e{"test":"cut o']
        self.assertEqual(collect(ONE, PASS, *again).problems(), [])
        self.assertIn("KEEL FAULT", collect(ONE, PASS, b"KEEL FAULT\n").problems()[0])

    def test_first_verdict_counts(self):
        self.assertEqual(collect(ONE, PASS, b'\x1e{"verdict":"fail"}\n').verdict["verdict"], "pass")


if __name__ == "__main__":
    unittest.main()
