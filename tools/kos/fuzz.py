"""./kos fuzz: runs fuzz targets guided by coverage (clang's libFuzzer), one after the other.

What a target is: cmake/kos_fuzz.cmake and tests/fuzz/harness. The inputs that a run finds lie in build/fuzz-corpus/NAME and
are where the next one begins; the input of a finding lies in build/fuzz-findings."""

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from kos import build, packages, processes
from kos.arguments import Parser, positive, seconds
from kos.common import BUILD, EXIT_FAILED, EXIT_USAGE, KosError, say, shown

PRESET = "fuzz"
CORPUS = BUILD / "fuzz-corpus"
FINDINGS = BUILD / "fuzz-findings"
LOGS = BUILD / "fuzz-logs"
SECONDS = 60
# One input may take so long; it costs microseconds to milliseconds.
INPUT_TIMEOUT_S = 20
MEMORY_MB = 4096
# Beyond the time that libFuzzer is given: start, the corpus, the end.
GRACE_S = 120


@dataclass(frozen=True)
class Target:
    name: str
    program: Path
    corpus: Path  # committed inputs; may be missing

    @property
    def build_name(self):
        return self.program.name


@dataclass(frozen=True)
class Outcome:
    status: int
    executions: int
    edges: int
    seconds: float
    log: Path


def parser():
    result = Parser("fuzz")
    result.add_argument("names", metavar="NAME", nargs="*")
    result.add_argument("--list", action="store_true")
    result.add_argument("--seconds", type=seconds, default=SECONDS)
    result.add_argument("--seed", type=positive, default=1)
    result.add_argument("--input", type=Path, metavar="FILE")
    return result


def main(arguments):
    packages.ensure(install=not arguments.no_install)
    build.configure(PRESET)
    build.compile_preset(PRESET, ["build.ninja"])  # CMake once more, if something about targets has changed
    if arguments.list:
        print("\n".join(sorted(targets())))
        return 0
    if arguments.input and len(arguments.names) != 1:
        raise KosError("--input FILE needs one NAME", EXIT_USAGE)
    if arguments.input and not arguments.input.is_file():
        raise KosError(f"--input {arguments.input}: no such file", EXIT_USAGE)
    known = targets()
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        raise KosError(f"no fuzz target '{unknown[0]}' (./kos fuzz --list)", EXIT_USAGE)
    chosen = [known[name] for name in arguments.names or sorted(known)]
    build.compile_preset(PRESET, [target.build_name for target in chosen])
    if arguments.input:
        return EXIT_FAILED if replay(chosen[0], arguments.input) else 0
    failed = 0
    for target in chosen:
        failed += not report(target, run(target, arguments.seconds, arguments.seed))
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return EXIT_FAILED if failed else 0


def targets():
    """The fuzz targets of the configured build, by name."""
    file = BUILD / PRESET / "fuzz_targets.txt"
    if not file.exists():
        raise KosError(f"{shown(file)} is missing: cmake has not finished")
    return parse_targets(file.read_text())


def parse_targets(text):
    found = {}
    for line in text.splitlines():
        name, program, corpus = line.split(" ")
        found[name] = Target(name, Path(program), Path(corpus))
    return found


def run(target, duration_s, seed):
    """Fuzzes one target; its output goes to a file."""
    corpus = CORPUS / target.name
    for folder in (corpus, FINDINGS, LOGS):
        folder.mkdir(parents=True, exist_ok=True)
    log_path = LOGS / f"{target.name}.log"
    words = [target.program, f"-max_total_time={max(1, round(duration_s))}", f"-seed={seed}", "-print_final_stats=1",
             f"-timeout={INPUT_TIMEOUT_S}", f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={FINDINGS}/{target.name}-",
             corpus]
    if target.corpus.is_dir():
        words.append(target.corpus)
    started = time.monotonic()
    with open(log_path, "wb") as log:
        process = processes.start([str(word) for word in words], env=environment(corpus), cwd=LOGS, stdout=log,
                                  stderr=subprocess.STDOUT)
        try:
            status = process.wait(duration_s + GRACE_S)
        except subprocess.TimeoutExpired:
            status = -1
        finally:
            processes.stop(process)
    text = log_path.read_text(errors="replace")
    return Outcome(status, executions_of(text), edges_of(text), time.monotonic() - started, log_path)


def environment(corpus):
    return dict(os.environ, KOS_FUZZ_SEEDS=str(corpus), UBSAN_OPTIONS="print_stacktrace=1")


def executions_of(text):
    """Of libFuzzer's last statistics; after a finding, of its last progress line."""
    found = re.findall(r"^stat::number_of_executed_units:\s*(\d+)", text, re.MULTILINE)
    found = found or re.findall(r"^#(\d+)\s", text, re.MULTILINE)
    return int(found[-1]) if found else 0


def edges_of(text):
    found = re.findall(r"\bcov: (\d+)", text)
    return int(found[-1]) if found else 0


def report(target, outcome):
    """Prints one line, and why it failed; returns whether nothing was found and something ran."""
    passed = outcome.status == 0 and outcome.executions > 0
    print(f"{'ok' if passed else 'FAIL':<5} {target.name:<20} {outcome.executions:>10} executions, "
          f"{outcome.edges} edges, {outcome.seconds:.0f} s", flush=True)
    if passed:
        return True
    text = outcome.log.read_text(errors="replace")
    why = re.findall(r"^(?:SUMMARY: .*|fuzz: .*|.*Failure$|==\d+==.*ERROR: .*)", text, re.MULTILINE)
    for line in (why or text.splitlines())[-6:]:
        print(f"      {line}")
    for file in re.findall(r"Test unit written to (\S+)", text):
        print(f"      again: ./kos fuzz {target.name} --input {shown(file)}")
    print(f"      log: {shown(outcome.log)}", flush=True)
    return False


def replay(target, file):
    """Runs one input with the output on this terminal; returns the exit status."""
    say(f"{target.name}: {shown(file)}")
    return subprocess.run([target.program, file], check=False, env=dict(os.environ)).returncode
