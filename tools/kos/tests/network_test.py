"""Tests of network.py: what QEMU is told, and what becomes of a peer."""

import json
import socket
import tempfile
import time
import unittest
from pathlib import Path

from kos import network


class Forwards(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.image = Path(folder.name) / "system.elf"

    def describe(self, forwards, has_network=True):
        self.image.with_suffix(".json").write_text(json.dumps({"network": has_network, "forwards": forwards}))

    def test_no_network(self):
        self.assertIsNone(network.forwards_of(self.image, network.free_port))
        self.describe([], has_network=False)
        self.assertIsNone(network.forwards_of(self.image, network.free_port))
        self.assertEqual(network.for_run(self.image), ([], []))

    def test_arguments(self):
        self.describe([{"protocol": "tcp", "port": 80, "domain": "web"},
                       {"protocol": "udp", "port": 53, "domain": "names"}])
        forwards = network.forwards_of(self.image, lambda protocol, port: port + 1000)
        words = network.user_network(forwards)
        self.assertEqual(words[:2], ["-netdev", "user,id=net,hostfwd=tcp:127.0.0.1:1080-10.0.2.15:80,"
                                                "hostfwd=udp:127.0.0.1:1053-10.0.2.15:53"])
        self.assertIn("netdev=net", " ".join(words[2:]))
        words, lines = network.for_run(self.image)
        self.assertIn("hostfwd=tcp:127.0.0.1:", words[1])
        self.assertIn("port 80 (tcp) of the device, domain web: localhost:", lines[0])

    def test_a_port_that_is_taken_is_said(self):
        one = network.Forward("tcp", 4000, "web", 4000)
        self.assertTrue(network.forward_line(one).endswith("localhost:4000"))
        one = network.Forward("tcp", 4000, "web", 41234)
        self.assertTrue(network.forward_line(one).endswith("localhost:41234, because 4000 is in use on this machine"))
        one = network.Forward("tcp", 80, "web", network.wanted_port(80))
        self.assertNotIn("in use", network.forward_line(one))

    def test_ports(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.assertNotEqual(network.free_port("tcp", wanted=port), port)
        self.assertNotEqual(network.user_port("udp", 53), 53)


class Peers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_peer(self, text, frames=False, forwards=(), port=None):
        script = self.folder / "peer.py"
        script.write_text(text)
        return network.Peer(script, self.folder, self.folder / "x.log", frames, forwards, port).problems()

    def test_ends(self):
        self.assertEqual(self.run_peer("import sys; sys.stdin.read()"), [])
        found = self.run_peer("import sys; sys.exit('no answer')")
        self.assertEqual(found, ["the peer ended with status 1: no answer"])

    def test_hangs(self):
        network.PEER_END_S, before = 0.2, network.PEER_END_S
        self.addCleanup(setattr, network, "PEER_END_S", before)
        script = self.folder / "peer.py"
        script.write_text("import time; print('here', flush=True); time.sleep(600)")
        peer = network.Peer(script, self.folder, self.folder / "x.log", False, [], None)
        while "here" not in peer.log_path.read_text():
            time.sleep(0.05)
        self.assertEqual(peer.problems(), ["the peer did not end: here"])

    def test_environment(self):
        text = """
from kos import network
assert network.peer_port() == 77
assert network.peer_forward("tcp", 80) == 8080
try:
    network.peer_forward("udp", 80)
    raise SystemExit("found a port that is not forwarded")
except network.KosError:
    pass
"""
        forward = network.Forward("tcp", 80, "web", 8080)
        self.assertEqual(self.run_peer(text, forwards=[forward], port=77), [])

    def test_frames(self):
        text = """
from kos import network
import sys
mine, machine = network.peer_frames()
sys.stdin.read()
mine.setblocking(False)
assert mine.recv(100) == b"frame"
"""
        script = self.folder / "peer.py"
        script.write_text(text)
        peer = network.Peer(script, self.folder, self.folder / "x.log", True, [], None)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as machine:
            machine.sendto(b"frame", str(self.folder / "peer"))
        self.assertEqual(peer.problems(), [])
        words = " ".join(network.frames_network(self.folder))
        self.assertIn(f"remote.path={self.folder}/peer", words)


if __name__ == "__main__":
    unittest.main()
