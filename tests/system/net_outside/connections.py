"""Many connections from outside, to a native stack and to a Linux domain's, opened, used and closed: afterwards everything
has what it had before."""

import time

from kos import wire
from kos.common import KosError
from salvos import ECHO, LINUX_ECHO, changed_accounts, metrics

PATIENCE_S = 90
AT_ONCE = 16
FORGOTTEN_S = 180  # closed connections: 30 s in the router, TIME_WAIT in the stacks
PAGE = 80
CLOSED_S = 35  # what the router keeps a closed connection for, and a little
OWN_QUESTIONS_BYTES = 8192  # those of the last minute to the page
QUESTIONS = {ECHO: (b"connection", b"connection"), LINUX_ECHO: (b"connection", b"connection"),
             PAGE: (b"HEAD / HTTP/1.1\r\n\r\n", b"\r\n\r\n")}
PORTS = (ECHO, PAGE, ECHO, PAGE, ECHO, PAGE, ECHO, LINUX_ECHO)


def use(world, port):
    """One connection as a generator: goes on whenever something has happened. Ends in one of three ways in turn: the peer
    first, the device first (by end of data), by reset."""
    connection = world.connect(port)
    while not connection.is_open and not connection.is_reset:
        yield
    question, answer = QUESTIONS[port]
    connection.send(question)
    while not connection.received.endswith(answer) and not connection.is_reset:
        yield
    if not connection.received.endswith(answer):
        raise KosError(f"port {port}: {bytes(connection.received)!r}, reset {connection.is_reset}")
    if connection.key[1] % 4 == 0:
        connection.reset()
        return
    connection.finish()
    while not connection.is_over():
        yield


def many(world, count):
    active, begun = [], 0
    end = time.monotonic() + PATIENCE_S + count
    while begun < count or active:
        while begun < count and len(active) < AT_ONCE:
            active.append(use(world, PORTS[begun % len(PORTS)]))
            begun += 1
        world.pump(0.05)
        active = [one for one in active if goes_on(one)]
        if time.monotonic() > end:
            raise KosError(f"{begun} begun, {len(active)} not over after {PATIENCE_S + count} s")


def goes_on(one):
    try:
        next(one)
        return True
    except StopIteration:
        return False


def run(results, world, witness, count):
    many(world, 64)  # what is made once and kept
    world.linger(CLOSED_S)
    before, page = witness.state(), metrics(world)
    begin = time.monotonic()
    many(world, count)
    results.add(f"{count} connections")
    print(f"{count / (time.monotonic() - begin):.0f} connections a second", flush=True)
    most_bytes = page["net_memory_bytes"] + OWN_QUESTIONS_BYTES
    after, bytes_after = forgotten(world, witness, before["connections"], most_bytes)
    results.add("root's accounts are as before", changed_accounts(before, after))
    more = after["connections"] - before["connections"]
    for name, problem in (("connections of the router", f"{more} more" if more > 0 else None),
                          ("memory of a native stack", f"{bytes_after} of {most_bytes}" if bytes_after > most_bytes else None),
                          ("instances", None if before["instances"] == after["instances"] else str(after["instances"]))):
        results.add(f"{name}: as before", problem)


def forgotten(world, witness, most_connections, most_bytes):
    """The state and the bytes that the page's stack holds as soon as everything that has ended is forgotten."""
    end = time.monotonic() + FORGOTTEN_S
    while True:
        state, bytes_now = witness.state(), metrics(world)["net_memory_bytes"]
        if (state["connections"] <= most_connections and bytes_now <= most_bytes) or time.monotonic() > end:
            return state, bytes_now
        world.linger(CLOSED_S)  # the question to the page was a connection as well
