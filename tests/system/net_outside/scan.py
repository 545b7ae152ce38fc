"""A port scan of the device from its own network: what answers must be what the manifest forwards, and echo."""

from kos import packets, wire
from kos.common import KosError
from kos.packets import ACK, FIN, PSH, RST, SYN, URG

# By IPv4 and by IPv6: two of the ports are forwarded for machines of IPv4 only.
TCP_OPEN, UDP_OPEN = {4: {7, 80, 8008, 9100}, 16: {7, 80, 8008}}, {4: {7, 9000}, 16: {7}}
ALL = range(65536)
SOME = sorted({*range(2048), *range(5000, 5400), *range(8000, 8100), *range(9000, 9200), *range(0, 65536, 29)})
BATCH = 96  # probes between two marks, fewer than the driver has buffers
SCANNER_PORT = 41000
PATIENCE_S = 60
# As nmap's scans of these kinds: nothing, FIN, FIN with PSH and URG, ACK, SYN with ACK, FIN with ACK, RST, SYN with FIN, all.
ODD_FLAGS = (0, FIN, FIN | PSH | URG, ACK, SYN | ACK, FIN | ACK, RST, SYN | FIN, SYN | RST, 63)


class Scanner:
    def __init__(self, world, own, device):
        self.world, self.own, self.device = world, own, device
        self.marks = 0

    def probe(self, made):
        """Sends these packets; answers are in world.unclaimed. A mark behind each batch, which must be answered, shows that
        everything before it has been looked at."""
        world = self.world
        world.unclaimed.clear()
        found = []
        for number, packet in enumerate(made):
            world.send(packet)
            if number % BATCH == BATCH - 1:
                found += self.mark()
        return found + self.mark()

    def mark(self):
        """SYN to an open port until it is answered, then a reset; returns what else has come."""
        world = self.world
        self.marks += 1
        # A sequence number of its own, so that a late answer to the mark before is not taken for this one's.
        port, seq = 50000 + self.marks % 10000, self.marks * 1000
        is_mine = lambda one: one.kind == packets.TCP and one.destination_port == port
        answered = lambda: any(is_mine(one) and one.ack == seq + 1 for one in world.unclaimed)
        for _ in range(PATIENCE_S):
            world.send(packets.tcp(self.own, port, self.device, 7, SYN, seq))
            try:
                world.wait(answered, 1, "a mark")
                break
            except KosError:
                continue
        else:
            raise KosError("the device does not answer any more")
        world.send(packets.tcp(self.own, port, self.device, 7, RST, seq + 1))
        others = [one for one in world.unclaimed if not is_mine(one)]
        world.unclaimed.clear()
        return others


def tcp_ports(scanner, ports):
    found = scanner.probe(packets.tcp(scanner.own, SCANNER_PORT, scanner.device, port, SYN, port) for port in ports)
    open_ports = {one.source_port for one in found if one.kind == packets.TCP and one.flags == SYN | ACK}
    for port in open_ports:
        scanner.world.send(packets.tcp(scanner.own, SCANNER_PORT, scanner.device, port, RST, port + 1))
    others = [one for one in found if one.kind != packets.TCP or one.source_port not in TCP_OPEN[len(scanner.own)]]
    return open_ports, others


def udp_ports(scanner, ports):
    found = scanner.probe(packets.udp(scanner.own, SCANNER_PORT, scanner.device, port, b"0 what?") for port in ports)
    return {one.source_port for one in found if one.kind == packets.UDP}, [one for one in found if one.kind != packets.UDP]


def odd_segments(scanner):
    """To open ports and closed ones; nothing of it begins a connection."""
    ports = (*sorted(TCP_OPEN[4]), 22, 443, 16384, 65535)
    made = [packets.tcp(scanner.own, SCANNER_PORT + 1, scanner.device, port, flags, 1, 1) for port in ports for flags in ODD_FLAGS]
    return scanner.probe(made)


def protocols(scanner):
    skip = (packets.ICMP4, packets.ICMP6, packets.TCP, packets.UDP)
    made = (packets.ip_packet(scanner.own, scanner.device, number, bytes(40)) for number in range(256) if number not in skip)
    return scanner.probe(made)


def messages(scanner):
    """Of ICMP, without the echo that is answered, and the neighbour messages of IPv6, which salvos.py has."""
    kinds = [kind for kind in range(256) if kind not in ((8,) if len(scanner.own) == 4 else (128, *range(133, 138)))]
    body = b"\0\0\0\0" + bytes(60)
    return scanner.probe(packets.icmp(scanner.own, scanner.device, kind, 0, body) for kind in kinds)


def told(found):
    return [f"protocol {one.kind} port {one.source_port} flags {one.flags:02x}" for one in found][:5]


def scan(results, world, own, device, name, tcp, udp):
    scanner = Scanner(world, own, device)
    open_ports, others = tcp_ports(scanner, tcp)
    right = open_ports == TCP_OPEN[len(own)] and not others
    results.add(f"{name}: TCP ports that answer", None if right else f"{open_ports} {told(others)}")
    answered, others = udp_ports(scanner, udp)
    right = answered == UDP_OPEN[len(own)] and not others
    results.add(f"{name}: UDP ports that answer", None if right else f"{answered} {told(others)}")
    for what, probe in (("segments that begin nothing", odd_segments), ("other protocols", protocols),
                        ("messages of ICMP", messages)):
        found = probe(scanner)
        results.add(f"{name}: silence about {what}", f"{told(found)}" if found else None)


def run(results, world, witness, is_whole):
    before = witness.state()
    sent = world.frames_out
    scan(results, world, wire.GATEWAY, wire.DEVICE, "IPv4", ALL, ALL if is_whole else SOME)
    if world.device6:
        scan(results, world, packets.ip("2001:67c:1::77"), world.device6, "IPv6", *(ALL if is_whole else SOME,) * 2)
    else:
        results.add("IPv6: an address", "the device has not asked for one")
    sent = world.frames_out - sent
    after = witness.state()
    seen = after["packets_in"] - before["packets_in"]
    results.add("every probe has reached the router", None if seen >= sent - 8 else f"{seen} of {sent}")
    results.add("and is recorded", None if after["denials"] - before["denials"] > seen * 9 // 10 else str(after["denials"]))
