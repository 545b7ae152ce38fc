"""From the end of each part of examples/pump-station to its service, for demo.py. All by Elixir's prompt on the station's console, with
the machine's own clock; the network is there, and nobody uses it."""

import re
import sys
from contextlib import contextmanager

from kos import image, network, qemu, system_image
from kos.board import board
from kos.common import TOP, KosError

SYSTEM = TOP / "examples/pump-station/system.toml"
BOOT_S, STEP_S = 1800, 3600  # of the host; a BEAM that hangs executes instructions all the time
KEY_S = 0.003
NATIVE, HOWS = ("sensor", "pump", "controller"), ("kill", "crash", "hang")
READY = r"station: port 8080, (\d+) ms after power-on"
PROMPT = r"iex\([^)]*\)\d*> "

# A native part is back when another instance of it answers, the history when it answers by Erlang's distribution.
HELPERS = (
    'now = fn -> :os.perf_counter(:microsecond) end',
    'instance = fn name -> with {:ok, one} <- Kos.Domain.status(name), do: one.instance, else: (_ -> 0) end',
    'serves = fn "history" -> (try do match?({:ok, _}, GenServer.call({History.Store, :history@kos}, {:since, 1}, 500)) catch _, _ -> '
    'false end); name -> match?({:ok, _}, Kos.Idl.Part.memory(:"port_#{name}_part", %{}, timeout: 200)) end',
    'wait = fn again, name, old -> if instance.(name) > old and serves.(name), do: now.(), else: (Process.sleep(1); again.(again, name, old)) end',
    'back = fn name, how -> old = instance.(name); begin = now.(); :ok = Station.break(name, how); '
    'IO.puts("#{name} #{how} back in #{wait.(wait, name, old) - begin} us") end',
)
# Long enough for the supervisor to forget the last restart of the group; later ones in a row wait for its back-off.
CALM_MS = {"control": 11_000, "beams": 61_000}
ENDS = {"kill": "System.halt(1)", "crash": ":erlang.halt(:abort)", "hang": 'Station.break("station", :hang)'}


@contextmanager
def machine(kernel):
    root_task = system_image.compile_system(SYSTEM)
    # Idle time is skipped: nothing here waits for the host.
    yield [*board().machine_arguments(1), "-icount", f"shift={qemu.COUNT_INSTRUCTIONS},sleep=off",
           "-kernel", image.pack(kernel, root_task, 1), *network.user_network(network.forwards_of(root_task, network.free_port))]


def measure(console, is_wanted):
    """(part, how, milliseconds) of each that is_wanted(part, how)."""
    ready_ms = int(console.expect_match(READY, BOOT_S)[1])
    say("boot", ready_ms)
    yield "station", "boot", ready_ms
    prepare(console)
    for part in (*NATIVE, "history"):
        for how in (one for one in HOWS if is_wanted(part, one)):
            calm(console, "beams" if part == "history" else "control")
            type_line(console, f'back.("{part}", :{how})')
            micros = int(console.expect_match(rf"\n{part} {how} back in (\d+) us.*{PROMPT}", STEP_S)[1])
            say(f"{part} {how}", micros / 1000)
            yield part, how, round(micros / 1000, 1)
    for how in (one for one in HOWS if is_wanted("station", one)):
        calm(console, "beams")
        type_line(console, f'IO.puts("end at #{{now.()}} us"); {ENDS[how]}')
        found = console.expect_match(rf"end at (\d+) us.*{READY}", BOOT_S)
        ms = round(int(found[2]) - int(found[1]) / 1000)
        say(f"station {how}", ms)
        yield "station", how, ms
        prepare(console)


def say(what, ms):
    print(f"pump station: {what}: {ms:.1f} ms", file=sys.stderr, flush=True)


def prepare(console):
    type_line(console, ":here")
    console.expect_match(rf"\n:here.*{PROMPT}", STEP_S)
    for line in HELPERS:
        type_line(console, line)
        answer = console.expect_match(rf"\n(#Function|\*\*).*{PROMPT}", STEP_S)[0]
        if "**" in answer:
            raise KosError(f"the station's prompt refuses {line!r}: {re.sub(chr(10), ' ', answer)[:300]}")


def calm(console, group):
    type_line(console, f"Process.sleep({CALM_MS[group]})")
    console.expect_match(rf"\n:ok.*{PROMPT}", STEP_S)


def type_line(console, text):
    console.send(text + "\r", KEY_S)
