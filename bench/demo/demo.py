"""./kos bench demo: what a user of KOS waits for and pays, in figures.

`project/...`: a fresh project from `mix kos.new` to Elixir's prompt, and from an abort of its BEAM back to the prompt, beside the same
release on Debian's arm64 Linux with systemd, in the same QEMU. `pump_station/...`: from the end of each part of
examples/pump-station to its service. Used by tools/kos/bench.py; nothing is installed outside of a temporary folder."""

import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).resolve().parent)]

import parts  # noqa: E402
from project import Project  # noqa: E402
from kos import instructions, processes, reference_linux, run_command  # noqa: E402
from kos.bench import LOGS, Row  # noqa: E402
from kos.board import board  # noqa: E402
from kos.common import KosError  # noqa: E402
from kos.session import Session  # noqa: E402

# Seconds of the host, which may be busy.
BOOT_S, STEP_S = 900, 300
PROMPT = r"prompt at (\d+) us.*?iex\(1\)> "
KEY_S = 0.003  # between two characters: the line has no flow control
SETTLE_S = 3
# One instruction is one nanosecond. Idle time passes as on the host: Linux waits for its disk, which answers in the host's time.
TIME = ["-icount", "shift=0,sleep=on", "-seed", "1", "-rtc", "base=2026-01-01,clock=vm"]
MEMORY = ('"/proc/meminfo" |> File.read!() |> String.split("\\n") |> Enum.filter(&(&1 =~ ~r/^Mem(Total|Free|Available)/)) |> '
          'Enum.join(" ") |> IO.puts()')
ABORT = ":erlang.halt(:abort)"
ABORTS = 3


def measure(kernel, prefix=None):
    """(rows, lines for information)."""
    rows, lines = [], []
    for group, rows_of in (("project/", of_project), ("pump_station/", of_station)):
        if (prefix or "").startswith(group) or group.startswith(prefix or ""):
            found, more = rows_of(kernel, prefix or "")
            rows += found
            lines += more
    return [row for row in rows if row.name.startswith(prefix or "")], lines


def profile(row, _kernel):
    raise KosError(f"--profile {row}: this benchmark has no profile; see `./kos bench linux` and `./kos bench core`")


def of_project(kernel, _prefix):
    with tempfile.TemporaryDirectory(prefix="kos-demo-") as folder:
        project = Project(Path(folder))
        project.make(kernel)
        with device(project) as words:
            ours = prompts("KOS", words)
        with linux(project) as words:
            theirs = prompts("Linux", words)
        # All quotas but what the domain has free of its own, and the image, which lies in memory. Of the quota /proc/meminfo does not
        # show what is set aside for the personality itself: that counts as taken, whether it is or not.
        kos_kib = project.quotas_kib() - ours["free_kib"] + project.image.stat().st_size // 1024
        linux_kib = machine_kib() - theirs["free_kib"]
        rows = [
            Row("project/new", round(project.new_s, 1), "s of the host"),
            Row("project/build", round(project.build_s, 1), "s of the host"),
            Row("project/boot", ours["boot"], "instructions", theirs["boot"]),
            Row("project/restart", ours["restart_ms"], "ms", theirs["restart_ms"]),
            Row("project/memory", kos_kib, "KiB", linux_kib),
            Row("project/image", project.image.stat().st_size, "bytes", project.linux_bytes()),
        ]
        lines = ["for information:"] + [
            f"  {name}: power to prompt {found['prompt_ms']:.0f} ms of the machine's time with what it waits for the disk"
            f" ({found['boot_s']:.1f} s of the host), restarts {found['restarts_ms']} ms, "
            f"{found['total_kib']} KiB of which {found['free_kib']} are free" for name, found in (("KOS", ours), ("Linux", theirs))]
    return rows, lines


def machine_kib():
    number, unit = re.fullmatch(r"(\d+)([MG])", board().memory).groups()
    return int(number) << {"M": 10, "G": 20}[unit]


@contextmanager
def device(project):
    yield [*board().machine_arguments(1), *run_command.link_devices(project.folder / "link"), "-kernel", project.image]


@contextmanager
def linux(project):
    command = reference_linux.Command(["/lib/systemd/systemd"], {"PATH": "/usr/sbin:/usr/bin"}, is_init=True)
    with reference_linux.machine(project.linux_root().image, [command], 1, None, None, False) as (words, _):
        yield words


@contextmanager
def terminal(name, words):
    """A Session with a machine; all that it shows is in a log."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with open(LOGS / f"demo-{name}.log", "w") as log:
        process = processes.start([*words, "-serial", "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            yield Session(process, log)
        finally:
            processes.stop(process)
            process.stdin.close()
            process.stdout.close()


def prompts(name, words):
    """From power to the prompt, what is taken then, and from aborts to the next prompt."""
    print(f"{name}: boots", file=sys.stderr, flush=True)
    with instructions.Counter() as counter, terminal(name, [*words, *TIME, *counter.words]) as console:
        begin = time.monotonic()
        prompt_us = int(console.expect_match(PROMPT, BOOT_S)[1])
        found = {"boot": counter.read(), "boot_s": time.monotonic() - begin, "prompt_ms": prompt_us / 1000}
        time.sleep(SETTLE_S)  # services that start later are part of what is taken
        found |= memory(console)
        found["restarts_ms"] = [restart(console) for _ in range(ABORTS)]
        # Later ones in a row wait for the back-off of the supervisor of KOS.
        return found | {"restart_ms": found["restarts_ms"][0]}


def memory(console):
    console.send(MEMORY + "\r", KEY_S)
    text = console.expect_match(r"\nMemTotal[^\n]*kB\n.*iex\(2\)> ", STEP_S)[0]
    values = {name: int(value) for name, value in re.findall(r"Mem(Total|Free|Available): *(\d+)", text)}
    return {"total_kib": values["Total"], "free_kib": values.get("Available", values["Free"])}


def restart(console):
    """Milliseconds of the machine's time from the BEAM's abort to the next prompt."""
    time.sleep(SETTLE_S)
    console.send(f'IO.puts("end at #{{:os.perf_counter(:microsecond)}} us"); {ABORT}\r', KEY_S)
    found = console.expect_match(rf"end at (\d+) us.*{PROMPT}", BOOT_S)
    return round((int(found[2]) - int(found[1])) / 1000)


def of_station(kernel, prefix):
    def name(part, how):
        return f"pump_station/{part}/{how}"

    with parts.machine(kernel) as words, terminal("pump-station", words) as console:
        found = parts.measure(console, lambda part, how: name(part, how).startswith(prefix))
        return [Row(name(part, how), ms, "ms") for part, how, ms in found], []
