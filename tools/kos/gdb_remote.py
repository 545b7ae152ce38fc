"""A client for QEMU's gdb port: breakpoints, going on, and commands for QEMU's monitor.

Just what profile.py needs.
Source: GDB manual, "GDB Remote Serial Protocol"."""

import socket
import time

from kos.common import KosError

STEP_S = 0.2


class GdbRemote:
    def __init__(self, path, timeout_s):
        self.deadline = time.monotonic() + timeout_s
        self.received = b""
        self.socket = self.connect(path)
        self.socket.settimeout(STEP_S)

    def connect(self, path):
        """QEMU makes the socket a moment after it was started."""
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(path))
                return connection
            except OSError as error:
                connection.close()
                if time.monotonic() > self.deadline:
                    raise KosError(f"QEMU's gdb port does not answer: {error}") from error
                time.sleep(STEP_S / 10)

    def close(self):
        self.socket.close()

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) % 256))

    def receive(self, ended=lambda: False):
        """The next packet, or None once `ended()` says that none will come."""
        while True:
            start = self.received.find(b"$")
            end = self.received.find(b"#", start)
            if start >= 0 and end >= 0 and len(self.received) >= end + 3:
                packet = self.received[start + 1:end].decode()
                self.received = self.received[end + 3:]
                self.socket.sendall(b"+")
                return packet
            if ended():
                return None
            if time.monotonic() > self.deadline:
                raise KosError("QEMU's gdb port: no answer in time")
            try:
                data = self.socket.recv(4096)
            except socket.timeout:
                continue
            if not data:
                raise KosError("QEMU ended")
            self.received += data

    def ask(self, text):
        self.send(text)
        return self.receive()

    def expect_ok(self, text):
        answer = self.ask(text)
        while answer.startswith("O") and answer != "OK":  # what a monitor command prints
            answer = self.receive()
        if answer != "OK":
            raise KosError(f"QEMU's gdb port: '{text}' was answered '{answer}'")

    def monitor(self, command):
        self.expect_ok("qRcmd," + command.encode().hex())

    def insert(self, address):
        self.expect_ok(f"Z0,{address:x},4")

    def remove(self, address):
        self.expect_ok(f"z0,{address:x},4")

    def step(self):
        if not self.ask("s").startswith(("S", "T")):
            raise KosError("QEMU's gdb port: a step did not stop")

    def run_until_stop(self, ended):
        """True at a breakpoint, False if the run ended first."""
        self.send("c")
        return self.receive(ended) is not None

    def pc(self):
        """Of all registers (x0..x30, sp, pc, ..), 64 bits each, least significant byte first."""
        return int.from_bytes(bytes.fromhex(self.ask("g"))[32 * 8:33 * 8], "little")
