"""Boots a system in which a group fails until the supervisor has the machine restarted, and sees it boot again."""

import subprocess
import sys
import threading
from pathlib import Path

from kos import board, image, qemu, system_image
from kos.common import KosError
from kos.results import Results

SYSTEM = Path(__file__).parent / "system.toml"
LOADER = "KOS loader: qemu_virt"
BOOTED = "root: system restart-machine-test"
TIMEOUT_S = 90


def boot_twice():
    """What the serial line shows until root runs for the second time, or until time is up."""
    packed = image.pack(board.keel("release"), system_image.compile_system(SYSTEM), 1)
    words = [str(word) for word in qemu.command(packed, 1, icount=qemu.VIRTUAL_TIME)]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        timer = threading.Timer(TIMEOUT_S, process.kill)
        timer.start()
        output = b""
        while output.count(BOOTED.encode()) < 2 and (more := process.stdout.read1()):
            output += more
        timer.cancel()
        process.kill()
    return output.decode("ascii", "replace").replace("\r\n", "\n")


def main():
    results = Results()
    output = boot_twice()
    first, _, second = output.partition(LOADER)[2].partition(LOADER)
    failures = first.count("likely null pointer")
    results.add("two restarts, then a third failure", None if failures == 3 else f"{failures} failures: {first[-500:]}")
    results.add("the log says why", None if "reboot for group" in first else f"found: {first[-500:]}")
    results.add("the sibling went on until then", None if first.count("sibling starts") == 1 else first)
    results.add("root says so", None if "root: restarts the machine" in first else f"found: {first[-500:]}")
    results.add("the machine boots again", None if BOOTED in second else f"no second start: {first[-500:]}")
    return results.finish()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KosError as error:
        sys.exit(f"restart_machine_test: {error}")
