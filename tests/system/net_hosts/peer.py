"""A client on the host of the echo and the status page; says what it has found to the judge."""

import os
import random
import socket
import sys
import threading
import time

from kos import network

HOST = "127.0.0.1"
PATIENCE_S = 30
ECHO, STATUS, JUDGE = 7, 80, 9000


def connect(port):
    """To a forwarded port. QEMU accepts at once, whether or not anybody listens inside, and then resets."""
    return socket.create_connection((HOST, network.peer_forward("tcp", port)), PATIENCE_S)


def wait_for_system():
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            with connect(ECHO) as probe:
                probe.sendall(b"x")
                if probe.recv(1) == b"x":
                    return
        except OSError:
            pass
        time.sleep(0.3)
    sys.exit("nobody echoes")


def receive_all(stream):
    parts = []
    while part := stream.recv(65536):
        parts.append(part)
    return b"".join(parts)


def echo(data):
    with connect(ECHO) as stream:
        sender = threading.Thread(target=lambda: (stream.sendall(data), stream.shutdown(socket.SHUT_WR)))
        sender.start()
        got = receive_all(stream)
        sender.join()
    return got == data


def many_echoes(count, at_once):
    """Requests of 100 bytes, one after the other on each of some connections."""
    right = []

    def one(number):
        with connect(ECHO) as stream:
            for request in range(count // at_once):
                data = f"{number} {request} ".encode().ljust(100, b".")
                stream.sendall(data)
                got = b""
                while len(got) < len(data) and (part := stream.recv(len(data) - len(got))):
                    got += part
                right.append(got == data)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(right) == count // at_once * at_once and all(right)


def udp_echo():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(2)
        udp.connect((HOST, network.peer_forward("udp", ECHO)))
        for size in (1, 100, 1472):
            for attempt in range(5):
                udp.send(bytes([size % 256]) * size)
                try:
                    if udp.recv(65536) == bytes([size % 256]) * size:
                        break
                except TimeoutError:
                    continue
            else:
                return False
    return True


def http(request):
    with connect(STATUS) as stream:
        stream.sendall(request)
        head, _, body = receive_all(stream).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def pages():
    get = b"GET %s HTTP/1.1\r\nHost: kos\r\n\r\n"
    found = [
        ("a page", http(get % b"/")[0] == 200),
        ("metrics", b"http_requests 1\n" in http(get % b"/metrics?x=1")[1]),
        ("no such page", http(get % b"/secret")[0] == 404),
        ("HEAD has no body", http(b"HEAD / HTTP/1.1\r\n\r\n") == (200, b"")),
        ("POST is refused", http(b"POST / HTTP/1.1\r\n\r\n")[0] == 405),
        ("nonsense is refused", http(b"\x16\x03\x01\r\n\r\n")[0] == 400),
        ("a request without end is refused", http(b"GET /" + b"x" * 5000)[0] == 400),
    ]
    begin = time.monotonic()
    with connect(STATUS) as silent:
        silent.sendall(b"GET / HT")
        ended = receive_all(silent) == b""
    found.append(("who says nothing is let go", ended and 5 < time.monotonic() - begin < PATIENCE_S))
    return found


def main():
    wait_for_system()
    data = random.Random(1).randbytes(2_000_000)
    checks = [("2 MB of echo", echo(data)), ("no bytes of echo", echo(b"")),
              ("1000 requests on 1 connection", many_echoes(1000, 1)),
              ("1600 requests on 16 connections", many_echoes(1600, 16)),
              ("UDP echo", udp_echo()), *pages()]
    with connect(JUDGE) as judge:
        for name, is_right in checks:
            judge.sendall(f"{'pass' if is_right else 'fail'} {name}\n".encode())
        judge.sendall(b"end\n")
        sys.stdin.read()  # the run has ended
    os._exit(0)


main()
