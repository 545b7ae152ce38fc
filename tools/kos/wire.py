"""The network around a device whose frames a test gets: a gateway with DHCP, router advertisements and names, and every
other machine of the world, all behind one hardware address.

    with wire.open_wire(folder) as (arguments, world): ...    # arguments: QEMU's
    connection = world.connect(port); connection.send(b"x"); world.wait(lambda: connection.received, 10, "an answer")

One thread; nothing happens but in `pump` and what calls it. Each frame of the device is checked (packets.fault), and what
is wrong is kept in `faults`."""

import errno
import functools
import os
import select
import socket
import struct
import time
from collections import deque
from contextlib import contextmanager

from kos import network, packets
from kos.common import KosError
from kos.packets import ACK, FIN, PSH, RST, SYN, ip

MAC = bytes.fromhex("525500000002")
DEVICE_MAC = bytes.fromhex("5254004b4f53")
GATEWAY, DEVICE, NAMES = ip("10.0.2.2"), ip("10.0.2.15"), ip("10.0.2.3")
GATEWAY6, PREFIX6 = ip("fe80::2"), ip("2001:67c:1::")
SEGMENT = 1400
WINDOW = 16384  # bytes of a connection that may be under way
REPEAT_S = 1.0
TRIES = 20
MOST_UNCLAIMED = 4096
MOST_NAME = 65535


class Connection:
    """TCP of one end, as simple as it can be: segments in order, repeated until they are acknowledged."""

    def __init__(self, world, own, own_port, peer, peer_port):
        self.world, self.key = world, (own, own_port, peer, peer_port)
        self.next_out = int.from_bytes(os.urandom(4), "big") if world.random is None else world.random.getrandbits(32)
        self.next_in = None
        self.under_way = deque()  # (sequence number behind it, flags, data)
        self.sent_at = 0.0
        self.tries = 0
        self.received = bytearray()
        self.is_open = self.is_ended = self.is_reset = self.is_finished = False
        self.ready = None  # called with the connection when something has come

    def begin(self, flags=SYN):
        self._send(flags, options=b"\2\4\5\xb4")

    def send(self, data):
        for at in range(0, len(data), SEGMENT):
            self.world.wait(lambda: self.is_reset or self._size_under_way() < WINDOW, 60, "an acknowledgement")
            if self.is_reset:
                return
            self._send(ACK | PSH, data[at:at + SEGMENT])

    def finish(self):
        if not self.is_finished and not self.is_reset:
            self.is_finished = True
            self._send(FIN | ACK)

    def reset(self):
        self._segment(RST | ACK, self.next_out)
        self.is_reset = True

    def is_over(self):
        return self.is_reset or (self.is_ended and self.is_finished and not self.under_way)

    def _size_under_way(self):
        return sum(len(data) for _, _, data in self.under_way)

    def _send(self, flags, data=b"", options=b""):
        begin = self.next_out
        self.next_out = (begin + len(data) + (1 if flags & (SYN | FIN) else 0)) & 0xFFFFFFFF
        if not self.under_way:
            self.sent_at, self.tries = time.monotonic(), 0
        self.under_way.append((self.next_out, flags, data))
        self._segment(flags, begin, data, options)

    def _segment(self, flags, seq, data=b"", options=b""):
        own, own_port, peer, peer_port = self.key
        self.world.send(packets.tcp(own, own_port, peer, peer_port, flags, seq, self.next_in or 0, data, options=options))

    def repeat(self, now):
        if not self.under_way or self.is_reset or now - self.sent_at < REPEAT_S:
            return
        self.sent_at, self.tries = now, self.tries + 1
        if self.tries > TRIES:
            self.is_reset = True
            return
        for end, flags, data in self.under_way:
            begin = (end - len(data) - (1 if flags & (SYN | FIN) else 0)) & 0xFFFFFFFF
            self._segment(flags, begin, data, b"\2\4\5\xb4" if flags & SYN else b"")

    def take(self, packet):
        flags = packet.flags
        if flags & RST:
            if self.next_in is None or packet.seq == self.next_in:
                self.is_reset = True
            return
        if flags & SYN:
            if self.next_in is None:
                self.next_in = (packet.seq + 1) & 0xFFFFFFFF
                self.is_open = bool(flags & ACK)
            self._acknowledged(packet)
            if flags & ACK:
                self._segment(ACK, self.next_out)
            return
        if self.next_in is None:
            return
        self._acknowledged(packet)
        self.is_open = True
        if not packet.data and not flags & FIN:
            return
        if packet.seq == self.next_in:
            self.received += packet.data
            self.next_in = (self.next_in + len(packet.data)) & 0xFFFFFFFF
            if flags & FIN:
                self.next_in = (self.next_in + 1) & 0xFFFFFFFF
                self.is_ended = True
        self._segment(ACK, self.next_out)

    def _acknowledged(self, packet):
        if not packet.flags & ACK:
            return
        while self.under_way and (packet.ack - self.under_way[0][0]) & 0xFFFFFFFF < 1 << 31:
            self.under_way.popleft()
            self.sent_at, self.tries = time.monotonic(), 0


