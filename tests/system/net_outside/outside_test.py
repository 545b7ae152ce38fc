"""The other end of the device's wire: what Linux programs reach through the router, what answers to a scan, and whether
everything goes on when machines on the wire send anything at all. README.md says more.

KOS_OUTSIDE: parts to run (default: all), e.g. "salvos". KOS_OUTSIDE_ROUNDS, KOS_OUTSIDE_CONNECTIONS: more of them.
KOS_OUTSIDE_SCAN: every port by each protocol. KOS_OUTSIDE_CAPTURE: a file for all frames, for tshark."""

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random

import connections
import losses
import outbound
import restarts
import salvos
import scan
from inside import Agent, Witness
from kos import session, system_image, wire
from kos.common import KosError
from kos.results import Results, kernel, seed

SYSTEM = Path(__file__).parent / "system.toml"
BOOT_S = 300
PARTS = ("outbound", "scan", "salvos", "losses", "connections", "restarts")


def part(results, name, work):
    begin = time.monotonic()
    try:
        work()
    except KosError as error:
        results.add(name, str(error))
    except Exception:  # the others are to be told, too
        traceback.print_exc()
        results.add(name, "the test itself has failed")
    print(f"{name}: {time.monotonic() - begin:.1f} s", flush=True)


def main():
    results = Results()
    path, cores = kernel()
    random = Random(seed())
    chosen = os.environ.get("KOS_OUTSIDE", ",".join(PARTS)).split(",")
    rounds = int(os.environ.get("KOS_OUTSIDE_ROUNDS", "1"))
    count = int(os.environ.get("KOS_OUTSIDE_CONNECTIONS", "300"))
    root_task = system_image.compile_system(SYSTEM)
    with tempfile.TemporaryDirectory(prefix="kos-wire-") as folder, \
            wire.open_wire(Path(folder), random, os.environ.get("KOS_OUTSIDE_CAPTURE")) as (arguments, world), \
            session.boot(root_task, path, cores, wire=arguments) as console:
        witness = Witness(world)
        try:
            world.wait(lambda: world.leases > 0 and world.device6, BOOT_S, "an address by DHCP and one by router advertisements")
            console.expect("agent: begins", BOOT_S)
            world.linger(2)
            witness.ask("state", BOOT_S)
        except KosError as error:
            results.add("start", str(error))
            return results.finish()
        results.add("start")
        work = {"outbound": lambda: outbound.run(results, world, Agent(world), witness),
                "scan": lambda: scan.run(results, world, witness, "KOS_OUTSIDE_SCAN" in os.environ),
                "salvos": lambda: salvos.run(results, world, witness, random, rounds),
                "losses": lambda: losses.run(results, world, Agent(world), random),
                "connections": lambda: connections.run(results, world, witness, count),
                "restarts": lambda: restarts.run(results, world, witness, random)}
        for name in PARTS:
            if name in chosen:
                part(results, name, work[name])
        results.add(f"no packet of the device is malformed ({world.frames_in})", str(world.faults[:5]) if world.faults else None)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
