"""Hostile HTTP requests at the station's port, from the host: what is refused, what is cut off, and that others are served meanwhile."""

import random
import socket
import threading
import time
from contextlib import ExitStack

ANSWER_S = 600  # the device's own ten seconds can be minutes of a busy machine
STATUSES = {400, 403, 404, 405, 408, 409, 411, 413, 421, 431, 503}
GOOD = b"GET /state HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
# What it is, its bytes, and the answers that are right; none: the connection may just end.
REFUSED = (
    ("nothing that is HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n", {400}),
    ("an unknown method", b"BREW / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {405}),
    ("a method of 1000 letters", b"A" * 1000 + b" / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    ("a path out of the folder", b"GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {404}),
    ("an encoded path", b"GET /%2e%2e/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}),
    ("a fold", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\n\r\n", {400}),
    ("two hosts", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    ("another host", b"POST /part/sensor/kill HTTP/1.1\r\nHost: evil.example\r\nX-Station: 1\r\n\r\n", {421}),
    ("two lengths", b"POST /target HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Station: 1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n600", {400}),
    ("chunks", b"POST /target HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Station: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n600\r\n0\r\n\r\n", {411}),
    ("a body of a gigabyte", b"POST /target HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Station: 1\r\nContent-Length: 1073741824\r\n\r\n", {413}),
    ("a header of a mebibyte", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n", {431}),
    ("a thousand fields", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(1000)) + b"\r\n", {431}),
    ("a part that is none", b"POST /part/appman/kill HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Station: 1\r\n\r\n", {404}),
    ("a target that is none", b"POST /target HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Station: 1\r\nContent-Length: 4\r\n\r\n1e99", {409}),
)


def status_of(port, data, patience_s=ANSWER_S):
    """The status of the answer; None: the connection ended without one. TimeoutError: neither came."""
    with socket.create_connection(("127.0.0.1", port), patience_s) as connection:
        answer = b""
        try:
            connection.sendall(data)
            while b"\r\n" not in answer and len(answer) < 4096:
                part = connection.recv(4096)
                if not part:
                    break
                answer += part
        except (ConnectionResetError, BrokenPipeError):
            pass  # cut off while it was still talking; an answer may have come
    line = answer.split(b"\r\n")[0].split()
    return int(line[1]) if len(line) > 1 and line[0] == b"HTTP/1.1" else None


def refused(port):
    """What was answered wrongly."""
    wrong = []
    for what, data, right in REFUSED:
        status = status_of(port, data)
        # An answer is lost if the other side is cut off while much of its request is still under way.
        if status not in right and not (status is None and len(data) > 4096):
            wrong.append(f"{what}: {status}")
    return wrong


def random_requests(port, seed, count):
    """Changed requests; what was answered with a status that is none of ours."""
    noise, wrong = random.Random(seed), []
    for _ in range(count):
        data = bytearray(GOOD if noise.random() < 0.5 else REFUSED[noise.randrange(10)][1])
        for _ in range(noise.randrange(1, 8)):
            at = noise.randrange(len(data) + 1)
            data[at:at + noise.choice((0, 1, 1, 5))] = noise.choice((b"", b"\r\n", b"\r\n\r\n", b"\0", b":", b" ", noise.randbytes(9)))
        # The rest never comes: the station must not wait for it longer than for any request.
        status = status_of(port, bytes(data) + b"\r\n\r\n")
        if status is not None and status not in STATUSES | {200}:
            wrong.append(f"{bytes(data)!r}: {status}")
    return wrong


class Slow:
    """Connections that send a byte of a request now and then, and come again when they are cut off."""

    def __init__(self, port, count):
        self.port, self.count, self.opened, self.is_over = port, count, 0, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join(30)

    def _run(self):
        text, places = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"z" * 2000, {}
        with ExitStack() as stack:
            while not self.is_over.wait(0.5):
                for place in range(self.count):
                    try:
                        connection, sent = places.get(place) or (stack.enter_context(socket.create_connection(("127.0.0.1", self.port), 2)), 0)
                        self.opened += sent == 0
                        connection.settimeout(0.2)
                        connection.send(text[sent:sent + 1])
                        places[place] = (connection, sent + 1)
                    except OSError:
                        if place in places:
                            places.pop(place)[0].close()


def idle_connections(port, count, stack):
    """As many connections as come about, which say nothing."""
    opened = []
    for _ in range(count):
        try:
            opened.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)))
        except OSError:
            break
    return opened


def served(port, tries=8):
    """How often somebody else gets an answer while this goes on."""
    good = 0
    for _ in range(tries):
        try:
            good += status_of(port, GOOD) == 200
        except OSError:
            pass
        time.sleep(0.5)
    return good, tries
