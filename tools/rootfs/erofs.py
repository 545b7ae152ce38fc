"""An EROFS image of a folder, by mkfs.erofs: the same folder gives the same bytes."""

import os
import re
import tempfile
from pathlib import Path

from kos.common import KosError, output_of

PROGRAM = "mkfs.erofs"
UUID = "4b4f5300-0000-4000-8000-000000000001"  # of every image: what is in it names it
TIME = 0  # of every file
COMPRESSIONS = {"none": [], "lz4": ["-zlz4"], "lz4hc": ["-zlz4hc"]}


def version():
    # It writes its version to stderr in some releases.
    text = output_of(["sh", "-c", f"{PROGRAM} -V 2>&1 || {PROGRAM} --help 2>&1 || true"])
    match = re.search(r"(\d+\.\d+[\w.-]*)", text)
    return match[1] if match else text.strip()[:40]


def make(tree, image, compression):
    """Writes `tree` to the file `image`, which appears when it is complete."""
    if compression not in COMPRESSIONS:
        raise KosError(f"compression {compression!r}: expected one of {' '.join(COMPRESSIONS)}")
    image = Path(image)
    image.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kos-root-", dir=image.parent) as folder:
        staging = Path(folder) / "tree"
        tree.write(staging)
        output = Path(folder) / "image"
        try:
            output_of([PROGRAM, "--quiet", f"-T{TIME}", f"-U{UUID}", "--all-root", "-x-1",
                       *COMPRESSIONS[compression], output, staging])
            output.chmod(0o644)
            os.replace(output, image)
        finally:
            for place, folders, _ in os.walk(staging):  # folders of the tree that may not be written to
                os.chmod(place, 0o700)
                for name in folders:
                    if not os.path.islink(os.path.join(place, name)):
                        os.chmod(os.path.join(place, name), 0o700)
    return image
