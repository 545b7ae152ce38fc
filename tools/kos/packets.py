"""Packets made and read by hand, for tests that are the other end of a device's wire.

Addresses are bytes as on the wire, 4 or 16 of them. Makers fill in what a right packet has; each part can be given
another value, for packets that nobody should send. `fault` is strict: it says what a receiver could object to."""

import ipaddress
import struct
from dataclasses import dataclass

ARP, IP4, IP6 = 0x0806, 0x0800, 0x86DD
ICMP4, TCP, UDP, FRAGMENT, ICMP6 = 1, 6, 17, 44, 58
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
BROADCAST = b"\xff" * 6
LEAST_FRAME, MOST_FRAME = 34, 1514  # devices fill up to the 60 bytes of Ethernet
CHECKSUM_AT = {TCP: 16, UDP: 6, ICMP4: 2, ICMP6: 2}


def ip(text):
    return ipaddress.ip_address(text).packed


def mapped(address):
    """16 bytes for either version, as the router's status has them."""
    return address if len(address) == 16 else bytes(10) + b"\xff\xff" + address


def checksum(data):
    """RFC 1071. The sum of 16-bit words in ones' complement is the number modulo 65535, but for the two zeros."""
    if len(data) % 2:
        data += b"\0"
    number = int.from_bytes(data, "big")
    rest = number % 0xFFFF
    return 0xFFFF - (rest or (0xFFFF if number else 0))


def pseudo(source, destination, protocol, size):
    if protocol == ICMP4:
        return b""
    if len(source) == 4:
        return source + destination + struct.pack("!BBH", 0, protocol, size)
    return source + destination + struct.pack("!IHBB", size, 0, 0, protocol)


def ip4(source, destination, protocol, payload, *, ttl=64, ident=0, fragment=0x4000, options=b"", total=None, header=None,
        version=4, tos=0):
    size = 20 + len(options)
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | (size // 4 if header is None else header), tos,
                       size + len(payload) if total is None else total, ident, fragment, ttl, protocol, 0, source,
                       destination) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ip6(source, destination, protocol, payload, *, hops=64, length=None, extensions=b"", first=None, flow=0):
    body = extensions + payload
    return struct.pack("!IHBB16s16s", 6 << 28 | flow, len(body) if length is None else length,
                       protocol if first is None else first, hops, source, destination) + body


def ip_packet(source, destination, protocol, payload, **fields):
    return (ip4 if len(source) == 4 else ip6)(source, destination, protocol, payload, **fields)


def with_checksum(source, destination, protocol, payload, wrong=0):
    at = CHECKSUM_AT[protocol]
    payload = payload[:at] + b"\0\0" + payload[at + 2:]
    value = checksum(pseudo(source, destination, protocol, len(payload)) + payload)
    if value == 0 and protocol == UDP:
        value = 0xFFFF
    return payload[:at] + struct.pack("!H", value ^ wrong) + payload[at + 2:]


def transport(source, destination, protocol, payload, *, wrong=0, **fields):
    return ip_packet(source, destination, protocol, with_checksum(source, destination, protocol, payload, wrong), **fields)


def udp(source, source_port, destination, destination_port, data=b"", *, length=None, **fields):
    head = struct.pack("!HHHH", source_port, destination_port, 8 + len(data) if length is None else length, 0)
    return transport(source, destination, UDP, head + data, **fields)


