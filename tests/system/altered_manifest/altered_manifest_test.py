"""Boots systems whose manifest, signature or programs were altered behind the back of the boot image's signature.

Each is packed and signed as a boot image after it was altered, so that the loader has nothing to object to: what is
left is root, which must refuse to start anything, say why, and restart the machine. What it must accept is booted, too:
the system as it is, with the warning about the development key, and signed with another key, without it."""

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from bundle import FIRST_PROGRAM, MANIFEST, PUBLIC_KEY, SIGNATURE, SIGNED, Bundle
from kos import board, image, qemu, system_image
from kos.common import TOP, KosError, output_of
from kos.results import Results

SYSTEM = TOP / "tests/system/core/system.toml"
TIMEOUT_S = 60
PANIC = "root: panic: "
RESTARTS = "root: restarts the machine"
DEVELOPMENT = "DEVELOPMENT KEY"
WRONG = "the manifest's signature is wrong: altered, or signed with another key"
NO_BUNDLE = "there is no bundle behind root, or its header is damaged"
NO_SIGNATURE = "the bundle does not begin with a manifest and its signature"
NOT_NAMED = "a program is missing or not the one that the manifest names: "
RUNS = '"verdict":"pass"'  # of the system's own test


@dataclass(frozen=True)
class Case:
    name: str
    change: Callable  # Bundle -> None; what is booted
    refusal: str | None  # what root says; None: it starts the system
    warns: bool = True  # of the development key


def cases(folder, good):
    """`good` is the system as it was built."""
    other_key = folder / "other_key"
    other_key.write_text("07" * 32)
    other = folder / "other.elf"
    output_of([system_image.MANIFEST, "sign", good, "--key", other_key, "-o", other])
    manifest, size = Bundle(good).entry(MANIFEST)

    def flipped(at):
        return lambda bundle: bundle.flip(at)

    yield Case("as it was built", lambda bundle: None, None)
    yield Case("signed with a key of one's own", replaced_by(other), None, warns=False)
    for where, at in (("first byte", 0), ("size of the tree", 7), ("middle", size // 2), ("last byte", size - 1)):
        yield Case(f"manifest, {where}", flipped(manifest + at), WRONG)
    yield Case("manifest of the other key, middle", then(replaced_by(other), flipped(manifest + size // 2)), WRONG)
    signature = Bundle(good).entry(SIGNATURE)[0]
    yield Case("signature, first byte", flipped(signature + SIGNED[0]), WRONG)
    yield Case("signature, last byte", flipped(signature + SIGNED[0] + SIGNED[1] - 1), WRONG)
    yield Case("signature of zeros", lambda bundle: bundle.fill(SIGNATURE, SIGNED, bytes(SIGNED[1])), WRONG)
    yield Case("no signature", lambda bundle: bundle.set_entry_count(1), NO_BUNDLE)
    yield Case("a program where the signature should be",
               lambda bundle: bundle.flip(bundle.entry_at(SIGNATURE)), NO_SIGNATURE)
    yield Case("signed with a key that root does not have", with_signature_of(other), WRONG)
    yield Case("signed with it, said to be root's", with_signature_of(other, key=False), WRONG)
    yield Case("no bundle", replaced_by(system_image.ROOT), NO_BUNDLE)
    for program, domain in (("echo", "echo"), ("appman", "appman")):
        yield Case(f"program of {domain}, one byte",
                   lambda bundle, name=program: bundle.flip(sum(bundle.entry(bundle.program_of(name))) - 1),
                   NOT_NAMED + domain)
    yield Case("hash of a program in the bundle",
               lambda bundle: bundle.flip(bundle.entry_at(bundle.program_of("echo")) + 56), NOT_NAMED + "echo")
    yield Case("a program left out", lambda bundle: bundle.set_entry_count(bundle.entry_count() - 1), NOT_NAMED)
    yield Case("no programs", lambda bundle: bundle.set_entry_count(FIRST_PROGRAM), NOT_NAMED)


def replaced_by(path):
    def change(bundle):
        bundle.data = bytearray(path.read_bytes())
    return change


def then(first, second):
    def change(bundle):
        first(bundle)
        second(bundle)
    return change


def with_signature_of(path, key=True):
    def change(bundle):
        other = Bundle(path)
        for place in (PUBLIC_KEY, SIGNED) if key else (SIGNED,):
            bundle.fill(SIGNATURE, place, other.field(SIGNATURE, place))
    return change


def serial_output(words, until):
    """What QEMU prints until it ends or has printed `until`; and whether it ended by itself."""
    with subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        watchdog = ThreadPoolExecutor(1)
        watchdog.submit(lambda: process.wait(TIMEOUT_S)).add_done_callback(lambda _: process.kill())
        output = b""
        while until.encode() not in output and (more := process.stdout.read1()):
            output += more
        ended = until.encode() not in output
        process.kill()
        watchdog.shutdown()
    return output.decode("ascii", "replace").replace("\r\n", "\n"), ended


def problem_of(case, folder, good):
    """None, or what root did instead."""
    bundle = Bundle(good)
    case.change(bundle)
    altered = folder / "system.elf"
    altered.write_bytes(bundle.data)
    packed = folder / "image.elf"
    output_of([image.MKIMAGE, "--loader", image.LOADER, "--kernel", board.keel("release"), "--root", altered,
               "--cores", "1", "-o", packed])
    words = [*qemu.command(packed, 1, icount=qemu.VIRTUAL_TIME), "-no-reboot"]
    output, ended = serial_output(words, RUNS)
    if case.refusal is None:
        if ended:
            return f"expected it to run, found {output[-200:]!r}"
        if (DEVELOPMENT in output) != case.warns:
            return "expected a warning about the development key" if case.warns else "warns of a development key"
        return None
    lines = [line for line in output.split("\n") if line.startswith("root: ") or line.startswith("|")]
    panics = [line for line in lines if line.startswith(PANIC + case.refusal)]
    if len(panics) != 1:
        return f"expected the line '{PANIC}{case.refusal}', found {lines[:4]}"
    if lines[lines.index(panics[0]) + 1:] != [RESTARTS]:
        return f"expected nothing but '{RESTARTS}' after the refusal, found {lines}"
    if not ended:
        return "the refusal is right, but the machine was not restarted"
    return None


def main():
    results = Results()
    good = system_image.compile_system(SYSTEM)
    with tempfile.TemporaryDirectory(prefix="kos-test-") as name:
        folder = Path(name)
        listed = list(cases(folder, good))

        def run(number_and_case):
            number, case = number_and_case
            own = folder / str(number)
            own.mkdir()
            try:
                return problem_of(case, own, good)
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
        sys.exit(f"altered_manifest_test: {error}")
