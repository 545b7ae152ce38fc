"""docs/guides/network.md: server and client are made as it says, and used on a device. The host and the port that the client asks for
are replaced by one of this machine."""

import re
import socket
import time

from kos.common import TOP
from machine import check_run
from pages import blocks, one, play_shell, write_files

PAGE = TOP / "docs/guides/network.md"
HOST = "10.0.2.2"  # this machine, in QEMU's user network
ANSWER_S = 120
STEP_S = 20


class Network:
    """The applications of the guide, in a project; and the machine for which the client asks."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(ANSWER_S)

    def make(self, report, machine, place):
        for _, text in blocks(PAGE, "sh"):
            play_shell(report, machine, text, place)
        names = write_files(PAGE.read_text(), place)
        report.check("files of two applications", len(names) == 6, str(names))
        port = str(self.listener.getsockname()[1])
        for file in (place / "apps/fetch/app.toml", place / "apps/fetch/main.c"):
            text = file.read_text()
            report.check(f"{file.name} has host and port", "api.example.org" in text and "443" in text)
            file.write_text(text.replace("api.example.org", HOST).replace("443", port))
        with open(place / "system.toml", "a") as system:
            system.write("\n" + one(PAGE, "toml", "core:netrouter"))
        check_run(report, "they are built, and the manifest is good", machine.run(["mix", "kos.manifest"], place), "system.toml: ok")

    def use(self, report, machine, place):
        """While the device runs."""
        said = re.search(r"domain echo: localhost:(\d+)", (machine.folder / "console.log").read_text(errors="replace"))
        report.check("the port of this machine is said", said is not None)
        report.check("the server answers", said is not None and answers(int(said[1]), b"hello " * 1000))
        try:
            connection, _ = self.listener.accept()
            connection.close()
            problem = None
        except OSError as error:
            problem = str(error)
        report.check("the client connects", problem is None, problem or "")
        check_run(report, "and says so", machine.run(["mix", "kos.logs", "--app", "fetch"], place), r"fetch#\d+ \| connected: OK")

    def close(self):
        self.listener.close()


def answers(port, data):
    """Asks until the device has its address."""
    deadline = time.monotonic() + ANSWER_S
    while not echoed(port, data):
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def echoed(port, data):
    try:
        with socket.create_connection(("127.0.0.1", port), STEP_S) as connection:
            connection.sendall(data)
            answer = b""
            while len(answer) < len(data):
                piece = connection.recv(65536)
                if not piece:
                    break
                answer += piece
            return answer == data
    except OSError:
        return False
