"""The list of Debian packages (packages.txt) and the arm64 packages and sources among them.

The groups of this machine are ./kos's business (it installs them before Python may be there); this module
fetches the groups `target` and `source`."""

import shutil
from dataclasses import dataclass

from kos import apt_state
from kos.common import CACHE, EXIT_MISSING, TOP, KosError, say

LIST = TOP / "tools/kos/packages.txt"
GROUPS = ("base", "build", "run", "tidy", "docs", "gdb", "target", "source")
SYSROOT = CACHE / "sysroot"
SOURCES = CACHE / "src"
STAMPS = CACHE / "stamps"


@dataclass(frozen=True)
class Package:
    name: str
    group: str
    why: str


def parse(text):
    packages = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 2)
        if len(words) != 3 or words[1] not in GROUPS:
            raise KosError(f"packages.txt:{number}: expected NAME GROUP WHY, GROUP one of {' '.join(GROUPS)}")
        packages.append(Package(*words))
    return packages


def ensure(install):
    """Fetches the arm64 packages and sources that are not there yet. Costs a few file checks when all are."""
    listed = [p for p in parse(LIST.read_text()) if p.group in ("target", "source")]
    missing = [p for p in listed if not stamp(p).exists()]
    if not missing:
        return
    names = " ".join(f"{p.name}:arm64" if p.group == "target" else f"{p.name} (source)" for p in missing)
    if not install:
        raise KosError(f"missing downloads: {names}", EXIT_MISSING)
    say(f"downloading into build/cache: {names}")
    for package in missing:
        fetch_target_package(package.name) if package.group == "target" else fetch_source(package.name)


def stamp(package):
    return STAMPS / f"{package.group}-{package.name}"


def fetch_target_package(name):
    """Unpacks NAME:arm64 below build/cache/sysroot, without its dependencies: each is listed by itself."""
    state = apt_state.ready()
    archive = state.download(name)
    SYSROOT.mkdir(parents=True, exist_ok=True)
    apt_state.unpack(archive, SYSROOT)
    finish(Package(name, "target", ""), archive.name)


def fetch_source(name):
    """Unpacks the source of NAME, with Debian's patches applied, at build/cache/src/NAME."""
    state = apt_state.ready()
    description = state.download_source(name)
    folder = SOURCES / name
    if folder.exists():
        shutil.rmtree(folder)  # of an attempt that was interrupted
    SOURCES.mkdir(parents=True, exist_ok=True)
    apt_state.unpack_source(description, folder)
    finish(Package(name, "source", ""), description.name)


def finish(package, version):
    STAMPS.mkdir(parents=True, exist_ok=True)
    stamp(package).write_text(version + "\n")
