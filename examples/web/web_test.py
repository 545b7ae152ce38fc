"""The web server asked from the host through the ports that the manifest forwards: pages, large answers, many clients,
HTTPS, half-open and broken requests; and that nothing else answers."""

import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from kos import network, session, system_image
from kos.common import KosError
from kos.results import Results, kernel

SYSTEM = Path(__file__).parent / "system.toml"
# Seconds of the host, which may be busy with other tests.
BOOT_S, STEP_S = 400, 120
HTTP, HTTPS = 8080, 8443
LARGE = 1 << 20
OPEN = 256  # connections at a time


class Client:
    def __init__(self, forwards):
        self.ports = {one.port: one.host_port for one in forwards}
        self.context = ssl.create_default_context()
        self.context.check_hostname = False  # the certificate is its own
        self.context.verify_mode = ssl.CERT_NONE

    def ask(self, path, port=HTTP, data=None):
        scheme, context = ("https", self.context) if port == HTTPS else ("http", None)
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.ports[port]}{path}", data=data)
        try:
            with urllib.request.urlopen(request, timeout=STEP_S, context=context) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.ports[HTTP]), STEP_S)


def read_all(stream):
    got = b""
    while part := stream.recv(65536):
        got += part
    return got


def page(client):
    status, text = client.ask("/")
    return status == 200 and b"Erlang/OTP 25" in text and b"on web." in text


def large_answer(client):
    return client.ask(f"/bytes/{LARGE}") == (200, b"k" * LARGE)


def large_question(client):
    data = bytes(range(256)) * 2048
    return client.ask("/echo", data=data) == (200, data)


def no_such_page(client):
    return client.ask("/nothing")[0] == 404 and client.ask("/bytes/1048577")[0] == 400


def many_clients(client):
    with ThreadPoolExecutor(32) as pool:
        return all(pool.map(lambda number: client.ask(f"/bytes/{number}") == (200, b"k" * number), range(200)))


def encrypted(client):
    return client.ask("/bytes/100000", HTTPS) == (200, b"k" * 100000)


def half_closed(client):
    """Who has sent his question and closes his side gets his answer nevertheless."""
    with client.connect() as stream:
        stream.sendall(b"GET /bytes/50000 HTTP/1.0\r\n\r\n")
        stream.shutdown(socket.SHUT_WR)
        got = read_all(stream)
    return got.endswith(b"k" * 50000)


def cut_off(client):
    """Who goes without a word, in the middle of a question, does no harm."""
    for _ in range(20):
        with client.connect() as stream:
            stream.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf")
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return page(client)


def head(client):
    with client.connect() as stream:
        stream.sendall(b"HEAD /bytes/1234 HTTP/1.0\r\n\r\n")
        got = read_all(stream)
    return got.startswith(b"HTTP/1.0 200") and b"Content-Length: 1234\r\n" in got and got.endswith(b"\r\n\r\n")


def pipelined(client):
    """Questions one behind the other on one connection, without waiting."""
    with client.connect() as stream:
        stream.sendall(b"".join(b"GET /bytes/%d HTTP/1.1\r\nHost: x\r\n\r\n" % (number * 100) for number in range(1, 20))
                       + b"GET /bytes/5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = read_all(stream)
    return got.count(b"HTTP/1.1 200") == 20 and got.count(b"k" * 1900) == 1 and got.endswith(b"\r\n\r\nkkkkk")


def at_once(client):
    """Connections that are all open before the first one asks."""
    streams = []
    with ExitStack() as stack:
        while len(streams) < OPEN:
            streams.append(stack.enter_context(client.connect()))
            # QEMU listens with room for one: who finds it full asks the host's kernel again after a second.
            time.sleep(0.01)
        for stream in streams:
            stream.sendall(b"GET /bytes/100 HTTP/1.0\r\n\r\n")
        return all(read_all(stream).endswith(b"\r\n\r\n" + b"k" * 100) for stream in streams)


def resumed(client):
    """Who comes back with TLS 1.3 shows his ticket; and the protocol is agreed on."""
    client.context.set_alpn_protocols(["h2", "http/1.1"])
    session = None
    for wanted in (False, True):
        with socket.create_connection(("127.0.0.1", client.ports[HTTPS]), STEP_S) as plain, \
                client.context.wrap_socket(plain, session=session) as stream:
            stream.sendall(b"GET /bytes/100 HTTP/1.0\r\n\r\n")
            whole = read_all(stream).endswith(b"k" * 100)
            if not whole or stream.session_reused != wanted or stream.selected_alpn_protocol() != "http/1.1":
                return False
            session = stream.session
    return True


CHECKS = (page, large_answer, large_question, no_such_page, many_clients, encrypted, half_closed, cut_off, head, pipelined,
          at_once, resumed)


def check(results, client, one):
    started = time.monotonic()
    try:
        problem = None if one(client) else "not the answer that was expected"
    except OSError as error:
        problem = f"after {time.monotonic() - started:.0f} s: {error}"
    results.add(one.__name__, problem)


def main():
    results = Results()
    path, cores = kernel()
    root_task = system_image.compile_system(SYSTEM)
    forwards = network.forwards_of(root_task, network.free_port)
    with session.boot(root_task, path, cores, forwards=forwards) as console:
        try:
            console.expect("web: ports 8080 and 8443", BOOT_S)
        except KosError as error:
            results.add("start", str(error))
            return results.finish()
        results.add("start")
        client = Client(forwards)
        for one in CHECKS:
            check(results, client, one)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
