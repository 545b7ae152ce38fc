"""Does in the Linux domain what the test outside tells it to, one JSON object per line on port 9100; echoes on port 8."""

import json
import socket
import subprocess
import sys
import threading
import time

PATIENCE_S = 20


def connect(to, port, say="hello"):
    with socket.create_connection((to, port), PATIENCE_S) as stream:
        stream.sendall(say.encode())
        stream.shutdown(socket.SHUT_WR)
        got = b""
        while part := stream.recv(65536):
            got += part
    return got.decode()


def datagram(to, port, say="hello"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(PATIENCE_S)
        udp.connect((to, port))
        udp.send(say.encode())
        return udp.recv(65536).decode()


def resolve(name):
    return sorted({one[4][0] for one in socket.getaddrinfo(name, 1, type=socket.SOCK_STREAM)})


def curl(*words):
    done = subprocess.run(["/usr/bin/curl", "-sS", "--max-time", str(PATIENCE_S), *words], capture_output=True, text=True)
    return [done.returncode, done.stdout, done.stderr]


ACTIONS = {"connect": connect, "datagram": datagram, "resolve": resolve, "curl": curl}


def answer(line):
    words = json.loads(line)
    started = time.monotonic()
    try:
        result = {"got": ACTIONS[words[0]](*words[1:])}
    except OSError as error:
        result = {"error": type(error).__name__, "errno": error.errno}
    return json.dumps(result | {"seconds": time.monotonic() - started}) + "\n"


def obey(stream):
    with stream, stream.makefile("rw") as lines:
        for line in lines:
            lines.write(answer(line))
            lines.flush()


def echo(stream):
    with stream:
        while part := stream.recv(65536):
            stream.sendall(part)


def guarded(work, stream):
    try:
        work(stream)
    except OSError:
        pass  # the other end has gone; what came of it is known there


def serve(port, work):
    listener = socket.create_server(("::", port), family=socket.AF_INET6, backlog=64, dualstack_ipv6=True)
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=guarded, args=(work, stream), daemon=True).start()


def main():
    threading.Thread(target=serve, args=(8, echo), daemon=True).start()
    print("agent: begins")
    serve(9100, obey)


sys.exit(main())
