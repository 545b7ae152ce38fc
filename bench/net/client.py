"""The client of bench/net, on the host: what it does with a machine through QEMU's forwarded ports, and what it counts.

A row is something that is done a number of times, between the two ends of Meter.count: what is counted there, divided by
that number, is the row's figure. To add one, write its function and put it into ROWS; a machine that does not forward its
port does not have it."""

import selectors
import socket
import ssl
import statistics
import struct
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

HOST = "127.0.0.1"
PATIENCE_S = 120
MEBIBYTE = 1 << 20
WARM_UP_BYTES = 2 * MEBIBYTE
BULK_BYTES = 8 * MEBIBYTE
# What may be under way beyond the machine, at most: little against BULK_BYTES.
HOST_BUFFER = 1 << 17
REQUESTS = 1000
DATAGRAMS = 1000
DATAGRAMS_AT_ONCE = 8
HANDSHAKES = 20
REQUEST = b"r" * 100
PIECE = bytes(1 << 16)
ECHOES = ("tcp:7", "tcp:1007")
IDLE_S = 1
IDLE_WINDOWS = 8


@dataclass
class Meter:
    """`read()`: instructions that the machine has executed so far. `idle`: what it executes in a second with nothing to do."""

    read: callable
    idle: float = 0.0
    instructions: float = 0.0
    seconds: float = 0.0
    latencies: list = field(default_factory=list)
    times: int = 1
    mark: callable = lambda: None  # called at both ends

    @contextmanager
    def count(self, times):
        self.times = times
        self.mark()
        before, begin = self.read(), time.monotonic()
        yield
        after, self.seconds = self.read(), time.monotonic() - begin
        self.mark()
        self.instructions = after - before - self.idle * self.seconds


def connect(port, buffer=None):
    stream = socket.socket()
    try:
        stream.settimeout(PATIENCE_S)
        if buffer:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.connect((HOST, port))
    except OSError:
        stream.close()
        raise
    return stream


def receive(stream, count):
    while count > 0:
        part = stream.recv(min(count, 1 << 18))
        if not part:
            raise ConnectionError("the other side has ended")
        count -= len(part)


def wait_for(port):
    """Until somebody echoes: QEMU accepts at once, whether or not anybody listens inside."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            with connect(port) as probe:
                probe.settimeout(2)
                probe.sendall(b"x")
                if probe.recv(1) == b"x":
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise TimeoutError("nobody echoes")


def idle_rate(read):
    """Instructions in a second of a machine with nothing to do. It has just begun to serve, and other programs of it may
    still be beginning: the least of some seconds counts."""
    rates = []
    for _ in range(IDLE_WINDOWS):
        before, begin = read(), time.monotonic()
        time.sleep(IDLE_S)
        rates.append((read() - before) / (time.monotonic() - begin))
    return min(rates)


def download(port, meter):
    with connect(port, HOST_BUFFER) as stream:
        receive(stream, WARM_UP_BYTES)
        with meter.count(BULK_BYTES // MEBIBYTE):
            receive(stream, BULK_BYTES)


def upload(port, meter):
    with connect(port, HOST_BUFFER) as stream:
        with meter.count(BULK_BYTES // MEBIBYTE):
            for _ in range(BULK_BYTES // len(PIECE)):
                stream.sendall(PIECE)
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(1 << 16):  # it closes when it has read everything
                pass


def requests(connections):
    """A row's function: one request is under way on each of so many connections."""

    def run(port, meter):
        streams = []
        try:
            # Each has been through once before it counts: who connects to QEMU may have to wait for a second.
            for _ in range(connections):
                streams.append(connect(port))
                streams[-1].sendall(REQUEST)
                receive(streams[-1], len(REQUEST))
            with meter.count(REQUESTS):
                ask(streams, meter.latencies)
        finally:
            for stream in streams:
                stream.close()

    return run


def ask(streams, latencies):
    began, missing, asked = {}, {}, 0
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream, selectors.EVENT_READ)

        def send(stream):
            began[stream], missing[stream] = time.monotonic(), len(REQUEST)
            stream.sendall(REQUEST)

        for stream in streams:
            send(stream)
            asked += 1
        while len(latencies) < REQUESTS:
            ready = selector.select(PATIENCE_S)
            if not ready:
                raise TimeoutError("no answer")
            for key, _ in ready:
                stream = key.fileobj
                part = stream.recv(missing[stream])
                if not part:
                    raise ConnectionError("the echo has ended")
                missing[stream] -= len(part)
                if missing[stream] == 0:
                    latencies.append(time.monotonic() - began[stream])
                    if asked < REQUESTS:
                        send(stream)
                        asked += 1


class Datagrams:
    """So many are always under way. They keep their order, so an answer says that those before it are lost."""

    def __init__(self, udp):
        self.udp = udp
        self.under_way = set()
        self.next = 0
        self.fill()

    def fill(self):
        while len(self.under_way) < DATAGRAMS_AT_ONCE:
            self.under_way.add(self.next)
            self.udp.send(struct.pack("<I", self.next).ljust(len(REQUEST), b"u"))
            self.next += 1

    def answers(self, count):
        while count > 0:
            try:
                (number,) = struct.unpack_from("<I", self.udp.recv(2048))
                count -= number in self.under_way
                self.under_way = {other for other in self.under_way if other > number}
            except TimeoutError:
                self.under_way.clear()
            self.fill()


def datagrams(port, meter):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.5)
        udp.connect((HOST, port))
        stream = Datagrams(udp)
        stream.answers(DATAGRAMS_AT_ONCE)
        with meter.count(DATAGRAMS):
            stream.answers(DATAGRAMS)


def handshakes(port, meter):
    """Whole ones of TLS 1.3, one after the other: no session goes on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3

    def one():
        with connect(port) as stream, context.wrap_socket(stream):
            pass

    one()
    with meter.count(HANDSHAKES):
        for _ in range(HANDSHAKES):
            one()


@dataclass(frozen=True)
class Row:
    name: str
    port: str  # as forwarded
    unit: str  # what one time is
    run: callable


ROWS = (
    Row("tcp/download", "tcp:19", "MiB", download),
    Row("tcp/upload", "tcp:9", "MiB", upload),
    *(Row(f"requests/{count}_connections", "tcp:7", "request", requests(count)) for count in (1, 16, 256)),
    Row("udp/round_trip", "udp:7", "round trip", datagrams),
    Row("gen_tcp/download", "tcp:1019", "MiB", download),
    Row("gen_tcp/upload", "tcp:1009", "MiB", upload),
    Row("gen_tcp/requests/16_connections", "tcp:1007", "request", requests(16)),
    Row("tls/handshake", "tcp:443", "handshake", handshakes),
)


def measure(ports, read, prefix="", mark=lambda: None):
    """(Row, Meter) of each row that begins with `prefix`. `ports`: "tcp:7" -> port of this host."""
    for port in ECHOES:
        if port in ports:
            wait_for(ports[port])
    idle = idle_rate(read)
    for row in ROWS:
        if row.name.startswith(prefix or "") and row.port in ports:
            meter = Meter(read, idle, mark=mark)
            row.run(ports[row.port], meter)
            yield row, meter


def percentile_us(latencies, percent):
    if not latencies:
        return None
    return statistics.quantiles(latencies, n=100)[percent - 1] * 1e6
