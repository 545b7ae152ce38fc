"""./kos bench NAME --profile ROW: where the kernel's instructions of one row go, by function and by line.

QEMU runs one instruction at a time between the symbols kos_measure_begin* and kos_measure_end* of the benchmark and
logs the address of each; nm and addr2line name them. Used by bench.py."""

import re
import tempfile
from bisect import bisect_right
from collections import Counter
from pathlib import Path

from kos import image, processes, qemu
from kos.board import board
from kos.common import BUILD, TARGET, KosError, output_of, shown
from kos.gdb_remote import GdbRemote
from kos.records import Collector

LOGS = BUILD / "bench-logs"
TOOLS = "aarch64-linux-gnu-"
# Enough for a mean; the counts of all passes are the same except where the row says otherwise.
PASSES = 50
SHOWN_LINES = 40
EXECUTED = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", re.MULTILINE)
# After such a line for an instruction that was announced but not executed: an interrupt came first.
NOT_EXECUTED = re.compile(rb"^Stopped execution of TB chain before \S+ \[([0-9a-f]+)\]", re.MULTILINE)


def run(bench, row, kernel):
    """Prints the profile of one row."""
    log = LOGS / f"{bench.name}-profile.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    packed = image.pack(kernel, TARGET / bench.elf, 1)
    append = " ".join(filter(None, [bench.append, f"row={row}", f"passes={PASSES}"]))
    with tempfile.TemporaryDirectory(dir=LOGS) as scratch, open(log, "wb") as output:
        port, trace = Path(scratch) / "gdb", Path(scratch) / "trace"
        # sleep=off would let virtual time jump to the next timer whenever the machine is stopped.
        words = [word.replace("sleep=off", "sleep=on") for word in qemu.command(packed, 1, append, icount=qemu.COUNT_INSTRUCTIONS)]
        words += ["-S", "-gdb", f"unix:{port},server=on,wait=off", "-D", str(trace)]
        process = processes.start(words, stdout=output, stderr=output)
        try:
            remote = GdbRemote(port, bench.timeout_s)
            try:
                segments = record(remote, symbols(TARGET / bench.elf), trace, log)
            finally:
                remote.close()
        finally:
            processes.stop(process)
        collected = collect(log)
        if not segments:
            problems = collected.problems() or [f"no row '{row}'"]
            raise KosError(f"{'; '.join(problems)} (log: {shown(log)})")
        addresses = read_trace(trace, segments)
    print(report(row, passes_of(row, collected) * len(segments), addresses, kernel))


def ended(log):
    """True once the program gave its verdict (or the kernel a fault record)."""
    collected = collect(log)
    return collected.verdict is not None or collected.fault is not None


def collect(log):
    collected = Collector()
    collected.parser().feed(log.read_bytes())
    return collected


def record(remote, names, trace, log):
    """Runs to the verdict with the log on while something is measured; the parts of the log that count.

    Another thread of the row may run the same loop as its side of the row: the last begin before an end counts."""
    begins = {address for address, name in names if name.startswith("kos_measure_begin")}
    ends = {address for address, name in names if name.startswith("kos_measure_end")}
    for address in begins | ends:
        remote.insert(address)
    segments = []
    start = None
    while remote.run_until_stop(lambda: ended(log)):
        address = remote.pc()
        if address in begins:
            if start is None:
                remote.monitor("singlestep on")
                remote.monitor("log exec,nochain")
            start = size_of(trace)
        elif start is not None:
            remote.monitor("log none")
            remote.monitor("singlestep off")
            segments.append((start, size_of(trace)))
            start = None
        remote.remove(address)
        remote.step()
        remote.insert(address)
    return segments


def size_of(file):
    return file.stat().st_size if file.exists() else 0


def passes_of(row, collected):
    """Passes of one measurement. A row of one pass may fail its checks here: stopping the machine takes time."""
    return next((found.get("passes", 1) for found in collected.rows if found["row"] == row), 1)


def read_trace(trace, segments):
    """How often each address was executed."""
    counts = Counter()
    with open(trace, "rb") as file:
        for start, end in segments:
            file.seek(start)
            text = file.read(end - start)
            counts.update(EXECUTED.findall(text))
            counts.subtract(NOT_EXECUTED.findall(text))
    return {int(address, 16): count for address, count in counts.items()}


def symbols(elf):
    """Sorted (address, name) of the code and the labels in it."""
    found = []
    for line in output_of([TOOLS + "nm", "--demangle", "--defined-only", elf]).splitlines():
        address, kind, name = line.split(maxsplit=2)
        if kind in "tTwW" and not name.startswith("$"):
            found.append((int(address, 16), name))
    return sorted(found)


def function_at(address, names):
    """Of `names` as symbols() gives them."""
    index = bisect_right(names, address, key=lambda entry: entry[0]) - 1
    return names[index][1] if index >= 0 else "?"


def by_function(addresses, names):
    counts = Counter()
    for address, count in addresses.items():
        counts[function_at(address, names)] += count
    return counts


def by_line(addresses, elf):
    """By source line of the innermost inlined function."""
    words = [f"{address:#x}" for address in sorted(addresses)]
    printed = output_of([TOOLS + "addr2line", "-C", "-f", "-e", elf], input="\n".join(words)).splitlines()
    counts = Counter()
    for word, function, place in zip(words, printed[0::2], printed[1::2]):
        place = place.split(" (discriminator")[0].removeprefix("build/target/./")
        counts[f"{place}  {function}"] += addresses[int(word, 16)]
    return counts


def report(row, passes, addresses, kernel):
    """Instructions per pass, as text."""
    window = {address: count for address, count in addresses.items() if address >= board().kernel_vaddr}
    total = sum(window.values())
    user = sum(addresses.values()) - total
    lines = [f"{row} on {shown(kernel)}, instructions per pass ({passes} passes): "
             f"{total / passes:.1f} in the kernel, {user / passes:.1f} at user level", "", "by function"]
    lines += [f"{count / passes:10.1f}  {name}" for name, count in by_function(window, symbols(kernel)).most_common()]
    lines += ["", f"by line, the first {SHOWN_LINES}"]
    lines += [f"{count / passes:10.1f}  {name}" for name, count in by_line(window, kernel).most_common(SHOWN_LINES)]
    return "\n".join(lines)
