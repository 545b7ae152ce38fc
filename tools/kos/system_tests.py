"""Runs one declared test on one kernel and says what is wrong with the result."""

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kos import board, declarations, image, network, qemu, system_image
from kos.common import TOP

# Nodes of the prebuilt smp kernels.
SEL4_SMP_CORES = 4


@dataclass(frozen=True)
class Variant:
    """What a test runs on. `kernel` is None for Keel's build of that name."""

    name: str
    cores: int
    kernel: Path | None = None

    def elf(self):
        return self.kernel or board.keel(self.name)


def variants(test, sel4, sel4_smp):
    """The kernels that a test runs on. A given seL4 stands in for Keel's build of as many cores."""
    if test.script and not test.kernels:
        return [Variant("script", 1)]
    if not sel4 and not sel4_smp:
        return [Variant(name, board.KERNELS[name]) for name in test.kernels]
    result = []
    if sel4 and "release" in test.kernels:
        result.append(Variant("sel4", 1, sel4))
    if sel4_smp and "smp-release" in test.kernels:
        result.append(Variant("sel4-smp", SEL4_SMP_CORES, sel4_smp))
    return result


def run(test, variant, seed, arguments, log):
    """Returns (problems, note, skipped)."""
    timeout = arguments.timeout or test.timeout_s
    if test.script:
        result = run_script(test, variant, seed, log, timeout)
        return judged(result, [])

    parameters = dict(test.parameters)
    if variant.kernel and variant.cores > 1:
        parameters |= test.parameters_on_sel4_smp
    append, parameters = declarations.replaced(test.append, parameters, arguments.set)
    append = append.replace("{seed}", str(seed))
    parameters = {key: str(value).replace("{seed}", str(seed)) for key, value in parameters.items()}
    # seL4 waits for its other cores without an instruction at which QEMU would let another core have its turn.
    takes_no_turns = variant.kernel and variant.cores > 1
    host_time = arguments.host_time or variant.name in test.host_time or takes_no_turns
    result = boot(test, variant, append, parameters, host_time, log, timeout)
    extra = []
    if variant.cores == 1 and result.end == "verdict":
        if str(seed) in test.digests and not arguments.set:
            extra += compare("the digest recorded on seL4", test.digests[str(seed)], last_digest(result))
        if variant.kernel and test.seeds and result.collected.digests:
            keel = boot(test, Variant("release", 1), append, parameters, host_time, log.with_suffix(".keel.log"), timeout)
            extra += [f"on Keel: {p}" for p in keel.problems()]
            extra += compare_digests(keel, result)
    return judged(result, extra)


def run_script(test, variant, seed, log, timeout):
    environment = dict(os.environ, PYTHONPATH=str(TOP / "tools"))
    if test.kernels:
        environment |= {"KOS_TEST_KERNEL": str(variant.elf()), "KOS_TEST_CORES": str(variant.cores)}
    if seed is not None:
        environment["KOS_TEST_SEED"] = str(seed)
    return qemu.run([sys.executable, test.file.parent / test.script], log, timeout, environment)


def boot(test, variant, append, parameters, host_time, log, timeout):
    if variant.kernel and test.append_on_sel4:
        append = f"{append} {test.append_on_sel4}"
    port = network.free_port("tcp") if any("{peer_port}" in value for value in parameters.values()) else None
    parameters = {key: value.replace("{peer_port}", str(port)) for key, value in parameters.items()}
    root_task = system_image.root_task(test.elf, test.system, parameters=parameters)
    packed = image.pack(variant.elf(), root_task, variant.cores)
    # A system has deadlines, so it gets a time of its own.
    icount = qemu.VIRTUAL_TIME if test.system and not host_time else None
    words = qemu.command(packed, variant.cores, append or None, icount, not test.host_devices)
    with tempfile.TemporaryDirectory(prefix="kos-test-") as folder:
        for name, size in test.disks.items():
            with open(Path(folder) / name, "wb") as disk:
                disk.truncate(size)
        words += [word.replace("{tmp}", folder) for word in test.qemu_arguments]
        forwards = network.forwards_of(root_task, network.free_port) if test.system else None
        if test.frames:
            words += network.frames_network(Path(folder))
        elif forwards is not None:
            words += network.user_network(forwards)
        try:
            return with_peer(test, Path(folder), log, forwards or [], port,
                             lambda: qemu.run(words, log, timeout, text=test.input))
        finally:
            if port:  # of no use to anybody else
                for file in (packed, root_task):
                    file.unlink(missing_ok=True)


def with_peer(test, folder, log, forwards, port, run_machine):
    """Runs the test's program on the host beside the machine; its problems are the run's."""
    if not test.peer:
        return run_machine()
    peer = network.Peer(test.file.parent / test.peer, folder, log, test.frames, forwards, port)
    found = []
    try:
        result = run_machine()
    finally:
        found = peer.problems()
    result.extra += found
    return result


def judged(result, extra):
    collected = result.collected
    problems = result.problems() + result.extra + extra
    passed, skipped = len(collected.results("pass")), len(collected.results("skip"))
    notes = [f"{passed} check{'s' if passed > 1 else ''}"] if passed else []
    if skipped:
        notes.append(f"{skipped} skipped")
    if collected.digests:
        notes.append(f"digest {last_digest(result)}")
    return problems, ", ".join(notes), bool(skipped and not passed and not problems)


def last_digest(result):
    digests = result.collected.digests
    return digests[-1]["digest"] if digests else None


def compare(what, expected, found):
    return [] if expected == found else [f"digest {found}, expected {expected} ({what})"]


def compare_digests(keel, sel4):
    """The first step at which two runs of the same seed differ says where to look."""
    ours, theirs = keel.collected.digests, sel4.collected.digests
    for mine, other in zip(ours, theirs):
        if mine != other:
            return [f"first difference: Keel {mine}, seL4 {other}"]
    if len(ours) != len(theirs):
        return [f"Keel gave {len(ours)} digests, seL4 {len(theirs)}"]
    return []
