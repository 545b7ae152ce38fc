"""The network around a system in QEMU: forwarded ports for a user, and a program on the host that a test talks to.

Either QEMU's user network (the device has 10.0.2.15 by DHCP, the host is 10.0.2.2, and each port that the manifest
forwards is one of 127.0.0.1), or a socket through which a test's peer gets every frame."""

import json
import os
import socket
import sys
from dataclasses import dataclass

from kos import processes
from kos.board import board
from kos.common import TOP, KosError

DEVICE_ADDRESS = "10.0.2.15"  # what QEMU's DHCP server gives first
LOWEST_OF_USERS = 1024
ABOVE = 8000  # ./kos run: port 80 of the device is 8080 of the host
PEER_END_S = 10


@dataclass(frozen=True)
class Forward:
    protocol: str
    port: int  # of the device's address
    domain: str
    host_port: int


def forwards_of(image, choose):
    """What the manifest of a compiled system forwards; None if it has no network. `choose(protocol, port)` -> port of
    the host."""
    description = image.with_suffix(".json")
    if not description.is_file():
        return None
    values = json.loads(description.read_text())
    if not values["network"]:
        return None
    return [Forward(one["protocol"], one["port"], one["domain"], choose(one["protocol"], one["port"]))
            for one in values["forwards"]]


def free_port(protocol, _port=0, wanted=0):
    """A port of 127.0.0.1 that nobody has; `wanted` if that is free."""
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            # As QEMU does it: a port whose last connection is just being forgotten is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            if not wanted:
                raise
            return free_port(protocol)
        return probe.getsockname()[1]


def user_port(protocol, port):
    """The port that a user finds easily."""
    return free_port(protocol, wanted=wanted_port(port))


def wanted_port(port):
    return port if port >= LOWEST_OF_USERS else port + ABOVE


def user_network(forwards):
    """QEMU's arguments for its user network."""
    words = "user,id=net"
    for one in forwards:
        words += f",hostfwd={one.protocol}:127.0.0.1:{one.host_port}-{DEVICE_ADDRESS}:{one.port}"
    return ["-netdev", words, *board().network]


def frames_network(folder):
    """QEMU's arguments for a network that is a Unix socket: each datagram is one Ethernet frame."""
    machine, peer = folder / "machine", folder / "peer"
    return ["-netdev", f"dgram,id=net,local.type=unix,local.path={machine},remote.type=unix,remote.path={peer}",
            *board().network]


class Peer:
    """A test's program on the host. It runs beside the machine; its input ends with the run. Then it has a few seconds
    to end by itself, with status 0 if everything was as it should be, and a line for the reader if not."""

    def __init__(self, script, folder, log, frames, forwards, port):
        environment = dict(os.environ, PYTHONPATH=str(TOP / "tools"),
                           KOS_PEER_FORWARDS=json.dumps({f"{one.protocol}:{one.port}": one.host_port
                                                         for one in forwards}))
        if port:
            environment["KOS_PEER_PORT"] = str(port)
        passed = ()
        if frames:
            # Bound before the machine sends its first frame.
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.socket.bind(str(folder / "peer"))
            environment |= {"KOS_PEER_FRAMES": str(self.socket.fileno()), "KOS_PEER_MACHINE": str(folder / "machine")}
            passed = (self.socket.fileno(),)
        self.log_path = log.with_suffix(".peer.log")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, "wb") as output:
            self.process = processes.start([sys.executable, script], env=environment, pass_fds=passed,
                                           stdin=processes.PIPE, stdout=output, stderr=output)
        if frames:
            self.socket.close()  # the peer has it

    def problems(self):
        """Ends it; why it is not content, if it is not."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            status = self.process.wait(PEER_END_S)
        except processes.TimeoutExpired:
            status = None
        processes.stop(self.process)
        if status == 0:
            return []
        lines = self.log_path.read_text(errors="replace").strip().splitlines()
        said = f": {lines[-1]}" if lines else ""
        return [f"the peer did not end{said}" if status is None else f"the peer ended with status {status}{said}"]


def for_run(image):
    """QEMU's arguments for ./kos run, and a line for each forwarded port."""
    forwards = forwards_of(image, user_port)
    if forwards is None:
        return [], []
    return user_network(forwards), [forward_line(one) for one in forwards]


def forward_line(one):
    wanted = wanted_port(one.port)
    why = "" if one.host_port == wanted else f", because {wanted} is in use on this machine"
    return f"port {one.port} ({one.protocol}) of the device, domain {one.domain}: localhost:{one.host_port}{why}"


def peer_frames():
    """For peers: the socket of the frames, connected to the machine's as soon as that is there."""
    descriptor = int(os.environ["KOS_PEER_FRAMES"])
    return socket.socket(fileno=descriptor), os.environ["KOS_PEER_MACHINE"]


def peer_forward(protocol, port):
    """For peers: the port of 127.0.0.1 that leads to this one of the device."""
    forwards = json.loads(os.environ["KOS_PEER_FORWARDS"])
    try:
        return forwards[f"{protocol}:{port}"]
    except KeyError:
        raise KosError(f"the manifest does not forward {protocol} port {port}; it forwards {forwards}") from None


def peer_port():
    """For peers: the port that stands for {peer_port} in the test's parameters, reached by the system at 10.0.2.2."""
    return int(os.environ["KOS_PEER_PORT"])
