"""What a hostile machine on the wire can send, made up from a seed: salvos of one kind each. Between two of them a
connection that was there before must go on, and a new one begin."""

import struct
import time

from kos import packets, wire
from kos.common import KosError
from kos.packets import ACK, BROADCAST, FIN, PSH, RST, SYN, ip

PATIENCE_S = 90
ECHO, LINUX_ECHO = 7, 8008
KEPT_BY_LINUX = 1 << 20
CLOSE_BY = 4  # how many of ten packets are nearly right


class Salvos:
    def __init__(self, world, random):
        self.world, self.random = world, random
        self.echo = world.connect(ECHO)
        self.linux = world.connect(LINUX_ECHO)
        self.names = {}
        world.wait(lambda: self.echo.is_open and self.linux.is_open, PATIENCE_S, "connections to be kept")

    # --- Pieces

    def address(self):
        r = self.random
        chosen = r.choice([wire.GATEWAY, wire.DEVICE, ip("10.0.2.77"), ip("10.78.5.2"), ip("127.0.0.1"), ip("255.255.255.255"),
                           ip("0.0.0.0"), ip("224.0.0.1"), ip("10.0.2.255"), r.randbytes(4)])
        return chosen

    def address6(self):
        r = self.random
        return r.choice([wire.GATEWAY6, self.world.device6 or bytes(16), ip("2001:67c:1::77"), ip("fd6b:6f73:5::2"), ip("::1"),
                         ip("ff02::1"), ip("::"), ip("fe80::1:2"), r.randbytes(16)])

    def port(self):
        r = self.random
        return r.choice([0, ECHO, LINUX_ECHO, 80, 9000, 53, 67, 68, 123, 16384, 49152, 65535, r.getrandbits(16)])

    def segment(self, source, destination, **fields):
        """TCP, often of the connections that are kept, which it must not hurt."""
        r = self.random
        own, own_port, peer, peer_port = r.choice([self.echo, self.linux]).key
        data = r.randbytes(r.choice([0, 0, 1, 40, 1300]))
        options = r.choice([b"", b"\2\4\0\0", b"\2\4\5", b"\1\1\1\0", b"\3\3\377\0", b"\5\12" + r.randbytes(10), r.randbytes(8), b"\2\1\1\1",
                            b"\5\377\0\0"])
        options += b"\0" * (-len(options) % 4)
        if r.randrange(3) == 0 and source == own:
            # Somebody who knows the ports, but not the numbers.
            return packets.tcp(own, own_port, peer, peer_port, r.choice([RST, RST | ACK, SYN, SYN | ACK, ACK, ACK | PSH, FIN | ACK]),
                               r.getrandbits(32), r.getrandbits(32), data, options=options, **fields)
        return packets.tcp(source, self.port(), destination, self.port(), r.getrandbits(6), r.getrandbits(32), r.getrandbits(32), data,
                           options=options, offset=r.choice([None, None, None, 0, 4, 15]), window=r.getrandbits(16),
                           wrong=r.choice([0, 0, 0, 1]), urgent=r.getrandbits(16), **fields)

    # --- Salvos: each yields frames

    def noise(self):
        r = self.random
        for _ in range(300):
            kind = struct.pack("!H", r.choice([0x0800, 0x86DD, 0x0806, 0x8100, 0x88CC, r.getrandbits(16)]))
            data = r.randbytes(r.choice([0, 1, 19, 20, 28, 40, 46, 300, 1500, 1600]))
            to = r.choice([wire.DEVICE_MAC, wire.DEVICE_MAC, BROADCAST, r.randbytes(6)])
            source = r.choice([wire.MAC, wire.DEVICE_MAC, bytes(6), BROADCAST, r.randbytes(6)])
            yield (to + source + kind + data)[:r.choice([14, 20, 60, 1514, 1600])]

    def headers(self):
        r = self.random
        for _ in range(400):
            source = wire.GATEWAY if r.randrange(10) < CLOSE_BY else self.address()
            fields = {}
            if r.randrange(2):
                fields = r.choice([{"ttl": r.choice([0, 1])}, {"version": r.randrange(16)}, {"header": r.randrange(16)},
                                   {"total": r.getrandbits(16)}, {"total": r.randrange(60)}, {"fragment": r.getrandbits(16)},
                                   {"tos": r.getrandbits(8)}])
            packet = self.segment(source, wire.DEVICE, **fields)
            yield self.frame(damaged(r, packet) if r.randrange(4) == 0 else packet)

    def options(self):
        r = self.random
        kinds = [b"\x07\x07\x04" + bytes(4), b"\x83\x07\x04" + ip("10.78.5.2"), b"\x89\x07\x04" + ip("10.78.5.2"), b"\x44\x04\x05\x00",
                 b"\x94\x04\0\0", b"\x82\x0b" + bytes(9), b"\x01\x01\x01\x00", b"\x07\x00\x04", b"\x07\xff\x04", b"\xff"]
        for _ in range(200):
            chosen = b"".join(r.choice(kinds) for _ in range(r.randrange(1, 4)))[:40]
            chosen += bytes(-len(chosen) % 4)
            yield self.frame(packets.transport(wire.GATEWAY, wire.DEVICE, packets.TCP, plain_syn(r), options=chosen))

    def extensions(self):
        r = self.random
        device = self.world.device6
        for _ in range(300):
            chain, kinds = b"", [r.choice([0, 43, 44, 50, 51, 59, 60, 135, 139, 140, 253]) for _ in range(r.randrange(1, 12))]
            for number, kind in enumerate(kinds):
                following = kinds[number + 1] if number + 1 < len(kinds) else packets.TCP
                length = r.choice([0, 0, 0, 1, 2, 30, 255])
                body = r.choice([bytes(6), r.randbytes(6), b"\5\2\0\0\1\0", b"\xc2\4\0\1\0\0"]) if kind != 44 else \
                    struct.pack("!HI", r.choice([0, 1, 8, 0xFFF8, 0xFFF9]), r.getrandbits(32))
                chain += bytes([following, 0 if kind == 44 else length]) + body + bytes(8 * min(length, 30))
            source = self.address6() if r.randrange(2) else ip("2001:67c:1::77")
            packet = packets.ip6(source, device, packets.TCP, plain_syn(r)[:r.choice([0, 8, 20])], extensions=chain[:1300],
                                 first=kinds[0], length=r.choice([None, None, None, 0, 65535]), hops=r.choice([64, 255, 1, 0]))
            yield self.frame(packet)

    def fragments(self):
        """Overlapping, tiny, too long, without end, without beginning, of both versions."""
        r = self.random
        device6, stranger6 = self.world.device6, ip("2001:67c:1::77")
        for _ in range(60):
            ident = r.getrandbits(16)
            whole = packets.udp(wire.GATEWAY, 5000, wire.DEVICE, 7, r.randbytes(r.choice([40, 800, 2900])))[20:]
            step = r.choice([8, 16, 512, 1024])
            pieces = [(at, whole[at:at + r.choice([8, 16, 512, 1400])]) for at in range(0, len(whole), step)][:40]
            how = r.randrange(7)
            if how == 0:
                r.shuffle(pieces)
            elif how == 1:
                pieces = pieces[:-1]
            elif how == 2:
                pieces = pieces[1:]
            elif how == 3:
                pieces += [(max(0, at - 8), data) for at, data in pieces[:3]]
            elif how == 4:
                pieces = [(65528, bytes(1000))] + pieces
            elif how == 5:
                pieces = [(8 * number, b"") for number in range(3)] + [(0, bytes(3))]
            for at, data in pieces:
                more = at + len(data) < len(whole) or how == 1
                if r.randrange(2) or not device6:
                    yield self.frame(packets.ip4(wire.GATEWAY, wire.DEVICE, packets.UDP, data, ident=ident,
                                                 fragment=at // 8 | (0x2000 if more else 0)))
                else:
                    extension = struct.pack("!BBHI", packets.UDP, 0, at | more, ident)
                    yield self.frame(packets.ip6(stranger6, device6, 0, data, extensions=extension, first=packets.FRAGMENT))

    def errors(self):
        """ICMP errors with lies about what they quote, also about the connections that are kept."""
        r = self.random
        for _ in range(200):
            own, own_port, peer, peer_port = self.echo.key
            quoted = r.choice([packets.tcp(peer, peer_port, own, own_port, ACK, r.getrandbits(32), r.getrandbits(32)),
                               packets.udp(peer, r.getrandbits(16), own, 53, b"x"), r.randbytes(60),
                               packets.ip4(peer, own, packets.TCP, b"", header=r.randrange(16))])
            body = r.choice([bytes(4), struct.pack("!HH", 0, r.choice([0, 1, 68, 576])), r.randbytes(4)])
            body += quoted[:r.choice([8, 20, 28, 48, 500])]
            kind, code = r.choice([(3, r.randrange(16)), (11, 0), (12, 0), (5, 1), (4, 0), (13, 0), (17, 0), (10, 0), (9, 0)])
            yield self.frame(packets.icmp(r.choice([own, ip("198.51.100.1"), wire.NAMES]), wire.DEVICE, kind, code, body))

    def spoofed(self):
        r = self.random
        for _ in range(200):
            if r.randrange(2):
                yield self.frame(self.segment(self.address(), self.address()))
            else:
                yield self.frame(packets.udp(self.address6(), self.port(), self.address6(), self.port(), r.randbytes(30)))

    def flood_of_beginnings(self):
        """More connections than the router has room for, from made-up machines, that nobody goes on with."""
        r = self.random
        for _ in range(5000):
            yield self.frame(packets.tcp(b"\xc6\x33" + r.randbytes(2), r.randrange(1024, 65536), wire.DEVICE,
                                         r.choice([ECHO, LINUX_ECHO, 80]), SYN, r.getrandbits(32), options=b"\2\4\5\xb4"))

    def flood_of_datagrams(self):
        r = self.random
        for _ in range(3000):
            yield self.frame(packets.udp(b"\xc6\x33" + r.randbytes(2), r.randrange(1, 65536), wire.DEVICE, r.choice([7, 7, 9000, 5353]),
                                         r.randbytes(r.choice([0, 1, 500, 1472]))))

    def arp_lies(self):
        r = self.random
        for _ in range(300):
            liar = b"\x52\x55\x66" + r.randbytes(3)
            message = packets.arp(r.choice([1, 2, 2, 2, 3, 0]), r.choice([liar, liar, BROADCAST, bytes(6), wire.DEVICE_MAC]),
                                  r.choice([wire.GATEWAY, wire.DEVICE, wire.NAMES, ip("10.78.5.2"), ip("10.0.2.99"), r.randbytes(4)]),
                                  r.choice([wire.DEVICE_MAC, bytes(6), BROADCAST]), r.choice([wire.DEVICE, wire.GATEWAY, r.randbytes(4)]))
            yield packets.ethernet(r.choice([wire.DEVICE_MAC, BROADCAST]), liar, damaged(r, message) if r.randrange(5) == 0 else message,
                                   packets.ARP)

    def neighbour_lies(self):
        r = self.random
        device = self.world.device6
        for _ in range(300):
            liar = b"\x52\x55\x66" + r.randbytes(3)
            target = r.choice([wire.GATEWAY6, device, self.address6()])
            option = r.choice([b"\2\1" + liar, b"\1\1" + liar, b"\2\0" + liar, b"\2\377" + liar, b"", r.randbytes(40)])
            kind = r.choice([133, 134, 135, 136, 136, 137])
            if kind == 134:
                yield self.frame(self.advertisement(r, liar))
                continue
            body = bytes([r.choice([0, 0x20, 0x60, 0xE0]), 0, 0, 0]) + target + option
            # Not of ::, which would be detection of the device's own address while it has it.
            source = r.choice([wire.GATEWAY6, ip("fe80::77"), ip("2001:67c:1::99")])
            message = packets.icmp(source, r.choice([device, ip("ff02::1")]), kind, r.choice([0, 0, 0, 1]),
                                   body[:r.choice([4, 20, 200])], hops=r.choice([255, 255, 64]))
            yield packets.ethernet(wire.DEVICE_MAC, liar, message)

    def advertisement(self, r, liar):
        prefix = struct.pack("!BBBBIII16s", 3, r.choice([4, 4, 0, 5]), r.choice([64, 0, 127, 128, 200]), 0xC0,
                             r.getrandbits(32), r.getrandbits(32), 0, self.address6())
        body = struct.pack("!BBHII", 64, r.getrandbits(8), r.choice([0, 1, 65535]), 0, 0)
        mtu = struct.pack("!BBHI", 5, 1, 0, r.choice([0, 67, 1279, 1280, 9000, 0xFFFFFFFF]))
        dns = struct.pack("!BBHI16s", 25, r.choice([3, 2, 0]), 0, 600, self.address6())
        # From further away, where no advertisement comes from: nothing of it may be believed.
        return packets.icmp(ip("fe80::66"), ip("ff02::1"), 134, 0, body + b"\1\1" + liar + prefix + mtu + dns, hops=64)

    def dhcp_lies(self):
        r = self.random
        asked = struct.pack("!BBBBI", 1, 1, 6, 0, 0) + bytes(20) + wire.DEVICE_MAC + bytes(206)
        for _ in range(150):
            message = bytearray(asked[:28] + wire.DEVICE_MAC + bytes(202) + b"\x63\x82\x53\x63")
            message[0] = r.choice([2, 2, 1])
            message[4:8] = r.randbytes(4)
            message[16:20] = self.address()
            message += b"\x35\1" + bytes([r.choice([2, 5, 6, 5, 8])]) + b"\x36\4" + self.address()
            message += r.randbytes(r.choice([0, 10, 200]))
            source, to = r.choice([wire.GATEWAY, ip("10.0.2.66")]), r.choice([wire.DEVICE, b"\xff" * 4])
            yield self.frame(packets.udp(source, 67, to, 68, bytes(message)))

    def name_lies(self):
        """Answers that nobody has asked for, to every port that questions come from, as far as that can be guessed."""
        r = self.random
        for _ in range(300):
            question = wire.name_bytes(r.choice(["api.example.org", "one.example.net"])) + b"\0\1\0\1"
            answer = r.randbytes(2) + b"\x81\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c\0\1\0\1\0\0\1\0\0\4" + ip("192.0.2.66")
            source = r.choice([wire.NAMES, wire.NAMES, ip("198.51.100.53")])
            yield self.frame(packets.udp(source, 53, wire.DEVICE, r.randrange(49152, 65536),
                                         damaged(r, answer) if r.randrange(3) == 0 else answer))

    def frame(self, packet):
        return packets.ethernet(wire.DEVICE_MAC, wire.MAC, packet)

    # --- Between them

    def is_alive(self, connection, port):
        """The old connection goes on, and a new one begins, is used and ends."""
        data = self.random.randbytes(2000)
        if self.world.exchange(connection, data, PATIENCE_S) != data:
            return "the connection was lost" if connection.is_reset else "other bytes came back"
        fresh = self.world.connect(port)
        # In a flood a beginning may go unanswered, and is repeated.
        self.world.wait(lambda: fresh.is_open or fresh.is_reset, PATIENCE_S, "a new connection")
        if self.world.exchange(fresh, data[:500], PATIENCE_S) != data[:500]:
            return "no new connection"
        fresh.finish()
        self.world.wait(fresh.is_over, PATIENCE_S, "the end of a new connection")
        return None

    def fire(self, salvo):
        for frame in salvo():
            self.world.send_frame(frame)
            self.world.pump()


KINDS = ("noise", "headers", "options", "extensions", "fragments", "errors", "spoofed", "arp_lies", "neighbour_lies", "dhcp_lies",
         "name_lies", "flood_of_beginnings", "flood_of_datagrams")


def plain_syn(random):
    return struct.pack("!HHIIBBHHH", random.randrange(1, 65536), 7, 1, 0, 0x50, SYN, 65535, 0, 0)


def damaged(random, data):
    """A few bytes changed, or an end that is missing."""
    data = bytearray(data)
    for _ in range(random.randrange(1, 5)):
        data[random.randrange(len(data))] = random.getrandbits(8)
    return bytes(data[:random.randrange(len(data))] if random.randrange(3) == 0 else data)


def metrics(world):
    """What the stack of a native domain says of itself."""
    page = world.connect(80)
    page.send(b"GET /metrics HTTP/1.1\r\n\r\n")
    world.wait(lambda: page.is_ended or page.is_reset, PATIENCE_S, "the status page")
    page.finish()
    world.wait(page.is_over, PATIENCE_S, "the status page's end")
    lines = bytes(page.received).decode().partition("\r\n\r\n")[2].split("\n")
    return {name: int(value) for name, _, value in (line.partition(" ") for line in lines if line)}


def changed_accounts(before, after):
    """None if root's books say the same: free memory, domains' memory, slots, loans. What the Linux program's allocator and its
    threads have touched stays the domain's (of the quota that it has anyway), so that may grow a little, once."""
    old, new = before["accounts"], after["accounts"]
    same = old[0] == new[0] and old[2:] == new[2:] and 0 <= new[1] - old[1] <= KEPT_BY_LINUX
    return None if same else f"{old} before, {new} after"


def run(results, world, witness, random, rounds):
    salvos = Salvos(world, random)
    for _ in range(4):
        problem = salvos.is_alive(salvos.echo, ECHO) or salvos.is_alive(salvos.linux, LINUX_ECHO)
    results.add("alive before", problem)
    before, faults = witness.state(), len(world.faults)
    begin = time.monotonic()
    for _ in range(rounds):
        for kind in KINDS:
            problem = None
            try:
                salvos.fire(getattr(salvos, kind))
                problem = salvos.is_alive(salvos.echo, ECHO) or salvos.is_alive(salvos.linux, LINUX_ECHO)
            except KosError as error:
                problem = str(error)
            results.add(f"alive after {kind}", problem)
            if problem:
                return
    print(f"{rounds} rounds in {time.monotonic() - begin:.0f} s", flush=True)
    after = witness.state()
    results.add("every instance is still the same", None if after["instances"] == before["instances"] else str(after["instances"]))
    results.add("addresses and gateways are still the same",
                None if all(after[key] == before[key] for key in ("address4", "address6", "gateway4", "gateway6")) else str(after))
    results.add("root's accounts are as before", changed_accounts(before, after))
    results.add("the device sent nothing wrong", str(world.faults[faults:][:3]) if len(world.faults) > faults else None)
