"""./kos test: chooses tests, runs them, prints one line each and the counts.

What a test is: host_tests.py (unit tests) and declarations.py (test.json: systems in QEMU, and scripts).
How a system is run and judged: system_tests.py."""

import os
import secrets
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from kos import build, declarations, elf, host_tests, system_tests
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
    """One line of the report. It is chosen by any of `names`, and run by `execute(log) -> Outcome`."""

    id: str
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
            print(case.id)
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
        environment["GTEST_RANDOM_SEED"] = str(arguments.seed)

    def execute(log):
        problems, taken = host_tests.run(test, log, arguments.timeout or test.timeout_s, environment)
        return Outcome(problems, taken)

    case_id = f"host/{test.name}"
    return Case(case_id, ("host", test.name, case_id, *test.labels), f"./kos test {case_id}", execute)


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
    replay = f"./kos test {plain}"
    if seed is not None:
        replay += f" --seed {seed}"
    for change in arguments.set:
        replay += f" --set {change}"
    for option, path in (("--sel4", arguments.sel4), ("--sel4-smp", arguments.sel4_smp)):
        if path and variant.name == option[2:]:
            replay += f" {option} {shown(path)}"

    def execute(log):
        started = time.monotonic()
        problems, note, skipped = system_tests.run(test, variant, seed, arguments, log)
        return Outcome(problems, time.monotonic() - started, note, skipped)

    return Case(case_id, (test.group, test.name, plain, case_id), replay, execute)


def choose(available, names):
    """The cases that one of the names means; all without a name. A name that means none is a mistake."""
    for name in names:
        if not any(name in case.names for case in available):
            raise KosError(f"no test '{name}' (./kos test --list)", EXIT_USAGE)
    return [case for case in available if not names or set(names) & set(case.names)]


def run_all(chosen, jobs):
    """Runs the cases, several at a time, and reports each when it ends."""
    reporting = threading.Lock()

    def run_one(case):
        log = LOGS / (case.id.replace("/", "-") + ".log")
        log.unlink(missing_ok=True)  # of an earlier run
        try:
            outcome = case.execute(log)
        except KosError as error:  # of this test only, e.g. its kernel is not built
            outcome = Outcome([str(error)], 0)
        with reporting:
            report(case, outcome, log)
        return outcome

    executor = ThreadPoolExecutor(jobs)
    try:
        return list(executor.map(run_one, chosen))
    finally:
        # Interrupted: the tests that run end with this process, those that wait must not start.
        executor.shutdown(wait=False, cancel_futures=True)


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