class Trouble:
    """What a bad way does to frames: loses them, has them twice, holds them back while others pass."""

    LATEST_S = 0.1

    def __init__(self, random, lost=0.05, late=0.1, twice=0.05):
        self.random, self.lost, self.late, self.twice = random, lost, late, twice
        self.held = []  # (when, what to do)
        self.counts = {"lost": 0, "late": 0, "twice": 0}

    def meet(self, deliver):
        """One frame, which `deliver` hands over."""
        for _ in range(1 + self._happens("twice", self.twice)):
            if self._happens("lost", self.lost):
                continue
            if self._happens("late", self.late):
                self.held.append((time.monotonic() + self.random.random() * self.LATEST_S, deliver))
            else:
                deliver()

    def _happens(self, what, chance):
        happens = self.random.random() < chance
        self.counts[what] += happens
        return happens

    def release(self, now=float("inf")):
        due, self.held = [one for one in self.held if one[0] <= now], [one for one in self.held if one[0] > now]
        for _, deliver in due:
            deliver()


class World:
    def __init__(self, descriptor, machine, random=None, capture=None):
        self.socket, self.machine, self.random, self.capture = descriptor, machine, random, capture
        self.socket.setblocking(False)
        self.waiting = deque()  # frames that came while one was sent
        self.faults = []
        self.frames_in = self.frames_out = 0
        self.connections = {}
        self.listeners = {}  # port -> what a new connection is given to
        self.names = {}  # name -> function(type) -> [(type, data, ttl)]
        self.questions = []  # names that the device has asked for, with its source port and number
        self.datagrams = {}  # port -> function(packet) -> data of the answer, or None
        self.unclaimed = deque(maxlen=MOST_UNCLAIMED)
        self.advertises = True
        self.next_port = 20000
        self.device6 = None
        self.leases = 0
        self.trouble = None
        self.narrow = {}  # version -> the largest packet that gets any further
        self.narrowed = 0
        self.pieces = {}  # of packets of IPv6

    # --- Frames

    def send_frame(self, frame):
        if self.trouble:
            self.trouble.meet(lambda: self._send_frame(frame))
        else:
            self._send_frame(frame)

    def _send_frame(self, frame):
        self.frames_out += 1
        self._capture(frame)
        while True:
            try:
                self.socket.sendto(frame, self.machine)
                return
            except (FileNotFoundError, ConnectionRefusedError):
                return  # the machine has ended, or not begun
            except BlockingIOError:
                pass
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
            # The machine may wait for us to take what it sends.
            self._receive()
            select.select([], [self.socket], [], 0.01)

    def send(self, packet, to=DEVICE_MAC, source=MAC):
        self.send_frame(packets.ethernet(to, source, packet))

    def _receive(self):
        for _ in range(256):
            try:
                frame = self.socket.recv(65536)
            except BlockingIOError:
                return
            self.frames_in += 1
            self._capture(frame)
            if self.trouble:
                self.trouble.meet(functools.partial(self.waiting.append, frame))
            else:
                self.waiting.append(frame)

    def _capture(self, frame):
        if self.capture:
            now = time.time()
            self.capture.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)) + frame)

    def pump(self, patience=0.0):
        """Handles what has come; waits so long for something if there is nothing."""
        if not self.waiting:
            select.select([self.socket], [], [], patience)
        self._receive()
        if self.trouble:
            self.trouble.release(time.monotonic())
        while self.waiting:
            self._handle(self.waiting.popleft())
        now = time.monotonic()
        for key, connection in list(self.connections.items()):
            connection.repeat(now)
            if connection.is_over():
                del self.connections[key]

    def wait(self, condition, patience, what):
        end = time.monotonic() + patience
        while not condition():
            if time.monotonic() > end:
                raise KosError(f"{what}: not within {patience} s")
            self.pump(0.05)

    def linger(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.pump(0.02)

    # --- What the device says

    def _handle(self, frame):
        fault = packets.fault(frame)
        if fault or frame[6:12] != DEVICE_MAC:
            self.faults.append(f"{fault or 'another hardware address'}: {frame[:80].hex()}")
            return
        packet = packets.read(frame)
        if packet.kind == packets.FRAGMENT:
            packet = self._gather(packet)
            if packet is None:
                return
        if self._is_too_large(packet, len(packet.whole)):
            return
        if packet.kind == packets.ARP:
            self._handle_arp(packet.data)
        elif not (self._handle_own(packet) or self._handle_tcp(packet)):
            self.unclaimed.append(packet)

    def _gather(self, packet):
        """The packet of IPv6 that this is the last missing piece of, or None."""
        if self._is_too_large(packet, len(packet.whole)):
            return None
        body = packet.data
        key = packet.source, packet.destination, body[4:8]
        offset = int.from_bytes(body[2:4], "big")
        found = self.pieces.setdefault(key, {})
        found[offset & 0xFFF8] = body[8:], offset & 1
        whole, more = b"", 1
        while more and len(whole) in found:
            part, more = found[len(whole)]
            whole += part
        if more:
            return None
        del self.pieces[key]
        frame = packets.ethernet(MAC, DEVICE_MAC, packets.ip6(packet.source, packet.destination, body[0], whole))
        if len(frame) <= packets.MOST_FRAME and packets.fault(frame):
            self.faults.append(f"in pieces: {packets.fault(frame)}")
            return None
        made = packets.read(frame)
        made.whole = packet.whole  # what was on the wire
        return made

    def _is_too_large(self, packet, size):
        """Whether a narrow way further on takes it; who sent it is told (RFC 1191, 4; RFC 4443, 3.2). IPv4 without "don't
        fragment" would be divided there."""
        version = 6 if packet.whole[:1] and packet.whole[0] >> 4 == 6 else 4
        most = self.narrow.get(version)
        if not most or size <= most or packet.kind == packets.ARP or (version == 4 and not packet.whole[6] & 0x40):
            return False
        self.narrowed += 1
        if version == 6:
            body = struct.pack("!I", most) + packet.whole[:1232]
            self.send(packets.icmp(packet.destination, packet.source, 2, 0, body))
        else:
            body = struct.pack("!HH", 0, most) + packet.whole[:28]
            self.send(packets.icmp(packet.destination, packet.source, 3, 4, body))
        return True

    def _handle_arp(self, at):
        sender, target = at[14:18], at[24:28]
        if at[7] == 1 and target not in (sender, DEVICE):
            reply = packets.arp(2, MAC, target, at[8:14], sender)
            self.send_frame(packets.ethernet(at[8:14], MAC, reply, packets.ARP))

    def _handle_own(self, packet):
        """True: something that the network itself answers."""
        if packet.kind == packets.UDP and packet.destination_port == 67:
            self._handle_dhcp(packet.data)
            return True
        if packet.kind == packets.ICMP6 and 130 <= packet.data[0] <= 143:
            self._handle_neighbour(packet)
            return True
        if packet.kind == packets.ICMP4 and packet.data[0] == 8:
            self.send(packets.icmp(packet.destination, packet.source, 0, 0, packet.data[4:]))
            return True
        if packet.kind == packets.UDP and packet.destination == NAMES and packet.destination_port == 53:
            self._handle_name(packet)
            return True
        if packet.kind == packets.UDP and packet.destination_port in self.datagrams:
            answer = self.datagrams[packet.destination_port](packet)
            if answer is not None:
                self.send(packets.udp(packet.destination, packet.destination_port, packet.source, packet.source_port, answer))
            return True
        return False

    def _handle_dhcp(self, asked):
        kind = dhcp_option(asked, 53)
        if kind not in (b"\1", b"\3"):
            return
        self.leases += kind == b"\3"
        self.send_dhcp(asked, b"\5" if kind == b"\3" else b"\2")

    def send_dhcp(self, asked, kind, address=DEVICE, server=GATEWAY, options=b""):
        """`asked`: the message that it answers."""
        message = struct.pack("!BBBB4sHHI4s4s4s16s192x4s", 2, 1, 6, 0, asked[4:8], 0, 0, 0, address, server, bytes(4),
                              asked[28:44], b"\x63\x82\x53\x63")
        message += b"\x35\1" + kind + b"\x36\4" + server + b"\x33\4" + struct.pack("!I", 3600)
        message += b"\1\4\xff\xff\xff\0\3\4" + GATEWAY + b"\6\4" + NAMES + options + b"\xff"
        self.send(packets.udp(server, 67, b"\xff" * 4, 68, message), to=packets.BROADCAST)

    def _handle_neighbour(self, packet):
        kind = packet.data[0]
        if kind == 133 and self.advertises:
            self.send_advertisement()
        # Detection of a second machine with an address is answered by nobody.
        if kind == 135 and packet.source != bytes(16):
            target = packet.data[8:24]
            body = b"\x60\0\0\0" + target + b"\2\1" + MAC
            self.send(packets.icmp(target, packet.source, 136, 0, body, hops=255))
        if kind == 135 and packet.source == bytes(16) and packet.data[8:16] == PREFIX6[:8]:
            self.device6 = packet.data[8:24]

    def send_advertisement(self, source=GATEWAY6, prefix=PREFIX6, lifetime=1800, options=b"", hops=255, mac=MAC):
        body = struct.pack("!BBHII", 64, 0, lifetime, 0, 0) + b"\1\1" + mac
        body += struct.pack("!BBBBIII16s", 3, 4, 64, 0xC0, 86400, 14400, 0, prefix) + options
        self.send(packets.icmp(source, ip("ff02::1"), 134, 0, body, hops=hops), to=bytes.fromhex("333300000001"))

    def _handle_name(self, packet):
        answer = self.answer_name(packet.data, packet.source_port)
        self.send(packets.udp(NAMES, 53, packet.source, packet.source_port, answer))

    def serve_names(self, connection):
        """The same by TCP (RFC 1035, 4.2.2), where everything fits."""
        def ready(one):
            if len(one.received) >= 2 and len(one.received) >= 2 + int.from_bytes(one.received[:2], "big"):
                answer = self.answer_name(bytes(one.received[2:]), one.key[3], MOST_NAME)
                one.received.clear()
                one.send(len(answer).to_bytes(2, "big") + answer)
            if one.is_ended:
                one.finish()
        connection.ready = ready

    def answer_name(self, query, source_port, room=None):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]])
            at += 1 + query[at]
        name, kind = b".".join(labels).decode().lower(), int.from_bytes(query[at + 1:at + 3], "big")
        self.questions.append((name, kind, source_port, query[:2]))
        records = self.names.get(name)
        found = records(kind) if records else []
        code = 0 if records else 3
        # RFC 6891: behind the question, what the asker takes; RFC 1035, 4.2.1 without.
        if room is None:
            room = int.from_bytes(query[at + 8:at + 10], "big") if len(query) > at + 15 else 512
        body, count = b"", 0
        for owner, one, data, ttl in found:
            record = (name_bytes(owner) if owner else b"\xc0\x0c") + struct.pack("!HHIH", one, 1, ttl, len(data)) + data
            if at + 5 + len(body) + len(record) > room:
                code |= 0x200  # cut off
                break
            body, count = body + record, count + 1
        return query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, count, 0, 0) + query[12:at + 5] + body

    # --- TCP

    def _handle_tcp(self, packet):
        if packet.kind != packets.TCP:
            return False
        key = (packet.destination, packet.destination_port, packet.source, packet.source_port)
        connection = self.connections.get(key)
        if connection is None and packet.flags & (SYN | ACK) == SYN and packet.destination_port in self.listeners:
            connection = self.connections[key] = Connection(self, *key)
            connection.take(packet)
            connection.begin(SYN | ACK)
            self.listeners[packet.destination_port](connection)
            return True
        if connection is None:
            return False
        connection.take(packet)
        if connection.ready:
            connection.ready(connection)
        return True

    def connect(self, port, own=GATEWAY, device=DEVICE, own_port=None, first=None):
        """`first`: its first sequence number; None: any."""
        if own_port is None:
            self.next_port = self.next_port + 1 if self.next_port < 60000 else 20000
            own_port = self.next_port
        connection = Connection(self, own, own_port, device, port)
        if first is not None:
            connection.next_out = first
        self.connections[connection.key] = connection
        connection.begin()
        return connection

    def exchange(self, connection, data, patience, count=None):
        """Sends, and takes as much as was sent."""
        begin = len(connection.received)
        count = len(data) if count is None else count
        connection.send(data)
        self.wait(lambda: len(connection.received) >= begin + count or connection.is_reset, patience, "an echo")
        return bytes(connection.received[begin:])


def dhcp_option(message, wanted):
    at = 240
    while at + 1 < len(message) and message[at] != 255:
        if message[at] == 0:
            at += 1
            continue
        if message[at] == wanted:
            return message[at + 2:at + 2 + message[at + 1]]
        at += 2 + message[at + 1]
    return None


def name_bytes(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


@contextmanager
def open_wire(folder, random=None, capture=None):
    """(QEMU's arguments, the World) for a machine whose network device ends here. `capture`: a file for all frames, in the
    format of libpcap."""
    descriptor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    file = None
    try:
        descriptor.bind(str(folder / "peer"))
        if capture:
            file = open(capture, "wb")
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        yield network.frames_network(folder), World(descriptor, str(folder / "machine"), random, file)
    finally:
        descriptor.close()
        if file:
            file.close()
