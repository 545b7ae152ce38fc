"""Starts QEMU, collects what the system prints, and ends QEMU when it has a verdict, a fault or no time left.

It does not judge: records.Collector does. Used by test, bench and test scripts."""

import os
import selectors
import subprocess
import time
from dataclasses import dataclass, field

from kos import processes
from kos.board import board
from kos.records import Collector

# After a fault mark: time for the rest of the fault record.
FAULT_GRACE_S = 2.0
# A program that prints without end must not fill the disk.
MAX_OUTPUT_BYTES = 64 << 20


@dataclass
class Run:
    """How a run ended. `end` is verdict, fault, exit, timeout, flood or reached."""

    collected: Collector
    end: str
    status: int | None
    seconds: float
    extra: list = field(default_factory=list)  # problems that others have found

    def problems(self):
        """Why the run did not pass, one line each; empty if it did."""
        found = self.collected.problems()
        where = f" after: {self.collected.last_text}" if self.collected.last_text else ", with no output"
        if self.end == "timeout":
            found.append(f"no verdict in {self.seconds:.0f} s{where}")
        elif self.end == "exit":
            found.append(f"ended without a verdict (status {self.status}){where}")
        elif self.end == "flood":
            found.append(f"more than {MAX_OUTPUT_BYTES >> 20} MiB of output without a verdict")
        return found


# Nanoseconds of virtual time that an instruction takes, as a power of two: benchmarks count instructions; tests run on a
# machine of 250 million instructions per second, however slow or busy the host is.
COUNT_INSTRUCTIONS = 0
VIRTUAL_TIME = 2


def command(image, cores, append=None, icount=None, skips_idle_time=True):
    """The QEMU command for a run without a user. `icount`: one of the two above, with which the cores take turns; None:
    time is the host's, and they run side by side."""
    words = board().machine_arguments(cores) + ["-serial", "stdio", "-kernel", str(image)]
    if append:
        words += ["-append", append]
    if icount is not None:
        # sleep=off: while the machine is idle, its time goes on to the next timer at once.
        words += ["-icount", f"shift={icount},sleep={'off' if skips_idle_time else 'on'}"]
    return words


def run(words, log_path, timeout_s, environment=None, text="", until=None):
    """Runs a program that prints records until it gives a verdict. The serial output goes to `log_path`.

    `text` is its input, at most what a pipe holds (4096 bytes). `until`: asked about what has been collected; True ends
    the run earlier."""
    collected = Collector()
    parser = collected.parser()
    started = time.monotonic()
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with open(log_path, "wb") as log:
        stdin = {"stdin": subprocess.PIPE} if text else {}
        process = processes.start(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, **stdin)
        try:
            if text:
                give_input(process, text)
            end = collect(process, parser, collected, log, started + timeout_s, until)
        finally:
            processes.stop(process)
            process.stdout.close()
        parser.finish()
    status = process.returncode if end == "exit" else None
    return Run(collected, end, status, time.monotonic() - started)


def give_input(process, text):
    """A program that has ended already is found out by collect()."""
    try:
        with process.stdin:
            process.stdin.write(text.encode())
    except BrokenPipeError:
        pass


def collect(process, parser, collected, log, deadline, until=None):
    """Reads until something ends the run; returns what did."""
    written = 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return "fault" if collected.fault else "timeout"
            if not selector.select(left):
                continue
            data = os.read(process.stdout.fileno(), 1 << 16)
            if not data:
                process.wait()
                return "verdict" if collected.verdict else "fault" if collected.fault else "exit"
            log.write(data)
            written += len(data)
            had_fault = collected.fault is not None
            parser.feed(data)
            if collected.verdict:
                return "verdict"
            if until and until(collected):
                return "reached"
            if collected.fault and not had_fault:
                deadline = min(deadline, time.monotonic() + FAULT_GRACE_S)
            if written > MAX_OUTPUT_BYTES:
                return "flood"
