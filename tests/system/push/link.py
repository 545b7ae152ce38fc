"""The developer's end of the development link (services/devlink/session.h), for tests."""

import base64
import os
import socket
import time

import ed25519

CONTEXT = b"KOS devlink 1\0"


class Link:
    def __init__(self, path, seed, timeout_s=120):
        self.seed, self.deadline = seed, time.monotonic() + timeout_s
        self.buffer = b""
        while True:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(str(path))
                break
            except OSError:
                self.socket.close()
                if time.monotonic() > self.deadline:
                    raise
                time.sleep(0.2)
        self.socket.settimeout(timeout_s)
        self.hello()

    def close(self):
        self.socket.close()

    def hello(self):
        """A device that has just started has no random numbers yet, or nobody listens: asks again."""
        while time.monotonic() < self.deadline:
            tag = os.urandom(8).hex()
            self.socket.sendall(f"\nhello {tag}\n".encode())
            self.socket.settimeout(10)
            try:
                while True:
                    words = self.line().split()
                    if words[:1] == ["nonce"] and words[2:] == [tag]:
                        self.nonce = bytes.fromhex(words[1])
                        self.socket.settimeout(120)
                        return
                    if words[:2] == ["error", "UNAVAILABLE"]:
                        break
            except TimeoutError:
                pass
            time.sleep(0.2)
        raise TimeoutError("the device does not answer")

    def line(self):
        while b"\n" not in self.buffer:
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("the device has gone")
            self.buffer += part
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def command(self, text):
        """Lines of the answer; the last one begins with ok or error."""
        signature = ed25519.sign(self.seed, CONTEXT + self.nonce + text.encode()).hex()
        self.socket.sendall(f"{signature} {text}\n".encode())
        lines = []
        while not lines or not lines[-1].startswith(("ok", "error ")):
            lines.append(self.line())
        self.nonce = bytes.fromhex(self.line().split()[1])
        return lines

    def data(self, piece):
        self.socket.sendall(b"data " + base64.b64encode(piece) + b"\n")
        return self.line()

    def domains(self):
        """{name: (state, reason, instance, restarts, pushed)}"""
        return {words[1]: tuple(map(int, words[2:])) for words in map(str.split, self.command("list")) if words[0] == "domain"}

    def log(self, sequence=0):
        """All lines from there on: (next, [text])."""
        texts = []
        while True:
            *lines, last = self.command(f"logs {sequence}")
            texts += [line.split(" ", 6) for line in lines]
            following = int(last.split()[1])
            if not lines:
                return following, texts
            sequence = following
