"""Many connections from outside, to a native stack and to a Linux domain's, opened, used and closed: afterwards everything
has what it had before."""

import time

from kos import wire
from kos.common import KosError
from salvos import ECHO, LINUX_ECHO, changed_accounts, metrics

PATIENCE_S = 90
AT_ONCE = 16
FORGOTTEN_S = 180  # closed connections: 15 s in the router, TIME_WAIT in the stacks
PAGE = 80
OPEN = 5  # the agent's, two of the salvos', the witness's, the last question to the page
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
    before, page = settled(world, witness)
    begin = time.monotonic()
    many(world, count)
    results.add(f"{count} connections")
    print(f"{count / (time.monotonic() - begin):.0f} connections a second", flush=True)
    after, page_after = settled(world, witness, page["net_memory_bytes"] + OWN_QUESTIONS_BYTES)
    results.add("root's accounts are as before", changed_accounts(before, after))
    grown = page_after["net_memory_bytes"] - page["net_memory_bytes"]
    for name, problem in (("connections of the router", after["connections"] > before["connections"] and after["connections"]),
                          ("memory of a native stack", grown > OWN_QUESTIONS_BYTES and grown),
                          ("instances", before["instances"] != after["instances"] and after["instances"])):
        results.add(f"{name}: as before", str(problem) if problem else None)


def settled(world, witness, most_bytes=None):
    """The state and the page's figures as soon as everything that has ended is forgotten: only what asks is open then."""
    end = time.monotonic() + FORGOTTEN_S
    while True:
        state, page = witness.state(), metrics(world)
        is_over = state["connections"] <= OPEN and (most_bytes is None or page["net_memory_bytes"] <= most_bytes)
        if is_over or time.monotonic() > end:
            return state, page
        world.linger(5)
