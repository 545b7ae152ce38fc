"""Packs loader, kernel and root task into one boot image with tools/mkimage."""

import hashlib
import os
from pathlib import Path

from kos import elf
from kos.board import board
from kos.common import BUILD, HOST, TARGET, TOP, KosError, output_of

MKIMAGE = HOST / "tools/mkimage/mkimage"
LOADER = TARGET / "boot/loader.elf"
IMAGES = BUILD / "images"


def pack(kernel, root_task, cores):
    """Returns the path of the image. Every call packs again: it takes milliseconds and is never stale."""
    for what, path in (("mkimage", MKIMAGE), ("the loader", LOADER), ("the root task", root_task)):
        if not Path(path).is_file():
            raise KosError(f"{what} is missing: {os.path.relpath(path, TOP)}")
    elf.check_kernel(Path(kernel), board())
    IMAGES.mkdir(parents=True, exist_ok=True)
    # Kernels of the same file name come from different folders.
    where = hashlib.sha256(f"{Path(kernel).resolve()} {Path(root_task).resolve()} {cores}".encode()).hexdigest()[:8]
    image = IMAGES / f"{Path(root_task).stem}-on-{Path(kernel).stem}-{where}.elf"
    # mkimage replaces the file when it is complete, so two tests may pack the same image at a time.
    output_of([MKIMAGE, "--loader", LOADER, "--kernel", kernel, "--root", root_task, "--cores", cores, "-o", image])
    return image
