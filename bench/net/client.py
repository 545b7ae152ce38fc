"""The client of bench/net, on the host: throughput, request rates and latencies through QEMU's forwarded ports.

    measure(ports, cpu)    ports: {"tcp:7": port of 127.0.0.1, ...}; cpu(): seconds of processor time that the machine has
                           taken -> (row, value, unit), one after the other"""

import selectors
import socket
import time

HOST = "127.0.0.1"
PATIENCE_S = 60
BYTES = 4 << 20
REQUESTS = 1000
DATAGRAMS = 1000
REQUEST = b"r" * 100
PIECE = bytes(1 << 16)


def connect(ports, name):
    stream = socket.create_connection((HOST, ports[name]), PATIENCE_S)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def wait_for_system(ports):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            with connect(ports, "tcp:7") as probe:
                probe.settimeout(2)
                probe.sendall(b"x")
                if probe.recv(1) == b"x":
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise TimeoutError("nobody echoes")


def download(ports):
    with connect(ports, "tcp:19") as stream:
        begin, count = time.monotonic(), 0
        while count < BYTES:
            part = stream.recv(1 << 18)
            if not part:
                raise ConnectionError("the source has ended")
            count += len(part)
        return count / (time.monotonic() - begin) / 1e6


def upload(ports):
    """What QEMU has taken counts, which is ahead of the machine by its buffers."""
    with connect(ports, "tcp:9") as stream:
        begin = time.monotonic()
        for _ in range(BYTES // len(PIECE)):
            stream.sendall(PIECE)
        stream.shutdown(socket.SHUT_WR)
        while stream.recv(1 << 16):
            pass
        return BYTES / (time.monotonic() - begin) / 1e6


def requests(ports, connections):
    """(per second, microseconds of the slowest of 100) with one request under way on each of so many connections."""
    streams = [connect(ports, "tcp:7") for _ in range(connections)]
    selector = selectors.DefaultSelector()
    began, missing, latencies = {}, {}, []
    for stream in streams:
        selector.register(stream, selectors.EVENT_READ)
    begin = time.monotonic()

    def send(stream):
        began[stream], missing[stream] = time.monotonic(), len(REQUEST)
        stream.sendall(REQUEST)

    for stream in streams:
        send(stream)
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
                send(stream)
    rate = len(latencies) / (time.monotonic() - begin)
    for stream in streams:
        stream.close()
    latencies.sort()
    return rate, latencies[len(latencies) * 99 // 100] * 1e6


def datagrams(ports):
    """Round trips per second, eight under way; those that are lost are sent anew."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.5)
        udp.connect((HOST, ports["udp:7"]))
        begin, count = time.monotonic(), 0
        for _ in range(8):
            udp.send(REQUEST)
        while count < DATAGRAMS:
            try:
                udp.recv(2048)
                count += 1
            except TimeoutError:
                pass
            udp.send(REQUEST)
        return count / (time.monotonic() - begin)


def measure(ports, cpu):
    wait_for_system(ports)
    for name, function in (("tcp/download", download), ("tcp/upload", upload)):
        before = cpu()
        yield name, function(ports), "MB/s"
        yield f"{name}/cpu", (cpu() - before) * 1e9 / BYTES, "ms per MB"
    for connections in (1, 16, 256):
        before = cpu()
        rate, slow = requests(ports, connections)
        name = f"requests/{connections}_connections"
        yield name, rate, "per second"
        yield f"{name}/99_percent", slow, "us"
        yield f"{name}/cpu", (cpu() - before) * 1e6 / REQUESTS, "us each"
    before = cpu()
    yield "udp/round_trips", datagrams(ports), "per second"
    yield "udp/round_trips/cpu", (cpu() - before) * 1e6 / DATAGRAMS, "us each"
