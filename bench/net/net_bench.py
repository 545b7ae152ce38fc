#!/usr/bin/env python3
"""Measures the network of KOS and of Debian's arm64 Linux, in the same QEMU, with the same client on this host.

    bench/net/net_bench.py [--sel4 PATH] [--rounds N] [--json FILE]

Needs a build (./kos build). Rates depend on what else this host does; the processor time that QEMU spends, per megabyte or
per request, much less. Both machines run in turn, so many times, and the best of each counts."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tools"), str(Path(__file__).resolve().parent)]

import client  # noqa: E402
from kos import board, image, network, processes, qemu, reference_linux, system_image  # noqa: E402
from kos.bench import Row, table  # noqa: E402

SYSTEM = "bench/net/system.toml"
LINUX_SOURCE = TOP / "bench/net/linux.c"


def cpu_seconds(process):
    """Processor time of QEMU so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(label, words, forwards):
    process = processes.start(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ports = {f"{one.protocol}:{one.port}": one.host_port for one in forwards}
        result = {}
        for name, value, unit in client.measure(ports, lambda: cpu_seconds(process)):
            print(f"{label}: {name}: {value:.1f} {unit}", file=sys.stderr, flush=True)
            result[name] = value, unit
        return result
    finally:
        processes.stop(process)


def kos(kernel):
    root_task = system_image.root_task("", SYSTEM)
    forwards = network.forwards_of(root_task, network.free_port)
    packed = image.pack(kernel, root_task, 1)
    return measure("KOS", qemu.command(packed, 1) + network.user_network(forwards), forwards)


@contextmanager
def linux_root():
    """A root image with the server alone."""
    with tempfile.TemporaryDirectory(prefix="kos-net-bench-") as folder:
        root = Path(folder) / "root"
        for name in ("dev", "proc", "sys", "tmp"):
            (root / name).mkdir(parents=True)
        subprocess.run(["aarch64-linux-gnu-gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s",
                        "-o", root / "server", LINUX_SOURCE], check=True)
        made = Path(folder) / "root.erofs"
        subprocess.run(["mkfs.erofs", "--quiet", made, root], check=True, stdout=subprocess.DEVNULL)
        yield made


def linux():
    forwards = network.forwards_of(system_image.root_task("", SYSTEM), network.free_port)
    commands = [reference_linux.Command(["/server"])]
    with linux_root() as root, reference_linux.machine(root, commands, 1, None, None, False) as (words, _):
        return measure("Linux", [*words, "-serial", "null", *network.user_network(forwards)], forwards)


def better(name, one, other):
    return max(one, other) if is_rate(name) else min(one, other)


def is_rate(name):
    return not name.endswith(("/99_percent", "/cpu"))


def best(runs):
    result = {}
    for run in runs:
        for name, (value, unit) in run.items():
            result[name] = (better(name, value, result[name][0]) if name in result else value, unit)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sel4", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(kos(options.sel4 or board.keel("release")))
        theirs.append(linux())
    references = best(theirs)
    rows = [Row(name, value, unit, references[name][0], rate=is_rate(name))
            for name, (value, unit) in best(ours).items()]
    print(table(rows, "Linux"))
    if options.json:
        options.json.write_text(json.dumps({"bench": "net", "board": board.board().name,
                                            "rows": [row.as_json() for row in rows]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
