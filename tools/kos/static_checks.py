"""Clang-tidy over the files of both presets, for ./kos tidy. Needs what ./kos build makes: the commands that compile
each file, generated headers, and Ninja's record of the headers that each file includes.

A file without findings is not checked again until something changes that its result depends on: Clang-tidy, its
configuration, the compile command, the file, or a header. The keys of such files lie in build/tidy/clean; a file that
Ninja knows no headers of is always checked."""

import hashlib
import json
import os
import re
import shlex
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from kos import build, tracked
from kos.common import BUILD, TOP, output_of, processors

DATABASE = BUILD / "tidy"
CLEAN = DATABASE / "clean"
# Options that Clang does not know, and -Werror: Clang's own warnings are not what is checked here.
NOT_FOR_CLANG = ("-Werror", "-fno-tree-loop-distribute-patterns")
OPTIONS = ("--quiet", "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-unused-command-line-argument")


def check():
    """Problems as `file:line:column: text`."""
    entries = write_database()
    keys = Keys(read_headers())
    clean = CleanFiles(CLEAN)
    with ThreadPoolExecutor(processors()) as executor:
        found = list(executor.map(lambda entry: check_file(entry, keys.of(entry), clean), entries))
    clean.forget_unused()
    # A header's problem is found once per file that includes it.
    return list(dict.fromkeys(problem for problems in found for problem in problems))


def check_file(entry, key, clean):
    if key and clean.knows(key):
        return []
    problems = clang_tidy(entry["file"])
    if key and not problems:
        clean.add(key)
    return problems


def write_database():
    """One compile command per source file: the kernel's sources are compiled once per configuration."""
    chosen = {}
    ours = set(tracked.files())
    for preset in build.PRESETS:
        for entry in json.loads((BUILD / preset / "compile_commands.json").read_text()):
            name = entry["file"].removeprefix(f"{TOP}/")
            if name in ours and name.endswith(tracked.C_FAMILY):
                chosen[name] = for_clang(entry)
    DATABASE.mkdir(parents=True, exist_ok=True)
    (DATABASE / "compile_commands.json").write_text(json.dumps(list(chosen.values())))
    return list(chosen.values())


def for_clang(entry):
    words = [word for word in shlex.split(entry["command"]) if word not in NOT_FOR_CLANG]
    return {"directory": entry["directory"], "file": entry["file"], "arguments": words}


def clang_tidy(file):
    result = subprocess.run(["clang-tidy", "-p", DATABASE, *OPTIONS, file],
                            cwd=TOP, text=True, capture_output=True, check=False)
    if result.returncode == 0:
        return []
    found = re.findall(r"^(/\S+?)(:\d+:\d+: (?:error|warning): .*)$", result.stdout, re.MULTILINE)
    found = [os.path.relpath(path, TOP) + rest for path, rest in found]
    return found or [f"{file}: clang-tidy failed: {(result.stdout + result.stderr).strip()[-500:]}"]


def read_headers():
    """(build folder, object file) -> the files it was compiled from, of both presets."""
    found = {}
    for preset in build.PRESETS:
        folder = BUILD / preset
        for name, files in parse_headers(output_of(["ninja", "-C", folder, "-t", "deps"])).items():
            found[str(folder), name] = files
    return found


def parse_headers(text):
    """What `ninja -t deps` printed: "OBJECT: #deps N, deps mtime T (VALID)", then the files, each on a line of its
    own. What is older than its object file is marked STALE, and left out."""
    found = {}
    files = []
    for line in text.splitlines():
        if line.startswith(" "):
            files.append(line.strip())
        elif line:
            files = []
            name, _, state = line.partition(": #deps ")
            if state.endswith("(VALID)"):
                found[name] = files
    return found


class Keys:
    """Content hashes of everything that the result of one file depends on."""

    def __init__(self, headers):
        self.headers = headers
        self.common = [output_of(["clang-tidy", "--version"]), *OPTIONS]
        self.common += [self.digest(TOP / name) for name in tracked.files() if Path(name).name == ".clang-tidy"]

    def of(self, entry):
        """None if it is not known what the file includes."""
        words = entry["arguments"]
        output = words[words.index("-o") + 1] if "-o" in words[:-1] else None
        files = self.headers.get((entry["directory"], output))
        if not files:
            return None
        paths = [Path(entry["directory"], name) for name in files]
        if not all(path.is_file() for path in paths):
            return None
        parts = [*self.common, *words, *(f"{path} {self.digest(path)}" for path in paths)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @staticmethod
    @cache
    def digest(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()


class CleanFiles:
    """The keys of files without findings. Each is stored as soon as it is known: a run may be interrupted."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.known = set(path.read_text().split()) if path.exists() else set()
        self.used = set()

    def knows(self, key):
        with self.lock:
            if key in self.known:
                self.used.add(key)
            return key in self.known

    def add(self, key):
        with self.lock:
            self.used.add(key)
            with self.path.open("a") as file:
                file.write(f"{key}\n")

    def forget_unused(self):
        """Nothing else would ever make the file shorter."""
        self.path.write_text("".join(f"{key}\n" for key in sorted(self.used)))
