"""Compiles a system description (docs/manifest.md) with tools/manifest into a root task: root with manifest and programs."""

import hashlib
import subprocess
import sys
from pathlib import Path

from kos import native_apps, root_images
from kos.common import HOST, TARGET, TOP, KosError, shown
from kos.image import IMAGES

MANIFEST = HOST / "tools/manifest/kos-manifest"
ROOT = TARGET / "services/root/root.elf"
PROGRAMS = TARGET / "apps"


def compile_system(description, warnings=False, parameters=None, releases=None):
    """Returns the path of the ELF file. Mistakes in the description end the command; `warnings` are shown on demand.

    `parameters`: "domain.name" -> value, in place of the description's. `releases`: root image -> folder of a release, in
    place of the `release` of its root.toml.

    A report of everything in the system is beside the ELF file, with the suffix .md, and the ports that it forwards,
    with the suffix .json."""
    description = Path(description)
    for what, path in (("kos-manifest", MANIFEST), ("root", ROOT), ("the system", description)):
        if not path.is_file():
            raise KosError(f"{what} is missing: {shown(path)}")
    IMAGES.mkdir(parents=True, exist_ok=True)
    # Descriptions of the same name come from different folders.
    replaced = [f"{name}={value}" for name, value in (parameters or {}).items()]
    where = hashlib.sha256(" ".join([str(description.resolve()), *replaced, *map(str, (releases or {}).items())]).encode()).hexdigest()[:8]
    image = IMAGES / f"{description.resolve().parent.name}-{where}.elf"
    words = [MANIFEST, "build", shown(description), "--root", ROOT, "-o", image, "--report", image.with_suffix(".md"),
             "--network", image.with_suffix(".json"),
             *sources(description, releases)]
    for one in replaced:
        words += ["--parameter", one]
    run_compiler(words, warnings)
    return image


def check_system(description, report=None, graph=None, releases=None):
    """Checks the description and writes what is asked for; mistakes end the command, warnings are shown."""
    words = [MANIFEST, "check", shown(description), *sources(Path(description), releases)]
    for option, file in (("--report", report), ("--graph", graph)):
        if file:
            words += [option, file]
    run_compiler(words, warnings=True)


def package(description, domain, output, releases=None):
    """What replaces one application of a running device, signed with the development key (services/root/push_format.h)."""
    run_compiler([MANIFEST, "package", shown(description), "--domain", domain, "-o", output,
                  *sources(Path(description), releases)], warnings=False)


def sources(description, releases):
    """Where kos-manifest finds programs, services and images. Makes those that are the project's own."""
    own = native_apps.compile_for(description)
    # First: this tree has examples and tests whose programs may have the same names.
    words = ["--programs", own] if own else []
    words += ["--programs", PROGRAMS, "--services", TOP / "services", "--services", TOP / "drivers"]
    images = root_images.folder_for(description, releases)
    if images:
        words += ["--images", images]
    return words


def run_compiler(words, warnings):
    process = subprocess.run([str(word) for word in words], check=False, text=True, capture_output=True)
    if process.returncode != 0:
        raise KosError(process.stderr.strip() or f"kos-manifest failed with status {process.returncode}")
    if warnings:
        print(process.stderr, end="", file=sys.stderr, flush=True)


def root_task(elf, system, warnings=False, parameters=None):
    """The root task that a test or benchmark declares: an ELF file of the build, or a system made into one."""
    return compile_system(TOP / system, warnings, parameters) if system else TARGET / elf
