"""TCP connections that must outlive restarts of the network driver: each sends a stream and compares what comes back."""

import random
import select
import socket
import sys
import time

from kos import network

CONNECTIONS = 4
CONNECT_S = 120
WINDOW = 8192  # bytes under way on a connection
PAUSE_S = 0.02  # so that the machine has time for its other work
FRESH_S = 6  # at the end the last byte has come back not longer ago
ENDS_S = 30  # QEMU's end closes the connections, and is told here a moment later
LEAST = 20000  # bytes of each connection


class Stream:
    def __init__(self, number, port):
        self.number = number
        self.bytes_out, self.bytes_in = random.Random(number), random.Random(number)
        self.sent = self.received = 0
        self.last = time.monotonic()
        self.socket = connect(port)

    def work(self):
        room = WINDOW - (self.sent - self.received)
        if room > 0:
            # What a call takes is the stream so far; the rest is made up again.
            state = self.bytes_out.getstate()
            block = self.bytes_out.randbytes(min(room, 1024) & ~3)
            try:
                done = self.socket.send(block) if block else 0
            except BlockingIOError:
                done = 0
            if done != len(block):
                self.bytes_out.setstate(state)
                done_whole = done & ~3
                self.bytes_out.randbytes(done_whole)
                if done != done_whole:
                    sys.exit(f"connection {self.number}: {done} bytes sent of {len(block)}")
            self.sent += done
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionResetError("closed")
        self.compare(data)

    rest = b""

    def compare(self, data):
        while len(self.rest) < len(data):
            self.rest += self.bytes_in.randbytes(4)
        if self.rest[:len(data)] != data:
            sys.exit(f"connection {self.number}: other bytes after {self.received}")
        self.rest = self.rest[len(data):]
        self.received += len(data)
        self.last = time.monotonic()


def connect(port):
    """QEMU takes a connection before the machine does: it counts when the first byte has come back."""
    end = time.monotonic() + CONNECT_S
    while time.monotonic() < end:
        try:
            made = socket.create_connection(("127.0.0.1", port), timeout=5)
            made.sendall(b"hello")
            if made.recv(5) == b"hello":
                made.setblocking(False)
                return made
            made.close()
        except OSError:
            time.sleep(0.2)
    sys.exit("the machine takes no connection")


def main():
    port = network.peer_forward("tcp", 7)
    streams = [Stream(number, port) for number in range(CONNECTIONS)]
    while True:
        for stream in streams:
            try:
                stream.work()
            except ConnectionError as error:
                if select.select([sys.stdin], [], [], ENDS_S)[0]:
                    break  # the machine has ended
                sys.exit(f"connection {stream.number} was lost after {stream.received} bytes: {error}")
        if select.select([sys.stdin], [], [], PAUSE_S)[0]:
            break
    for stream in streams:
        print(f"connection {stream.number}: {stream.received} bytes, "
              f"the last {time.monotonic() - stream.last:.1f} s ago", flush=True)
        if stream.received < LEAST or time.monotonic() - stream.last > FRESH_S:
            sys.exit(f"connection {stream.number} stands still after {stream.received} bytes")


main()
