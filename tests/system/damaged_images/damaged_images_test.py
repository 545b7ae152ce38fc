"""Boots images that are wrong in one way each. Each must end in one line that says what is wrong, then power off.

The list is cases.py. What is damaged is built from the stand-in kernel and root task of tests/system/loader, so that a
loader that lets something pass is noticed: the stand-in kernel would print."""

import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cases
from kos.common import TARGET, KosError
from kos.results import Results

TIMEOUT_S = 60
PREFIX = "KOS loader: error: "


def serial_output(words, until=None):
    """What QEMU prints until it ends, or until the text `until`; and whether it ended by itself."""
    process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    if until is None:
        try:
            return process.communicate(timeout=TIMEOUT_S)[0].decode("ascii", "replace"), process.returncode == 0
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[0].decode("ascii", "replace"), False
    try:
        output = b""
        while until.encode() not in output and (more := process.stdout.read1()):
            output += more
    finally:
        process.kill()
        process.wait()
    return output.decode("ascii", "replace"), True


def problem_of(case, folder):
    """None, or what the loader did instead."""
    words = case.machine + case.arguments(folder)
    output, ended = serial_output(words, "\n" if case.halts else None)
    lines = [line for line in output.replace("\r\n", "\n").split("\n") if line]
    pattern = re.escape(PREFIX + case.expected).replace(r"\*", "0x[0-9a-f]+")
    if len(lines) != 1 or not re.fullmatch(pattern, lines[0]):
        return f"expected the line '{PREFIX}{case.expected}', found {lines[:2]}"
    if not ended:
        return "the line is right, but the machine was not powered off"
    return None


def main():
    results = Results()
    with tempfile.TemporaryDirectory(dir=TARGET) as folder:
        listed = cases.all_cases(Path(folder))

        def run(number_and_case):
            number, case = number_and_case
            own = Path(folder) / str(number)
            own.mkdir()
            try:
                return problem_of(case, own)
            except KosError as error:
                return str(error)

        with ThreadPoolExecutor(2) as executor:
            for case, problem in zip(listed, executor.map(run, enumerate(listed))):
                results.add(case.name, problem)
    return results.finish()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KosError as error:
        sys.exit(f"damaged_images_test: {error}")
