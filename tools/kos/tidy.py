"""./kos tidy: what a tool can check about style. Runs every check, then says how many found something."""

import json
import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

from kos import build, layering, links, tracked
from kos.arguments import Parser
from kos.common import BUILD, EXIT_FAILED, TOP, KosError, processors, run

LONG_FILE_LINES = 600
DATABASE = BUILD / "tidy"
# Options that Clang does not know, and -Werror: Clang's own warnings are not what is checked here.
NOT_FOR_CLANG = ("-Werror", "-fno-tree-loop-distribute-patterns")


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
        checks.append(("static checks", static_checks))
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


def static_checks():
    entries = write_database()
    with ThreadPoolExecutor(processors()) as executor:
        found = executor.map(clang_tidy, [entry["file"] for entry in entries])
        # A header's problem is found once per file that includes it.
        return list(dict.fromkeys(problem for problems in found for problem in problems))


def write_database():
    """One compile command per source file: the kernel's sources are compiled once per configuration."""
    chosen = {}
    ours = set(tracked.files())
    for preset in build.PRESETS:
        for entry in json.loads((BUILD / preset / "compile_commands.json").read_text()):
            name = entry["file"].removeprefix(f"{TOP}/")
            if name in ours and name.endswith(tracked.C_FAMILY):
                chosen[name] = entry
    DATABASE.mkdir(parents=True, exist_ok=True)
    (DATABASE / "compile_commands.json").write_text(json.dumps([for_clang(e) for e in chosen.values()]))
    return list(chosen.values())


def for_clang(entry):
    words = [word for word in shlex.split(entry["command"]) if word not in NOT_FOR_CLANG]
    return {"directory": entry["directory"], "file": entry["file"], "arguments": words}


def clang_tidy(file):
    result = subprocess.run(["clang-tidy", "-p", DATABASE, "--quiet", "--extra-arg=-Wno-unknown-warning-option",
                             "--extra-arg=-Wno-unused-command-line-argument", file],
                            cwd=TOP, text=True, capture_output=True, check=False)
    if result.returncode == 0:
        return []
    found = re.findall(r"^(/\S+?)(:\d+:\d+: (?:error|warning): .*)$", result.stdout, re.MULTILINE)
    found = [os.path.relpath(path, TOP) + rest for path, rest in found]
    return found or [f"{file}: clang-tidy failed: {(result.stdout + result.stderr).strip()[-500:]}"]


def long_files():
    for name in tracked.with_suffix(*tracked.CODE):
        count = len((TOP / name).read_bytes().splitlines())
        if count > LONG_FILE_LINES:
            yield name, count
