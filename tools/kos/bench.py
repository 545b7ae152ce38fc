"""./kos bench: counts instructions of a benchmark under QEMU's -icount and compares them with seL4's."""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from kos import board, build, declarations, elf, image, profile, qemu, records, system_image, system_profile
from kos.arguments import Parser
from kos.common import BUILD, EXIT_FAILED, EXIT_USAGE, TOP, KosError, output_of, shown

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
    result.add_argument("--rows", metavar="PREFIX", type=row_name)
    result.add_argument("--sort", action="store_true")
    result.add_argument("--check", action="store_true")
    result.add_argument("--record", action="store_true")
    result.add_argument("--profile", metavar="ROW", type=row_name)
    return result


def row_name(text):
    """It becomes a parameter of the program, and those are split at blanks."""
    if not text or len(text.split()) != 1:
        raise ValueError
    return text


def main(arguments):
    declared = {bench.name: bench for bench in declarations.benches()}
    if arguments.list:
        print("\n".join(declared))
        return 0
    bench = chosen(arguments, declared)
    if arguments.sel4:
        elf.check_kernel(arguments.sel4, board.board())
    build.bootable(install=not arguments.no_install, targets=[build.ALL])
    if bench.script:
        return by_script(bench, arguments)
    if arguments.profile:
        run = system_profile.run if bench.system else profile.run
        run(bench, arguments.profile, board.keel(bench.kernel))
        return 0
    if arguments.record:
        record(bench, measure(bench, arguments.sel4, "sel4"))
        return 0

    kernel = arguments.sel4 if bench.linux and arguments.sel4 else board.keel(bench.kernel)
    ours = measure(bench, kernel, "keel" if kernel != arguments.sel4 else "sel4", arguments.rows)
    theirs, peer = None, "recorded"
    if bench.linux:
        theirs, peer = measure_linux(bench, arguments.rows), "Linux"
    elif arguments.sel4:
        theirs, peer = measure(bench, arguments.sel4, "sel4", arguments.rows), "seL4"
    rows, missing = join(bench, ours, theirs)
    if arguments.sort:
        rows.sort(key=lambda row: -(row.ratio() or 0))
    print(table(rows, peer))
    for row in rows:
        if row.name in bench.without_reference:
            print(f"{row.name} has no reference: {bench.without_reference[row.name]}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report(bench, rows), indent=1) + "\n")
    problems = [f"row '{name}' was measured on one of the two kernels only" for name in missing]
    problems += wrongly_declared(bench, rows, arguments.rows)
    if arguments.check:
        problems += check(bench, rows)
    print("\n".join(problems), end="\n" if problems else "")
    return EXIT_FAILED if problems else 0


def chosen(arguments, declared):
    """The benchmark; raises KosError where the options do not fit together."""
    if arguments.name not in declared:
        wanted = f"no benchmark '{arguments.name}'" if arguments.name else "NAME is missing"
        raise KosError(f"{wanted}; expected one of: {' '.join(declared) or '(none)'}", EXIT_USAGE)
    if arguments.record and not arguments.sel4:
        raise KosError("--record needs --sel4 PATH: the recorded figures are seL4's", EXIT_USAGE)
    alone = [f"--{option}" for option in ("record", "profile") if getattr(arguments, option)]
    others = [f"--{option}" for option in ("json", "rows", "sort", "check") if getattr(arguments, option)]
    if arguments.record and declared[arguments.name].script:
        raise KosError(f"--record: the references of '{arguments.name}' are measured in the same run", EXIT_USAGE)
    if len(alone) > 1 or (alone and others):
        raise KosError(f"{' and '.join(alone + others)} do not go together", EXIT_USAGE)
    return declared[arguments.name]


def by_script(bench, arguments):
    """A benchmark that starts its machines itself: the module's measure(kernel, prefix) gives rows, whose references it has
    measured as well, and lines that are only for information; profile(row, kernel) prints."""
    spec = importlib.util.spec_from_file_location(f"kos_bench_{bench.name}", bench.file.parent / bench.script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kernel = arguments.sel4 or board.keel(bench.kernel)
    if arguments.profile:
        module.profile(arguments.profile, kernel)
        return 0
    rows, lines = module.measure(kernel, arguments.rows)
    if not rows:
        raise KosError(f"no row of '{bench.name}' begins with '{arguments.rows}'")
    if arguments.sort:
        rows.sort(key=lambda row: -(row.ratio() or 0))
    print("\n".join([table(rows, "Linux"), "", *lines]))
    if arguments.json:
        arguments.json.write_text(json.dumps(report(bench, rows), indent=1) + "\n")
    problems = check(bench, rows) if arguments.check else []
    print("\n".join(problems), end="\n" if problems else "")
    return EXIT_FAILED if problems else 0


def check(bench, rows):
    """Why not every row is as good as its reference, exceptions aside, and within its limit; empty if it is."""
    problems = [f"check: row '{row.name}' has no reference" for row in rows
                if row.ratio() is None and row.name not in bench.without_reference]
    for row in rows:
        limit = bench.limits.get(row.name)
        if limit is not None and (row.value < limit if row.rate else row.value > limit):
            problems.append(f"check: row '{row.name}' is {number(row.value)} {row.unit}; the limit is {number(limit)}")
    worse = [row for row in rows if row.ratio() is not None and row.ratio() > 1 and row.name not in bench.exceptions]
    if worse:
        worst = max(worse, key=Row.ratio)
        problems.append(f"check: {len(worse)} of {len(rows)} rows are worse than their reference; the worst, "
                        f"'{worst.name}', is {worst.ratio():.3f} times")
    return problems


def record(bench, rows):
    """Makes the figures of this run the recorded ones, in the benchmark's declaration."""
    declaration = json.loads(bench.file.read_text())
    declaration["recorded"] = {name: row["value"] for name, row in rows.items()}
    bench.file.write_text(json.dumps(declaration, indent=2) + "\n")
    print(f"{len(rows)} figures recorded in {shown(bench.file)}")


def measure(bench, kernel, label, prefix=None):
    """The rows of one run whose names begin with `prefix`: name -> record."""
    packed = image.pack(kernel, system_image.root_task(bench.elf, bench.system), 1)
    log = LOGS / f"{bench.name}-{label}.log"
    # A system runs as a whole: its domains get no parameters from here.
    append = " ".join(filter(None, [bench.append, f"rows={prefix}" if prefix and not bench.system else ""]))
    command = qemu.command(packed, 1, append or None, qemu.COUNT_INSTRUCTIONS) + list(bench.qemu_arguments)
    result = qemu.run(command, log, bench.timeout_s)
    problems = result.problems()
    if problems:
        raise KosError(f"{bench.name} on {shown(kernel)}: {'; '.join(problems)} (log: {shown(log)})")
    rows = {}
    for record in result.collected.rows:
        if record["row"] in rows:
            raise KosError(f"{bench.name}: row '{record['row']}' came twice")
        if record["row"].startswith(prefix or ""):
            rows[record["row"]] = record
    return rows


def measure_linux(bench, prefix=None):
    """The rows of the same programs on Debian's kernel, in the same machine."""
    from kos import reference_linux  # not needed by other benchmarks
    from rootfs import build as roots

    linux = bench.linux
    command = reference_linux.Command([*linux["arguments"], *([prefix] if prefix else [])], linux["environment"])
    log = LOGS / f"{bench.name}-linux.log"
    LOGS.mkdir(parents=True, exist_ok=True)
    image = roots.build(TOP / linux["root"]).image
    (result,) = reference_linux.run_all(image, [command], icount=qemu.COUNT_INSTRUCTIONS, timeout=bench.timeout_s, log=log)
    collected = records.Collector()
    parser = collected.parser()
    parser.feed(result.output)
    parser.finish()
    if not collected.verdict or collected.verdict["verdict"] != "pass":
        raise KosError(f"{bench.name} on Linux: it did not pass (log: {shown(log)})")
    return {record["row"]: record for record in collected.rows if record["row"].startswith(prefix or "")}


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
    missing = sorted((set(ours) ^ set(theirs)) - (set(ours) & set(bench.without_reference))) if theirs is not None else []
    return rows, missing


def wrongly_declared(bench, rows, prefix=None):
    """What `without_reference` says and is not so: a row that has one, or that nobody measured."""
    measured = {row.name: row for row in rows}
    declared = [name for name in bench.without_reference if name.startswith(prefix or "")]
    problems = [f"row '{name}' of without_reference was not measured" for name in declared if name not in measured]
    return problems + [f"row '{name}' has a reference, although without_reference names it" for name in declared
                       if name in measured and measured[name].reference is not None]


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
        theirs = "-" if row.reference is None else number(row.reference)
        ratio = "-" if row.ratio() is None else f"{row.ratio():.3f}"
        lines.append(f"{row.name:<{width}} {number(row.value):>12} {theirs:>12} {ratio:>7}  {row.unit}")
    return "\n".join(lines)


def number(value):
    """Whole numbers with all their digits."""
    return str(int(value)) if value == int(value) else f"{value:.6g}"
