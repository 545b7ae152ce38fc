"""What the test outside asks those inside: the witness about the system's state, the agent to do something."""

import json

from kos import packets, wire
from kos.common import KosError

WITNESS, AGENT = 9000, 9100
PATIENCE_S = 120
OWN_PORT = 15000
REASONS = ("none malformed option spoofed neighbour destination protocol rule listen name rate no_connection table fragments "
           "too_big expired unreachable full ignored").split()


class Witness:
    """Questions by UDP, each with a number, asked again until there is an answer."""

    def __init__(self, world):
        self.world, self.number, self.answers = world, 0, {}
        world.datagrams[OWN_PORT] = self._take

    def _take(self, packet):
        number, _, text = packet.data.decode().partition(" ")
        self.answers[int(number)] = text

    def ask(self, words, patience=PATIENCE_S):
        self.number += 1
        number = self.number
        for _ in range(patience * 2):
            self.world.send(packets.udp(wire.GATEWAY, OWN_PORT, wire.DEVICE, WITNESS, f"{number} {words}".encode()))
            try:
                self.world.wait(lambda: number in self.answers, 0.5, "the witness")
                return self.answers.pop(number)
            except KosError:
                pass
        raise KosError(f"the witness does not answer within {patience} s")

    def tell(self, words):
        """Without waiting for an answer, which what is asked for may prevent."""
        self.number += 1
        self.world.send(packets.udp(wire.GATEWAY, OWN_PORT, wire.DEVICE, WITNESS, f"{self.number} {words}".encode()))

    def state(self):
        return json.loads(self.ask("state"))

    def denials(self, first):
        """(those from number `first` on that are still known, the next number)."""
        found = []
        while True:
            *lines, last = self.ask(f"denials {first}").split("\n")
            found += map(json.loads, lines)
            following = int(last.removeprefix("next "))
            if not lines:
                return found, following
            first = following

    def next_denial(self):
        return self.denials(0)[1]


class Agent:
    def __init__(self, world):
        self.world = world
        self.stream = world.connect(AGENT)

    def do(self, *words):
        """A dictionary with `got`, or `error` and `errno`; and `seconds`."""
        begin = len(self.stream.received)
        self.stream.send(json.dumps(words).encode() + b"\n")
        self.world.wait(lambda: b"\n" in self.stream.received[begin:] or self.stream.is_reset, PATIENCE_S, f"the agent: {words}")
        if self.stream.is_reset:
            raise KosError("the agent's connection was reset")
        return json.loads(self.stream.received[begin:])
