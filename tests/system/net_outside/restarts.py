"""Driver, router, a native and a Linux application restarted while connections are busy: who was not restarted notices
nothing, addresses stay, and whoever was is there again."""

from kos.common import KosError
from salvos import ECHO, LINUX_ECHO

PATIENCE_S = 120
ROUNDS = 6
KEPT = ("address4", "address6", "gateway4", "gateway6")
# Who is restarted, and whose connections must go on.
RESTARTED = (("net_virtio", (ECHO, LINUX_ECHO)), ("netrouter", (ECHO, LINUX_ECHO)), ("net_echo", (LINUX_ECHO,)), ("agent", (ECHO,)))


def connected(world, port):
    """A connection that echoes, as soon as there is somebody who does."""
    for _ in range(PATIENCE_S):
        connection = world.connect(port)
        try:
            if world.exchange(connection, b"there?", 5) == b"there?":
                return connection
        except KosError:
            pass
        connection.reset()
        world.linger(1)
    raise KosError(f"nobody echoes on port {port}")


def restart(world, witness, random, connections, name, survivors):
    """None, or what is wrong."""
    before = witness.state()
    witness.tell(f"restart {name}")
    for _ in range(ROUNDS):
        for port in survivors:
            data = random.randbytes(3000)
            if world.exchange(connections[port], data, PATIENCE_S) != data:
                return f"the connection to port {port} was lost"
    for _ in range(PATIENCE_S):
        after = witness.state()
        if after["instances"][name] > before["instances"][name]:
            break
        world.linger(0.5)
    expected = before["instances"] | {name: before["instances"][name] + 1}
    if after["instances"] != expected:
        return f"{after['instances']}, expected {expected}"
    for port in connections:
        if port not in survivors:
            connections[port] = connected(world, port)
    changed = [key for key in KEPT if after[key] != before[key]]
    return f"{changed} changed" if changed else None


def run(results, world, witness, random):
    connections = {port: connected(world, port) for port in (ECHO, LINUX_ECHO)}
    for name, survivors in RESTARTED:
        results.add(f"restart of {name}", restart(world, witness, random, connections, name, survivors))
