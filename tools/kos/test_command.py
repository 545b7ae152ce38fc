"""./kos test: chooses tests, runs them, prints one line each and the counts.

What a test is: host_tests.py (unit tests) and declarations.py (test.json: systems in QEMU, and scripts).
How a system is run and judged: system_tests.py."""

import os
import secrets
import shlex
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from kos import build, declarations, elf, host_tests, processes, system_tests
from kos.arguments import Parser, positive, seconds
from kos.board import board
from kos.common import BUILD, EXIT_FAILED, EXIT_MISSING, EXIT_USAGE, KosError, processors, say, shown

LOGS = BUILD / "test-logs"


@dataclass(frozen=True)
class Outcome:
    """What one test gave. `note` is shown behind its name; `problems` is empty if it passed."""

    problems: list
    seconds: float
    note: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Case:
    """One line of the report. It is chosen by any of its groups and names, and run by `execute(log) -> Outcome`."""

    id: str
    groups: tuple
    names: tuple
    replay: str
    execute: Callable


def parser():
    result = Parser("test")
    result.add_argument("names", metavar="NAME", nargs="*")
    result.add_argument("--list", action="store_true")
    result.add_argument("--sel4", type=Path, metavar="PATH")
    result.add_argument("--sel4-smp", type=Path, metavar="PATH")
    result.add_argument("--seed", metavar="N")
    result.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    result.add_argument("--host-time", action="store_true")
    result.add_argument("--timeout", type=seconds)
    result.add_argument("--jobs", type=positive, default=max(1, processors() // 2))
    return result


def main(arguments):
    arguments.seed = seed_of(arguments.seed)
    for path in (arguments.sel4, arguments.sel4_smp):
        if path:
            elf.check_kernel(path, board())
    if arguments.list:
        for case in cases(arguments):
            print(f"{case.id:<40} {' '.join(case.groups)}")
        return 0
    try:
        build.everything(install=not arguments.no_install)
    except KosError as error:
        if error.status == EXIT_MISSING:
            raise
        say(str(error))
        print("FAIL  build")
        return summary([Outcome([str(error)], 0)])
    chosen = choose(cases(arguments), arguments.names)
    return summary(run_all(chosen, arguments.jobs))


def seed_of(text):
    if text is None:
        return None
    if text == "random":
        return secrets.randbelow(1 << 32)
    if not text.isdecimal():
        raise KosError(f"--seed {text}: expected a number or 'random'", EXIT_USAGE)
    return int(text)


def cases(arguments):
    return [host_case(test, arguments) for test in host_tests.tests()] + system_cases(arguments)


def host_case(test, arguments):
    environment = dict(os.environ)
    if arguments.seed is not None:
        environment["KOS_TEST_SEED"] = str(arguments.seed)

    def execute(log):
        problems, taken = host_tests.run(test, log, arguments.timeout or test.timeout_s, environment)
        return Outcome(problems, taken)

    case_id = f"host/{test.name}"
    return Case(case_id, ("host", *test.labels), (test.name, case_id), f"./kos test {case_id}", execute)


def system_cases(arguments):
    result = []
    for test in declarations.tests():
        for variant in system_tests.variants(test, arguments.sel4, arguments.sel4_smp):
            for seed in seeds(test, arguments):
                result.append(system_case(test, variant, seed, arguments))
    return result


def seeds(test, arguments):
    if not test.seeds:
        return [None]
    return [arguments.seed] if arguments.seed is not None else list(test.seeds)


def system_case(test, variant, seed, arguments):
    plain = f"{test.name}@{variant.name}"
    case_id = plain if seed is None else f"{plain}#{seed}"
    replay = ["./kos", "test", plain]
    if seed is not None:
        replay += ["--seed", str(seed)]
    for change in arguments.set:
        replay += ["--set", change]
    for option, path in (("--sel4", arguments.sel4), ("--sel4-smp", arguments.sel4_smp)):
        if path and variant.name == option[2:]:
            replay += [option, shown(path)]

    def execute(log):
        started = time.monotonic()
        problems, note, skipped = system_tests.run(test, variant, seed, arguments, log)
        return Outcome(problems, time.monotonic() - started, note, skipped)

    return Case(case_id, (test.group,), (test.name, plain, case_id), shlex.join(replay), execute)


def choose(available, names):
    """The cases that one of the names means; all without a name. A name that means none is a mistake."""
    for name in names:
        if not any(name in case.groups + case.names for case in available):
            raise KosError(f"no test '{name}' (./kos test --list)", EXIT_USAGE)
    return [case for case in available if not names or set(names) & set(case.groups + case.names)]


def run_all(chosen, jobs):
    """Runs the cases, several at a time, and reports each when it ends."""
    reporting = threading.Lock()
    interrupted = threading.Event()

    def run_one(case):
        log = LOGS / (case.id.replace("/", "-") + ".log")
        log.unlink(missing_ok=True)  # of an earlier run
        try:
            outcome = case.execute(log)
        except KosError as error:  # of this test only, e.g. its kernel is not built
            outcome = Outcome([str(error)], 0)
        with reporting:
            if not interrupted.is_set():
                report(case, outcome, log)
        return outcome

    with ThreadPoolExecutor(jobs) as executor:
        futures = [executor.submit(run_one, case) for case in chosen]
        try:
            return [future.result() for future in futures]
        except BaseException:  # also an interrupt: nothing may go on running
            interrupted.set()
            executor.shutdown(wait=False, cancel_futures=True)
            # Not concurrent.futures.wait(): to it, a cancelled future is done only when a worker has seen it.
            while not all(future.done() for future in futures):
                processes.stop_all()
                time.sleep(0.05)
            raise


def report(case, outcome, log):
    word = "FAIL" if outcome.problems else "skip" if outcome.skipped else "pass"
    print(f"{word}  {case.id:<40} {outcome.seconds:7.2f} s  {outcome.note}".rstrip())
    if outcome.problems:
        for problem in outcome.problems[:20]:
            print(f"      {problem}")
        if len(outcome.problems) > 20:
            print(f"      and {len(outcome.problems) - 20} more")
        print(f"      again: {case.replay}")
        if log.exists():
            print(f"      log: {shown(log)}")
    sys.stdout.flush()


def summary(outcomes):
    failed = sum(1 for o in outcomes if o.problems)
    skipped = sum(1 for o in outcomes if o.skipped and not o.problems)
    passed = len(outcomes) - failed - skipped
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if failed == 0 and passed > 0 else EXIT_FAILED
