"""The other end of the wire: sends every frame back, and floods on request.

Frames are those of station/main.cpp: EtherType 0x88b5 (IEEE 802, for local experiments), a kind, a number, a pattern."""

import select
import struct
import sys

from kos import network

ETHER_TYPE = b"\x88\xb5"
OWN = bytes.fromhex("024b4f530001")
KIND_ECHO, KIND_FLOOD = 1, 2
LENGTHS = (60, 1514, 100, 777)
STATION = bytes.fromhex("5254004b4f53")


def pattern(number, length):
    return bytes((number * 7 + i) & 0xff for i in range(length))


def flood(send, first, count):
    for number in range(first, first + count):
        length = LENGTHS[number % len(LENGTHS)]
        head = STATION + OWN + ETHER_TYPE + struct.pack("<HI", KIND_FLOOD, number)
        send(head + pattern(number, length - len(head)))


def main():
    frames, machine = network.peer_frames()
    seen = 0

    def send(frame):
        try:
            frames.sendto(frame, machine)
        except (FileNotFoundError, ConnectionRefusedError):
            pass  # the machine has ended

    while True:
        ready, _, _ = select.select([frames, sys.stdin], [], [])
        if sys.stdin in ready:
            break  # the run has ended
        frame = frames.recv(65536)
        if frame[12:14] != ETHER_TYPE or len(frame) < 20:
            sys.exit(f"a frame that nobody has sent: {frame[:64].hex()}")
        if frame[6:12] != STATION:
            sys.exit(f"a frame from {frame[6:12].hex()}")
        kind, number = struct.unpack_from("<HI", frame, 14)
        seen += 1
        if kind == KIND_FLOOD:
            flood(send, number, 300)
            continue
        if frame[20:] != pattern(number, len(frame) - 20):
            sys.exit(f"frame {number} of {len(frame)} bytes is damaged")
        send(frame[6:12] + OWN + frame[12:])
    if seen == 0:
        sys.exit("no frame has come")


main()
