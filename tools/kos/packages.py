"""The list of Debian packages (packages.txt) and the arm64 packages and sources among them.

The groups of this machine are ./kos's business (it installs them before Python may be there); this module
fetches the groups `target` and `source`."""

import shutil
from dataclasses import dataclass

from kos import apt_state
from kos.common import CACHE, EXIT_MISSING, TOP, KosError, say

LIST = TOP / "tools/kos/packages.txt"
GROUPS = ("base", "build", "run", "fuzz", "tidy", "docs", "gdb", "graph", "mix", "browser", "target", "source")
SYSROOT = CACHE / "sysroot"
SOURCES = CACHE / "src"
STAMPS = CACHE / "stamps"


@dataclass(frozen=True)
class Package:
    name: str
    groups: tuple
    why: str


def parse(text):
    packages = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 2)
        groups = tuple(words[1].split(",")) if len(words) == 3 else ()
        if not groups or not set(groups) <= set(GROUPS):
            raise KosError(f"packages.txt:{number}: expected NAME GROUP WHY, GROUP some of {' '.join(GROUPS)}")
        packages.append(Package(words[0].split("[")[0], groups, words[2]))
    return packages


def ensure(install):
    """Fetches the arm64 packages and sources that are not there yet. Costs a few file checks when all are.

    `install` also holds for what is found to be needed later (root images)."""
    apt_state.allowed = install
    listed = parse(LIST.read_text())
    missing = [(kind, p.name) for kind in FETCH for p in listed if kind in p.groups and not stamp(kind, p.name).exists()]
    if not missing:
        return
    names = " ".join(f"{name}:arm64" if kind == "target" else f"{name} (source)" for kind, name in missing)
    if not install:
        raise KosError(f"missing downloads: {names}", EXIT_MISSING)
    say(f"downloading into build/cache: {names}")
    for kind, name in missing:
        FETCH[kind](name)


def fetch_target_package(name):
    """Unpacks NAME:arm64 below build/cache/sysroot, without its dependencies: each is listed by itself."""
    archive = apt_state.ready().download(name)
    SYSROOT.mkdir(parents=True, exist_ok=True)
    apt_state.unpack(archive, SYSROOT)
    finish("target", name, archive.name)


def fetch_source(name):
    """Unpacks the source of NAME, with Debian's patches applied, at build/cache/src/NAME."""
    description = apt_state.ready().download_source(name)
    folder = SOURCES / name
    if folder.exists():
        shutil.rmtree(folder)  # of an attempt that was interrupted
    SOURCES.mkdir(parents=True, exist_ok=True)
    apt_state.unpack_source(description, folder)
    finish("source", name, description.name)


FETCH = {"target": fetch_target_package, "source": fetch_source}


def stamp(kind, name):
    """The file that says that a download is complete, and of which version."""
    return STAMPS / f"{kind}-{name}"


def finish(kind, name, version):
    STAMPS.mkdir(parents=True, exist_ok=True)
    stamp(kind, name).write_text(version + "\n")
