"""The runner with small programs in QEMU's place."""

import os
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from kos import qemu

PASSING = r"""print('\x1e{"test":"a","result":"pass"}\n\x1e{"verdict":"pass","passed":1}', flush=True)"""


class RunTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = Path(folder.name) / "sub" / "log"

    def run_program(self, text, timeout_s=30):
        return qemu.run([sys.executable, "-c", "import os, sys, time\n" + text], self.log, timeout_s)

    def test_verdict_ends_the_run(self):
        result = self.run_program(PASSING + "\ntime.sleep(60)")
        self.assertEqual((result.end, result.problems()), ("verdict", []))
        self.assertLess(result.seconds, 30)
        self.assertIn(b"verdict", self.log.read_bytes())

    def test_verdict_just_before_the_exit(self):
        self.assertEqual(self.run_program(PASSING).end, "verdict")

    def test_exit_without_verdict(self):
        result = self.run_program("print('boot: not an ELF file'); sys.exit(3)")
        self.assertEqual((result.end, result.status), ("exit", 3))
        self.assertEqual(result.problems(), ["ended without a verdict (status 3) after: boot: not an ELF file"])

    def test_timeout(self):
        result = self.run_program("print('here', flush=True); time.sleep(60)", timeout_s=0.5)
        self.assertEqual(result.end, "timeout")
        self.assertIn("no verdict", result.problems()[0])

    def test_fault_ends_the_run_with_its_details(self):
        with mock.patch.object(qemu, "FAULT_GRACE_S", 1.0):
            result = self.run_program("print('KEEL FAULT bad', flush=True); time.sleep(.1); "
                                      "print('thread: x', flush=True); time.sleep(60)")
        self.assertEqual((result.end, result.problems()), ("fault", ["KEEL FAULT bad"]))
        self.assertIn(b"thread: x", self.log.read_bytes())

    def test_flood(self):
        with mock.patch.object(qemu, "MAX_OUTPUT_BYTES", 1 << 20):
            result = self.run_program("while True: os.write(1, b'x' * 65535 + b'\\n')")
        self.assertEqual(result.end, "flood")
        self.assertTrue(result.problems())

    def test_children_end_too(self):
        child = self.log.parent / "child"
        self.run_program(f"import subprocess; p = subprocess.Popen(['sleep', '60']); "
                         f"open({str(child)!r}, 'w').write(str(p.pid)); " + PASSING + "; time.sleep(60)")
        pid = int(child.read_text())
        for _ in range(100):
            if not alive(pid):
                return
            time.sleep(0.05)
        self.fail("the child is still running")


def alive(pid):
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


class CommandTest(unittest.TestCase):
    def test_counting_and_parameters(self):
        words = qemu.command(Path("image.elf"), 2, append="seed=5 steps=1000", icount=qemu.COUNT_INSTRUCTIONS)
        self.assertEqual(words[words.index("-append") + 1], "seed=5 steps=1000")
        self.assertEqual(words[words.index("-smp") + 1], "2")
        self.assertEqual(words[words.index("-icount") + 1], "shift=0,sleep=off")
        self.assertNotIn("-append", qemu.command(Path("image.elf"), 1))


if __name__ == "__main__":
    unittest.main()
