"""./kos bench: counts instructions of a benchmark under QEMU's -icount and compares them with seL4's."""

import json
from dataclasses import dataclass
from pathlib import Path

from kos import board, build, declarations, elf, image, qemu
from kos.arguments import Parser
from kos.common import BUILD, EXIT_FAILED, EXIT_USAGE, TARGET, TOP, KosError, output_of, shown

LOGS = BUILD / "bench-logs"


@dataclass(frozen=True)
class Row:
    name: str
    value: float
    unit: str
    reference: float | None = None
    recorded: bool = False  # the reference is a figure of bench.json, not measured in this run
    rate: bool = False  # more is better

    def ratio(self):
        """Below 1 is better, for costs and rates alike; None without a reference."""
        ours, theirs = (self.reference, self.value) if self.rate else (self.value, self.reference)
        return ours / theirs if self.reference is not None and theirs else None

    def as_json(self):
        result = {"name": self.name, "value": self.value, "unit": self.unit}
        if self.reference is not None:
            result |= {"reference": self.reference, "ratio": self.ratio()}
        if self.recorded:
            result["reference_from"] = "recorded"
        return result


def parser():
    result = Parser("bench")
    result.add_argument("name", metavar="NAME", nargs="?")
    result.add_argument("--list", action="store_true")
    result.add_argument("--sel4", type=Path, metavar="PATH")
    result.add_argument("--json", type=Path, metavar="FILE")
    return result


def main(arguments):
    declared = {bench.name: bench for bench in declarations.benches()}
    if arguments.list:
        print("\n".join(declared))
        return 0
    if arguments.name not in declared:
        wanted = f"no benchmark '{arguments.name}'" if arguments.name else "NAME is missing"
        raise KosError(f"{wanted}; expected one of: {' '.join(declared) or '(none)'}", EXIT_USAGE)
    if arguments.sel4:
        elf.check_kernel(arguments.sel4, board.board())
    build.everything(install=not arguments.no_install)

    bench = declared[arguments.name]
    ours = measure(bench, board.keel(bench.kernel), "keel")
    theirs = measure(bench, arguments.sel4, "sel4") if arguments.sel4 else None
    rows, missing = join(bench, ours, theirs)
    print(table(rows, "seL4" if theirs is not None else "recorded"))
    if arguments.json:
        arguments.json.write_text(json.dumps(report(bench, rows), indent=1) + "\n")
    for name in missing:
        print(f"row '{name}' was measured on one of the two kernels only")
    return EXIT_FAILED if missing else 0


def measure(bench, kernel, label):
    """The rows of one run: name -> record."""
    packed = image.pack(kernel, TARGET / bench.elf, 1)
    log = LOGS / f"{bench.name}-{label}.log"
    result = qemu.run(qemu.command(packed, 1, bench.append or None, icount=True), log, bench.timeout_s)
    problems = result.problems()
    if problems:
        raise KosError(f"{bench.name} on {shown(kernel)}: {'; '.join(problems)} (log: {shown(log)})")
    rows = {}
    for record in result.collected.rows:
        if record["row"] in rows:
            raise KosError(f"{bench.name}: row '{record['row']}' came twice")
        rows[record["row"]] = record
    return rows


def join(bench, ours, theirs):
    """Our rows with their references, and the names that only one of two kernels measured."""
    rows = []
    for name, record in ours.items():
        reference, recorded = None, False
        if theirs is not None:
            reference = theirs[name]["value"] if name in theirs else None
        elif name in bench.recorded:
            reference, recorded = bench.recorded[name], True
        rows.append(Row(name, record["value"], record["unit"], reference, recorded, name in bench.rates))
    missing = sorted(set(ours) ^ set(theirs)) if theirs is not None else []
    return rows, missing


def report(bench, rows):
    return {"bench": bench.name, "commit": commit(), "board": "qemu_virt", "rows": [row.as_json() for row in rows]}


def commit():
    """What was measured; "-dirty" if the tree has changes. Git is not needed to measure."""
    try:
        return output_of(["git", "-C", TOP, "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]).strip()
    except KosError:
        return "unknown"


def table(rows, reference):
    width = max([len(row.name) for row in rows], default=4)
    lines = [f"{'row':<{width}} {'value':>12} {reference:>12} {'ratio':>7}  unit"]
    for row in rows:
        theirs = "-" if row.reference is None else f"{row.reference:g}"
        ratio = "-" if row.ratio() is None else f"{row.ratio():.3f}"
        lines.append(f"{row.name:<{width}} {row.value:>12g} {theirs:>12} {ratio:>7}  {row.unit}")
    return "\n".join(lines)
