"""A bad way between the device and its peers: frames lost, late and twice; narrow places; ends that one side does not know
of, and ends of both at once. What is transferred comes whole, to a native stack and to the Linux domain's."""

import outbound
from kos import packets, wire
from kos.common import KosError
from kos.packets import ACK, FIN, RST, SYN, ip
from salvos import ECHO, LINUX_ECHO

PATIENCE_S = 240
AT_ONCE_S = 20  # less than the minute for which an end is remembered
BYTES = 60000
STRANGER6 = ip("2001:67c:1::77")
NARROWEST = {4: 576, 6: 1280}  # bytes that every way takes: RFC 791, RFC 8200
PAGE = 80


def ends(world):
    """(name, port, the peer's address, the device's)."""
    for name, port in (("native", ECHO), ("Linux", LINUX_ECHO)):
        yield f"{name}, IPv4", port, wire.GATEWAY, wire.DEVICE
        yield f"{name}, IPv6", port, STRANGER6, world.device6


def echoed(world, random, port, own, device):
    """None, or what is wrong with what came back."""
    data = random.randbytes(BYTES)
    connection = world.connect(port, own, device)
    world.wait(lambda: connection.is_open or connection.is_reset, PATIENCE_S, "a beginning")
    if world.exchange(connection, data, PATIENCE_S) != data:
        return "the connection was lost" if connection.is_reset else "other bytes came back"
    connection.finish()
    world.wait(connection.is_over, PATIENCE_S, "the end")
    return "reset" if connection.is_reset else None


def told(work):
    try:
        return work()
    except KosError as error:
        return str(error)


def trouble(results, world, agent, random):
    world.trouble = wire.Trouble(random)
    try:
        for name, *end in ends(world):
            results.add(f"frames lost, late and twice: {name}", told(lambda one=end: echoed(world, random, *one)))
        # The other direction: a Linux program begins.
        said = "".join(random.choices("abcdefgh", k=BYTES))
        answer = agent.do("connect", "203.0.113.5", 8000, said)
        right = answer.get("got") == said.upper()
        results.add("frames lost, late and twice: a Linux program", None if right else str(answer)[:200])
    finally:
        bad, world.trouble = world.trouble, None
        bad.release()
    counts = bad.counts
    results.add("the way was bad", None if min(counts.values()) > 20 else str(counts))
    print(f"frames: {counts}", flush=True)


def narrow_places(results, world, random):
    world.narrow = NARROWEST
    for name, *end in ends(world):
        results.add(f"the narrowest way: {name}", told(lambda one=end: echoed(world, random, *one)))
    world.narrow = {}


def half_open(world, port):
    """A peer that has forgotten everything begins again from the same port (RFC 9293, 3.5.1)."""
    old = world.connect(port)
    if world.exchange(old, b"before", PATIENCE_S) != b"before":
        return "no connection"
    own_port = old.key[1]
    del world.connections[old.key]
    fresh = world.connect(port, own_port=own_port)
    take = fresh.take

    def reset_what_is_not_known(packet):
        if fresh.next_in is None and packet.flags & (SYN | ACK | RST) == ACK:
            own, own_port, peer, peer_port = fresh.key
            world.send(packets.tcp(own, own_port, peer, peer_port, RST, packet.ack))
        else:
            take(packet)

    fresh.take = reset_what_is_not_known
    if world.exchange(fresh, b"after", PATIENCE_S) != b"after":
        return "no new connection"
    fresh.finish()
    world.wait(fresh.is_over, PATIENCE_S, "the end")
    return None


def same_ports(world):
    """A peer whose connections the device ends comes back from one port again and again, at once (RFC 9293, 3.6.1)."""
    own_port = first = None
    for number in range(4):
        page = world.connect(PAGE, own_port=own_port, first=first)
        world.wait(lambda one=page: one.is_open or one.is_reset, AT_ONCE_S, f"the beginning of connection {number}")
        page.send(b"HEAD / HTTP/1.0\r\n\r\n")
        world.wait(lambda one=page: one.is_ended or one.is_reset, PATIENCE_S, "the device's end")
        page.finish()
        world.wait(page.is_over, PATIENCE_S, "the end")
        if page.is_reset or not page.received.endswith(b"\r\n\r\n"):
            return f"connection {number}: {bytes(page.received)!r}, reset {page.is_reset}"
        own_port, first = page.key[1], (page.next_out + 64000) & 0xFFFFFFFF
    return None


def crossed(connection):
    """Its end is sent when the device's is there, but not yet heard: both cross on the way."""
    take = connection.take

    def end_first(packet):
        if packet.flags & FIN:
            connection.finish()
        take(packet)

    connection.take = end_first


def simultaneous(world, agent):
    page = world.connect(PAGE)
    crossed(page)
    page.send(b"HEAD / HTTP/1.0\r\n\r\n")
    world.wait(page.is_over, PATIENCE_S, "the end of a page")
    if page.is_reset or not page.received.endswith(b"\r\n\r\n"):
        return f"a page: {bytes(page.received)!r}"
    begun = []

    def take_one(connection):
        begun.append(connection)
        crossed(connection)

    kept, world.listeners[8010] = world.listeners.get(8010), take_one
    answer = agent.do("connect", "203.0.113.5", 8010, "x" * 3000)
    world.wait(lambda: begun and begun[0].is_over(), PATIENCE_S, "the end of a program's connection")
    if kept:
        world.listeners[8010] = kept
    right = answer.get("got") == "" and bytes(begun[0].received) == b"x" * 3000 and not begun[0].is_reset
    return None if right else f"{answer}, {len(begun[0].received)} bytes, reset {begun[0].is_reset}"


def run(results, world, agent, random):
    outbound.serve(world)
    trouble(results, world, agent, random)
    narrow_places(results, world, random)
    for name, port in (("native", ECHO), ("Linux", LINUX_ECHO)):
        results.add(f"half-open: {name}", told(lambda to=port: half_open(world, to)))
    results.add("the same ports again", told(lambda: same_ports(world)))
    results.add("both end at once", told(lambda: simultaneous(world, agent)))
