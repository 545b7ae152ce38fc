"""A dialogue with what runs in QEMU, on its serial line, as a user has it.

    with session.boot(system_image, kernel, cores) as console: console.expect("iex(1)>", 60); console.send("1 + 1\r")

Nothing here judges."""

import os
import re
import selectors
import subprocess
import sys
import time
from contextlib import contextmanager

from kos import image, network, processes, qemu
from kos.common import KosError

# Colours, movements of the cursor, the title of a window (ECMA-48: control sequences and strings).
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[@-_]")


def plain(text):
    """What a terminal shows of the text, as far as it is characters."""
    return ESCAPES.sub("", text).replace("\r", "").replace("\b", "")


class Session:
    """A process that talks on its standard output and listens on its standard input."""

    def __init__(self, process, echo=None):
        self.process = process
        self.echo = echo  # where all output goes as well
        self.output = bytearray()
        self.seen = 0

    def send(self, text, pause=0.0):
        """`pause`: seconds between two characters, for lines without flow control."""
        for part in text if pause else [text]:
            self.process.stdin.write(part.encode())
            self.process.stdin.flush()
            time.sleep(pause)

    def expect(self, text, timeout):
        """Waits until the terminal shows TEXT after what an earlier expect saw; returns what came up to its end."""
        wanted = text.encode()

        def find():
            at = self.output.find(wanted, self.seen)
            return None if at < 0 else at + len(wanted)

        return self._wait(find, f"no {text!r}", timeout)

    def expect_match(self, pattern, timeout):
        """The same for a regular expression over what a terminal shows of it (plain); returns the match."""
        expression = re.compile(pattern, re.DOTALL)
        found = None

        def find():
            nonlocal found
            found = expression.search(plain(self.output[self.seen:].decode(errors="replace")))
            return len(self.output) if found else None

        self._wait(find, f"nothing like {pattern!r}", timeout)
        return found

    def _wait(self, find, problem, timeout):
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while True:
                end = find()
                if end is not None:
                    start, self.seen = self.seen, end
                    return self.output[start:end].decode(errors="replace")
                left = deadline - time.monotonic()
                part = os.read(self.process.stdout.fileno(), 1 << 16) if left > 0 and selector.select(left) else b""
                if not part:
                    rest = self.output[self.seen:].decode(errors="replace")
                    raise KosError(f"{problem} on the terminal; it showed {rest[-400:]!r}")
                self.output += part
                if self.echo:
                    self.echo.write(part.decode(errors="replace"))
                    self.echo.flush()


@contextmanager
def boot(root_task, kernel, cores, virtual_time=True, forwards=None, wire=()):
    """A Session with a system on QEMU's serial line; what it says is shown on standard error, too.

    `virtual_time`: with one core, time is the machine's own (qemu.VIRTUAL_TIME). `forwards`: of a system with a network
    (network.forwards_of), which is QEMU's user network then; `wire`: QEMU's arguments for another one (wire.open_wire). Idle
    time passes as on the host with either."""
    packed = image.pack(kernel, root_task, cores)
    words = qemu.command(packed, cores, icount=qemu.VIRTUAL_TIME if virtual_time and cores == 1 else None,
                         skips_idle_time=forwards is None and not wire)
    words += wire
    if forwards is not None:
        words += network.user_network(forwards)
    process = processes.start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield Session(process, sys.stderr)
    finally:
        processes.stop(process)
        process.stdin.close()
        process.stdout.close()
