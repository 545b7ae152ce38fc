import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from kos import instructions, processes
from kos.board import board

ROUNDS = 1000
BASE = 0x40200000  # behind the device tree
# mov x0, #ROUNDS; 1: subs x0, x0, #1; b.ne 1b; 2: wfi; b 2b, with all interrupts masked as after a reset.
PROGRAM = struct.pack("<5I", 0xd2800000 | ROUNDS << 5, 0xf1000400, 0x54ffffe1, 0xd503207f, 0x17ffffff)
EXPECTED = 1 + 2 * ROUNDS
WAITING = 1  # it stops at its first wfi
PATIENCE_S = 60


class Code:
    """A program as system_profile.Program has it."""

    name = "loop"
    names = [(BASE, "loop")]

    def has(self, address, code):
        return PROGRAM[address - BASE:address - BASE + len(code)] == code


class CounterTest(unittest.TestCase):
    def test_counts_what_is_executed_and_nothing_while_idle(self):
        with tempfile.TemporaryDirectory() as folder, instructions.Counter() as counter:
            file = Path(folder) / "program"
            file.write_bytes(PROGRAM)
            words = board().machine_arguments(1) + ["-serial", "null", *counter.words, "-device",
                                                    f"loader,file={file},addr={BASE:#x},cpu-num=0,force-raw=on"]
            process = processes.start(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                count = self.settled(counter)
                self.assertIn(count, range(EXPECTED, EXPECTED + WAITING + 2))
                totals = counter.functions([], counter.times(), [Code()])
                self.assertEqual(dict(totals), {("loop", "loop"): count})
            finally:
                processes.stop(process)

    def settled(self, counter):
        """The count when it has stopped growing."""
        end = time.monotonic() + PATIENCE_S
        last = 0
        while time.monotonic() < end:
            time.sleep(0.3)
            try:
                now = counter.read()
            except (FileNotFoundError, struct.error):
                continue  # QEMU has not made the file yet
            if now == last and now >= EXPECTED:
                return now
            last = now
        self.fail(f"{last} instructions after {PATIENCE_S} s")
