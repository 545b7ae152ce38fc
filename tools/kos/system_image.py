"""Compiles a system description (docs/manifest.md) with tools/manifest into a root task: root with manifest and programs."""

import hashlib
import subprocess
import sys
from pathlib import Path

from kos import root_images
from kos.common import HOST, TARGET, TOP, KosError, shown
from kos.image import IMAGES

MANIFEST = HOST / "tools/manifest/kos-manifest"
ROOT = TARGET / "services/root/root.elf"
PROGRAMS = TARGET / "apps"


def compile_system(description, warnings=False, parameters=None):
    """Returns the path of the ELF file. Mistakes in the description end the command; `warnings` are shown on demand.

    `parameters`: "domain.name" -> value, in place of the description's.

    A report of everything in the system is beside the ELF file, with the suffix .md."""
    description = Path(description)
    for what, path in (("kos-manifest", MANIFEST), ("root", ROOT), ("the system", description)):
        if not path.is_file():
            raise KosError(f"{what} is missing: {shown(path)}")
    IMAGES.mkdir(parents=True, exist_ok=True)
    # Descriptions of the same name come from different folders.
    replaced = [f"{name}={value}" for name, value in (parameters or {}).items()]
    where = hashlib.sha256(" ".join([str(description.resolve()), *replaced]).encode()).hexdigest()[:8]
    image = IMAGES / f"{description.resolve().parent.name}-{where}.elf"
    words = [MANIFEST, "build", shown(description), "--root", ROOT, "--programs", PROGRAMS,
             "--services", TOP / "services", "--services", TOP / "drivers", "-o", image,
             "--report", image.with_suffix(".md")]
    for one in replaced:
        words += ["--parameter", one]
    images = root_images.folder_for(description)
    if images:
        words += ["--images", images]
    process = subprocess.run([str(word) for word in words], check=False, text=True, capture_output=True)
    if process.returncode != 0:
        raise KosError(process.stderr.strip() or f"kos-manifest failed with status {process.returncode}")
    if warnings:
        print(process.stderr, end="", file=sys.stderr, flush=True)
    return image


def root_task(elf, system, warnings=False, parameters=None):
    """The root task that a test or benchmark declares: an ELF file of the build, or a system made into one."""
    return compile_system(TOP / system, warnings, parameters) if system else TARGET / elf
