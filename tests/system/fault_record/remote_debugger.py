"""The few words of the GDB remote protocol that a test needs to stop a machine of QEMU at a place and to change it.

https://sourceware.org/gdb/current/onlinedocs/gdb.html/Remote-Protocol.html, "Packets" and "Stop Reply Packets"."""

import socket
import time

from kos.common import KosError


class RemoteDebugger:
    """A connection to `-gdb unix:PATH,server=on,wait=off` of a machine started with -S."""

    def __init__(self, path, timeout_s):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(timeout_s)
        self.received = b""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self.connection.connect(str(path))
                return
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > deadline:
                    raise KosError("QEMU does not open its debugger's socket") from None
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def run_to(self, address):
        """Lets the machine run until a core comes to the (virtual) address."""
        self.expect_ok(f"Z1,{address:x},4")
        stop = self.ask("c")
        if not stop.startswith("T05"):
            raise KosError(f"the machine did not stop at {address:#x}: {stop}")
        self.expect_ok(f"z1,{address:x},4")

    def resume(self):
        self.send("c")

    def read_register(self, number):
        """x0 to x30 of the core that stopped: the first of all registers, 8 bytes each."""
        registers = bytes.fromhex(self.ask("g"))
        return int.from_bytes(registers[8 * number:8 * number + 8], "little")

    def write_memory(self, address, data):
        self.expect_ok(f"M{address:x},{len(data):x}:{data.hex()}")

    def expect_ok(self, packet):
        answer = self.ask(packet)
        if answer != "OK":
            raise KosError(f"the debugger answered {answer!r} to {packet!r}")

    def ask(self, packet):
        self.send(packet)
        self.receive_until(b"$")
        answer = self.receive_until(b"#")
        self.receive(2)  # the sum; the connection is local
        self.connection.sendall(b"+")
        return answer[:-1].decode()

    def send(self, packet):
        data = packet.encode()
        self.connection.sendall(b"$%s#%02x" % (data, sum(data) & 255))

    def receive_until(self, mark):
        while mark not in self.received:
            self.receive_more()
        end = self.received.index(mark) + 1
        data, self.received = self.received[:end], self.received[end:]
        return data

    def receive(self, count):
        while len(self.received) < count:
            self.receive_more()
        self.received = self.received[count:]

    def receive_more(self):
        more = self.connection.recv(4096)
        if not more:
            raise KosError("QEMU closed its debugger's socket")
        self.received += more
