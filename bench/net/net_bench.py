"""./kos bench net: the network of KOS and of Debian's arm64 Linux, in the same QEMU, with the same client on this host.

Three machines in turn, as many rounds: programs on kos_net, a Linux program in a KOS domain, and that program on Debian's
own kernel. A row's figure is the median of the rounds. Used by tools/kos/bench.py."""

import statistics
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).resolve().parent)]

import client  # noqa: E402
from kos import profile as elf_profile  # noqa: E402
from kos import image, instructions, network, processes, qemu, reference_linux, system_image, system_profile  # noqa: E402
from kos.bench import LOGS, Row  # noqa: E402
from kos.common import TARGET, KosError  # noqa: E402

FOLDER = TOP / "bench/net"
ROOT = FOLDER / "linux/bench.root.toml"
NATIVE, PROGRAM, LINUX = "kos_net", "linux_program", "Linux"
SYSTEMS = {NATIVE: FOLDER / "system.toml", PROGRAM: FOLDER / "linux/system.toml"}
ADDRESS = ["--address", network.DEVICE_ADDRESS]
ROUNDS = 3
SHOWN_FUNCTIONS = 60


def measure(kernel, prefix=None):
    """(rows, lines with what the host's clock says, which is only for information)."""
    runs = {name: [] for name in (NATIVE, PROGRAM, LINUX)}
    for _ in range(ROUNDS):
        for name, found in runs.items():
            found.append({row.name: (row, meter) for row, meter in run(name, kernel, prefix)})
    theirs = figures(runs[LINUX])
    rows = []
    for row in client.ROWS:
        for name in (NATIVE, PROGRAM):
            ours = figures(runs[name])
            if row.name in ours:
                rows.append(Row(f"{row.name}/{name}", ours[row.name], f"instructions per {row.unit}", theirs[row.name]))
    return rows, information(runs)


def figures(runs):
    """Row -> median of its rounds."""
    return {name: round(statistics.median(found[name][1].instructions / found[name][1].times for found in runs))
            for name in runs[0]}


def information(runs):
    lines = ["for information, by the host's clock, the best of the rounds:"]
    for row in client.ROWS:
        for name, rounds in runs.items():
            meters = [found[row.name][1] for found in rounds if row.name in found]
            if not meters:
                continue
            best = min(meters, key=lambda meter: meter.seconds)
            text = f"  {row.name:<26} {name:<14} {best.times / best.seconds:10.1f} {row.unit}s per second"
            if best.latencies:
                text += ", ".join([""] + [f"{percent} of 100 within {client.percentile_us(best.latencies, percent):.0f} us"
                                          for percent in (50, 99)])
            lines.append(text)
    return lines


def run(name, kernel, prefix, mark=None):
    """The rows of one machine, one after the other."""
    with instructions.Counter() as counter, machine(name, kernel) as (words, forwards):
        LOGS.mkdir(parents=True, exist_ok=True)
        with open(LOGS / f"net-{name}.log", "wb") as log:
            process = processes.start([*words, *counter.words, *network.user_network(forwards)],
                                      stdout=log, stderr=subprocess.STDOUT)
            try:
                ports = {f"{one.protocol}:{one.port}": one.host_port for one in forwards}
                marks = (lambda: mark(counter)) if mark else (lambda: None)
                for row, meter in client.measure(ports, counter.read, prefix, marks):
                    print(f"{name}: {row.name}: {meter.instructions / meter.times:.0f} instructions per {row.unit}",
                          file=sys.stderr, flush=True)
                    yield row, meter
            except (OSError, ConnectionError) as error:
                raise KosError(f"{name}: {error} (log: {log.name})") from error
            finally:
                processes.stop(process)


@contextmanager
def machine(name, kernel):
    """(QEMU's words, forwarded ports)."""
    if name != LINUX:
        root_task = system_image.root_task("", SYSTEMS[name].relative_to(TOP))
        yield qemu.command(image.pack(kernel, root_task, 1), 1), network.forwards_of(root_task, network.free_port)
        return
    from rootfs import build as roots  # not needed by other benchmarks

    described = system_image.root_task("", SYSTEMS[PROGRAM].relative_to(TOP))
    forwards = network.forwards_of(described, network.free_port)
    program = system_of_program()
    commands = [reference_linux.Command([program[0], *ADDRESS, *program[1:]])]
    with reference_linux.machine(roots.build(ROOT).image, commands, 1, None, None, False) as (words, _):
        yield [*words, "-serial", "stdio"], forwards


def system_of_program():
    """What the Linux domain starts."""
    return tomllib.loads((FOLDER / "linux/app.toml").read_text())["app"]["arguments"]


def profile(wanted, kernel):
    """Prints which functions a row's instructions are of. `wanted`: a row of measure()."""
    row, _, name = wanted.rpartition("/")
    if name not in SYSTEMS or row not in {one.name for one in client.ROWS}:
        raise KosError(f"--profile {wanted}: expected a row of KOS, as {client.ROWS[0].name}/{NATIVE}")
    taken = []

    def mark(counter):
        taken.append(counter.times())
        if len(taken) == 2:
            taken.append(counter.functions(*taken, programs_of(kernel)))

    (_, meter), = ((found, meter) for found, meter in run(name, kernel, row, mark) if found.name == row)
    totals, by_program = taken[2], {}
    for (program, _), count in totals.items():
        by_program[program] = by_program.get(program, 0) + count
    print(f"{wanted}: {meter.instructions / meter.times:.0f} instructions, with what an idle machine does:")
    for program, count in sorted(by_program.items(), key=lambda item: -item[1]):
        print(f"{count / meter.times:12.1f}  {program}")
    for (program, function), count in totals.most_common(SHOWN_FUNCTIONS):
        print(f"{count / meter.times:12.1f}  {program}: {function}")


def programs_of(kernel):
    programs = [system_profile.Program("kernel", kernel), system_profile.Program("root", system_image.ROOT)]
    for stem in ("appman", "directory", "entropy", "linux", "log", "net_echo", "net_source", "net_virtio", "netrouter", "timer",
                 "uart"):
        program = system_profile.Program(stem, TARGET / f"apps/{stem}.elf")
        program.names = elf_profile.symbols(TARGET / f"apps/.debug/{stem}.elf.debug") or program.names
        programs.append(program)
    return programs
