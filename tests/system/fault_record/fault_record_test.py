"""An internal assertion of Keel fails on the running machine: the record must say what, where, which thread and the
chain of calls, and the machine must stop.

Nothing that user level can do makes an assertion fail, and no kernel has a way in for this test. QEMU's debugger damages
the kernel's memory instead: it stops where a capability is inserted into a slot that must be empty, and fills the slot."""

import re
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kos import image, processes, qemu
from kos.common import TARGET, KosError, output_of
from kos.results import Results
from remote_debugger import RemoteDebugger

KERNELS = [("release", 1), ("debug", 1), ("smp2-release", 2)]
ROOT_TASK = TARGET / "tests/system/kernel/kernel_test.elf"
INSERT = "keel::insert_derived("
TIMEOUT_S = 60
QUIET_S = 1.0  # nothing may be printed after the record
SLOT_REGISTER = 1  # second argument of INSERT: the slot
CAP_BYTES = 16

RECORD = re.compile(
    r"KEEL FAULT: assertion failed: slot\.cap\.is_null\(\)\n"
    r"  at: \S*core/derivation\.cpp:\d+\n"
    r"  core: 0\n"
    r"  thread: 0x[0-9a-f]+ \"[^\"]*\" pc 0x([0-9a-f]+) sp 0x[0-9a-f]+ x0 0x[0-9a-f]+ x1 0x[0-9a-f]+ x7 0x([0-9a-f]+)\n"
    r"  chain:((?: 0x[0-9a-f]+)+)\n$")


class Symbols:
    """Functions of an ELF by address."""

    def __init__(self, kernel):
        lines = output_of(["aarch64-linux-gnu-nm", "--demangle", "--numeric-sort", kernel]).splitlines()
        split = (line.split(" ", 2) for line in lines)
        self.functions = [(int(words[0], 16), words[2]) for words in split if words[1] in "tTwW"]

    def address(self, prefix):
        found = [address for address, name in self.functions if name.startswith(prefix)]
        if not found:
            raise KosError(f"the kernel has no function {prefix}")
        return found[0]

    def name_at(self, address):
        names = [name for start, name in self.functions if start <= address]
        return names[-1] if names else "nothing"


def read_until_quiet(process):
    """What the machine prints until it has been silent for a while after the mark of a fault record."""
    output = b""
    deadline = time.monotonic() + TIMEOUT_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if selector.select(QUIET_S):
                more = process.stdout.read1(65536)
                if not more:
                    break
                output += more
            elif b"KEEL FAULT" in output and output.endswith(b"\n"):
                break
    return output.decode("ascii", "replace").replace("\r\n", "\n")


def damage(debugger, symbols):
    """From the first system call of user level on, the first insertion finds its slot full."""
    debugger.run_to(symbols.address("keel_handle_syscall"))
    debugger.run_to(symbols.address(INSERT))
    debugger.write_memory(debugger.read_register(SLOT_REGISTER), b"\xff" * CAP_BYTES)
    debugger.resume()


def problem_of_record(output, symbols):
    found = RECORD.search(output[output.find("KEEL FAULT"):]) if "KEEL FAULT" in output else None
    if not found:
        return f"no such record; the end of the output: {output[-600:]!r}"
    if int(found[1], 16) == 0 or int(found[2], 16) == 0:
        return f"these cannot be the thread's registers: {found[0]!r}"
    # A return address is behind the call, which may be the last instruction of a function that does not return.
    chain = [symbols.name_at(int(address, 16) - 4) for address in found[3].split()]
    if not chain[0].startswith(INSERT):
        return f"the chain begins with {chain[0]}"
    if not any(name.startswith(("keel::on_syscall", "keel_")) for name in chain):
        return f"the chain does not reach the entry: {chain}"
    return None


def problem_of(name, cores, folder):
    kernel = TARGET / f"kernel/keel-{name}.elf"
    symbols = Symbols(kernel)
    socket = folder / f"{name}.socket"
    words = qemu.command(image.pack(kernel, ROOT_TASK, cores), cores)
    process = processes.start([*words, "-S", "-gdb", f"unix:{socket},server=on,wait=off"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        with RemoteDebugger(socket, TIMEOUT_S) as debugger:
            damage(debugger, symbols)
            return problem_of_record(read_until_quiet(process), symbols)
    finally:
        processes.stop(process)
        process.stdout.close()


def main():
    results = Results()
    with tempfile.TemporaryDirectory() as folder:
        for name, cores in KERNELS:
            try:
                results.add(f"assertion_in_{name.replace('-', '_')}", problem_of(name, cores, Path(folder)))
            except (KosError, OSError) as error:
                results.add(f"assertion_in_{name.replace('-', '_')}", str(error))
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