def tcp(source, source_port, destination, destination_port, flags, seq=0, ack=0, data=b"", *, window=65535, options=b"",
        offset=None, urgent=0, **fields):
    head = struct.pack("!HHIIBBHHH", source_port, destination_port, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                       (5 + len(options) // 4 if offset is None else offset) << 4, flags, window, 0, urgent)
    return transport(source, destination, TCP, head + options + data, **fields)


def icmp(source, destination, kind, code=0, body=b"\0\0\0\0", **fields):
    protocol = ICMP4 if len(source) == 4 else ICMP6
    return transport(source, destination, protocol, bytes([kind, code, 0, 0]) + body, **fields)


def arp(operation, sender_mac, sender, target_mac, target):
    return struct.pack("!HHBBH6s4s6s4s", 1, IP4, 6, 4, operation, sender_mac, sender, target_mac, target)


def ethernet(destination, source, payload, kind=None):
    if kind is None:
        kind = IP6 if payload and payload[0] >> 4 == 6 else IP4
    return destination + source + struct.pack("!H", kind) + payload


@dataclass
class Packet:
    """What is in a frame whose `fault` is None."""

    kind: int  # ARP, or the transport protocol
    source: bytes = b""
    destination: bytes = b""
    source_port: int = 0
    destination_port: int = 0
    flags: int = 0
    seq: int = 0
    ack: int = 0
    data: bytes = b""  # behind the transport header; ICMP: from the type on; ARP: all of it
    whole: bytes = b""  # from the IP header on
    is_fragment: bool = False
    hops: int = 0


def read(frame):
    """A Packet, or None: neither ARP nor IP."""
    kind = int.from_bytes(frame[12:14], "big")
    if kind == ARP:
        return Packet(ARP, data=frame[14:42])
    if kind not in (IP4, IP6):
        return None
    at = frame[14:]
    if kind == IP4:
        header, total, fragment = (at[0] & 15) * 4, int.from_bytes(at[2:4], "big"), int.from_bytes(at[6:8], "big")
        packet = Packet(at[9], at[12:16], at[16:20], hops=at[8], is_fragment=fragment & 0x3FFF != 0)
    else:
        header, total = 40, 40 + int.from_bytes(at[4:6], "big")
        packet = Packet(at[6], at[8:24], at[24:40], hops=at[7], is_fragment=at[6] == FRAGMENT)
    packet.whole = at[:total]
    body = at[header:total]
    packet.data = body
    if packet.is_fragment:
        return packet
    if packet.kind in (TCP, UDP):
        packet.source_port, packet.destination_port = struct.unpack_from("!HH", body)
        packet.data = body[8:]
    if packet.kind == TCP:
        packet.seq, packet.ack, offset, packet.flags = struct.unpack_from("!IIBB", body, 4)
        packet.data = body[(offset >> 4) * 4:]
    return packet


def fault(frame):
    """What is wrong with a frame; None: nothing. Protocols other than ARP, TCP, UDP and ICMP are wrong here."""
    if not LEAST_FRAME <= len(frame) <= MOST_FRAME:
        return f"{len(frame)} bytes"
    if frame[6] & 1:
        return "from a group of machines"
    kind, at = int.from_bytes(frame[12:14], "big"), frame[14:]
    if kind == ARP:
        right = len(at) >= 28 and at[:6] == struct.pack("!HHBB", 1, IP4, 6, 4) and at[7] in (1, 2) and at[8:14] == frame[6:12]
        return None if right else "not an ARP message"
    if kind == IP4:
        return fault4(at)
    if kind == IP6:
        return fault6(at)
    return f"type {kind:04x}"


def fault4(at):
    if len(at) < 20 or at[0] != 0x45:
        return "header of IPv4"
    total, fragment = int.from_bytes(at[2:4], "big"), int.from_bytes(at[6:8], "big")
    if not 20 <= total <= len(at) or any(at[total:]):
        return f"total length {total} of {len(at)}"
    if checksum(at[:20]) != 0:
        return "header checksum"
    if at[8] == 0 or fragment & 0x8000:
        return "time to live, or the reserved flag"
    if fragment & 0x3FFF:
        return "fragment of an odd size" if fragment & 0x2000 and (total - 20) % 8 else None
    return fault_transport(at[9], at[12:16], at[16:20], at[20:total])


def fault6(at):
    if len(at) < 40 or at[0] >> 4 != 6:
        return "header of IPv6"
    total = 40 + int.from_bytes(at[4:6], "big")
    if total > len(at) or any(at[total:]) or at[7] == 0:
        return f"length {total} of {len(at)}, or hop limit {at[7]}"
    if at[6] == FRAGMENT:
        more = at[43] & 1
        return "fragment of an odd size" if total < 48 or (more and (total - 48) % 8) else None
    return fault_transport(at[6], at[8:24], at[24:40], at[40:total])


def fault_transport(protocol, source, destination, body):
    least = {TCP: 20, UDP: 8, ICMP4: 8, ICMP6: 8}
    if protocol not in least or protocol == (ICMP6 if len(source) == 4 else ICMP4):
        return f"protocol {protocol}"
    if len(body) < least[protocol]:
        return f"{len(body)} bytes of protocol {protocol}"
    if protocol == UDP:
        if int.from_bytes(body[4:6], "big") != len(body):
            return "length of UDP"
        if body[6:8] == b"\0\0":
            return None if len(source) == 4 else "no checksum of UDP"
    if checksum(pseudo(source, destination, protocol, len(body)) + body) != 0:
        return f"checksum of protocol {protocol}"
    if protocol in (TCP, UDP) and 0 in struct.unpack_from("!HH", body):
        return "port 0"
    return fault_tcp(body) if protocol == TCP else None


def fault_tcp(body):
    offset, flags = (body[12] >> 4) * 4, body[13]
    if not 20 <= offset <= len(body):
        return "header length of TCP"
    if flags & SYN and flags & (FIN | RST) or not flags & (SYN | RST | ACK):
        return f"flags {flags:02x}"
    at = 20
    while at < offset and body[at] != 0:
        size = 1 if body[at] == 1 else body[at + 1] if at + 1 < offset else 0
        if size == 0 or size > offset - at or (body[at] != 1 and size < 2):
            return "options of TCP"
        at += size
    return None
