"""transfers.py SEED ROUNDS: random transfers between threads of this process (../README.md)."""

import errno
import hashlib
import os
import random
import select
import socket
import sys
import threading
import time

NEVER_S = 60  # of the machine's time: whoever has not come to his end has been forgotten
BLOCK = random.Random(7).randbytes(1 << 20)
BUFFERS = (2048, 5000, 16384, 60000, 200000, 1000000)
TOTALS = (0, 1, 1000, 65536, 200000, 400000, 1 << 20)
PIECES = (1, 100, 1448, 4096, 16384, 65536, 300000)


class PipeEnd:
    """One end of a pipe, with a socket's names."""

    def __init__(self, descriptor):
        self.descriptor = descriptor

    def fileno(self):
        return self.descriptor

    def send(self, data):
        return os.write(self.descriptor, data)

    def recv(self, most):
        return os.read(self.descriptor, most)

    def setblocking(self, blocks):
        os.set_blocking(self.descriptor, blocks)

    def shutdown(self, _how):
        self.close()

    def close(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.descriptor = None


def with_buffers(chance, one):
    for name in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        if chance.random() < 0.4:
            one.setsockopt(socket.SOL_SOCKET, name, chance.choice(BUFFERS))
    return one


def connected(kind, chance):
    """Both ends of a connection of that kind, the one that writes first."""
    if kind == "pipe":
        return tuple(map(PipeEnd, reversed(os.pipe())))
    if kind == "pair":
        return tuple(with_buffers(chance, one) for one in socket.socketpair())
    family, address = {"unix": (socket.AF_UNIX, f"\0transfer {chance.getrandbits(40)}"), "tcp4": (socket.AF_INET, ("127.0.0.1", 0)),
                       "tcp6": (socket.AF_INET6, ("::1", 0))}[kind]
    with with_buffers(chance, socket.socket(family)) as listener:
        listener.bind(address)
        listener.listen(1)
        client = with_buffers(chance, socket.socket(family))
        client.connect(listener.getsockname())
        server, _ = listener.accept()
    if kind != "unix":
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(chance.random() < 0.5))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, int(chance.random() < 0.2))
    return client, with_buffers(chance, server)


def waiter(way, descriptor, writes):
    """A function that waits until the descriptor is ready; false: it was not told in time."""
    if way == "select":
        sets = ([], [descriptor]) if writes else ([descriptor], [])
        return lambda: any(select.select(*sets, [], NEVER_S / 2))
    if way == "poll":
        made = select.poll()
        made.register(descriptor, select.POLLOUT if writes else select.POLLIN)
        return lambda: made.poll(NEVER_S * 500)
    made = select.epoll()
    made.register(descriptor, (select.EPOLLOUT if writes else select.EPOLLIN) | (select.EPOLLET if way == "edge" else 0))
    return lambda: made.poll(NEVER_S / 2)


class Transfer:
    """One direction of a connection: a thread that writes and one that reads."""

    def __init__(self, name, chance, kind, writer, reader, blocks):
        total = chance.choice(TOTALS) + chance.randrange(1000)
        skipped = chance.randrange(1000)
        self.data = (BLOCK[skipped:] + BLOCK)[:total]
        self.about = f"{name} {kind} {total} bytes, blocks {blocks}"
        self.sent = self.received = 0
        self.problem = None
        ends = ((self.write, writer, True), (self.read, reader, False))
        self.threads = [
            threading.Thread(target=self.guarded, daemon=True, args=(
                function, end, random.Random(chance.random()), blocking, chance.choice(("select", "poll", "epoll", "edge")), writes))
            for (function, end, writes), blocking in zip(ends, blocks)]

    def guarded(self, function, end, chance, blocks, way, writes):
        self.about += f", {way}"
        try:
            end.setblocking(blocks)
            function(end, chance, None if blocks else waiter(way, end.fileno(), writes))
        except Exception as error:  # whatever it is, it goes into the report
            self.problem = f"{function.__name__}: {error!r}"

    @staticmethod
    def when_ready(call, argument, wait):
        while True:
            try:
                return call(argument)
            except BlockingIOError:
                if not wait():
                    raise TimeoutError(errno.ETIMEDOUT, "was not told that it can go on") from None

    @staticmethod
    def piece(chance):
        if chance.random() < 0.02:
            time.sleep(chance.random() / 250)
        return chance.choice(PIECES) if chance.random() < 0.05 else chance.randrange(1, 70000)

    def write(self, end, chance, wait):
        while self.sent < len(self.data):
            self.sent += self.when_ready(end.send, self.data[self.sent:self.sent + self.piece(chance)], wait)
        end.shutdown(socket.SHUT_WR)

    def read(self, end, chance, wait):
        digest = hashlib.sha1()
        while part := self.when_ready(end.recv, self.piece(chance), wait):
            self.received += len(part)
            digest.update(part)
        if digest.digest() != hashlib.sha1(self.data).digest():
            self.problem = "other bytes came than were sent"

    def fault(self):
        stuck = any(thread.is_alive() for thread in self.threads)
        if not stuck and not self.problem:
            return None
        return f"{self.about}: sent {self.sent}, received {self.received}, {self.problem or 'stands still'}"


def one_round(number, chance):
    """What went wrong."""
    ends, transfers = [], []
    for index in range(chance.choice((1, 1, 2, 4))):
        kind = chance.choice(("pair", "unix", "tcp4", "tcp6", "pipe"))
        one, other = connected(kind, chance)
        ends += [one, other]
        blocks = (chance.random() < 0.5, chance.random() < 0.5)
        transfers.append(Transfer(f"{number}.{index}", chance, kind, one, other, blocks))
        if kind != "pipe" and chance.random() < 0.5:
            transfers.append(Transfer(f"{number}.{index} back", chance, kind, other, one, blocks[::-1]))
    threads = [thread for one in transfers for thread in one.threads]
    for thread in threads:
        thread.start()
    end = time.monotonic() + NEVER_S
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    faults = [fault for one in transfers if (fault := one.fault())]
    for one in ends:
        one.close()
    return faults


def main():
    seed, rounds = int(sys.argv[1]), int(sys.argv[2])
    bad = 0
    for number in range(rounds):
        for fault in one_round(number, random.Random(seed * 1_000_000 + number)):
            bad += 1
            print(f"transfers: {fault}", flush=True)
        if number % 50 == 49:
            print(f"transfers: {number + 1} rounds", flush=True)
    print(f"transfers: over, {bad} faults", flush=True)


if __name__ == "__main__":
    main()
