"""./kos tidy: what a tool can check about style. Runs every check, then says how many found something."""

import re
import subprocess

from kos import build, layering, links, static_checks, tracked
from kos.arguments import Parser
from kos.common import EXIT_FAILED, TOP, KosError, run

LONG_FILE_LINES = 600


def parser():
    result = Parser("tidy")
    result.add_argument("--fix", action="store_true")
    result.add_argument("--fast", action="store_true")
    return result


def main(arguments):
    # git is what ./kos installs for this command; a tree without history has nothing to check against.
    checks = [("layout", check_layout), ("links", links.check), ("layering", layering.check)]
    if arguments.fix:
        fix_layout()
    if not arguments.fast:
        # Headers that are generated, and the commands that compile each file.
        build.everything(install=not arguments.no_install)
        checks.append(("static checks", static_checks.check))
    failed = 0
    for name, check in checks:
        problems = list(check())
        for problem in problems:
            print(problem)
        print(f"{'FAIL' if problems else 'ok':<5} {name}" + (f": {len(problems)} found" if problems else ""), flush=True)
        failed += bool(problems)
    for name, count in long_files():
        print(f"note: {name}: {count} lines, more than {LONG_FILE_LINES}")
    return EXIT_FAILED if failed else 0


def fix_layout():
    names = tracked.with_suffix(*tracked.C_FAMILY)
    if names:
        run(["clang-format", "-i", *names], cwd=TOP)


def check_layout():
    """One problem per file: the first line that clang-format would change."""
    names = tracked.with_suffix(*tracked.C_FAMILY)
    if not names:
        return []
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *names], cwd=TOP, text=True,
                            capture_output=True, check=False)
    first = {}
    for match in re.finditer(r"^([^:\n]+):(\d+):\d+: error: ", result.stderr, re.MULTILINE):
        first.setdefault(match[1], match[2])
    if result.returncode != 0 and not first:
        raise KosError(f"clang-format: {result.stderr.strip()}")
    return [f"{name}:{line}: not laid out as .clang-format says (./kos tidy --fix)" for name, line in first.items()]


def long_files():
    for name in tracked.with_suffix(*tracked.CODE):
        count = len((TOP / name).read_bytes().splitlines())
        if count > LONG_FILE_LINES:
            yield name, count
