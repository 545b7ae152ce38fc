"""Runs programs of a root image on Debian's unmodified arm64 kernel in the same QEMU machine as KOS, to compare with.

    result = reference_linux.run(image, ["/bin/busybox", "true"])
    results = reference_linux.run_all(image, [Command([...]), Command([...])], cores=4)
    with reference_linux.terminal(image, [...], environment) as session: session.expect("iex(1)>", 60); session.send("1+1\\n")

The kernel comes from Debian's archive into build/cache/reference-linux. Nothing here judges."""

import gzip
import hashlib
import json
import os
import re
import secrets
import selectors
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kos import processes
from kos.board import board
from kos.common import CACHE, TOP, KosError, output_of, run as run_tool, say
from kos.session import Session

FOLDER = CACHE / "reference-linux"
INIT = TOP / "tools/reference_linux/init.c"
PACKAGE = "linux-image-arm64"
# With what they need, in order of loading; libcrc32c, which the disk format needs, asks for an algorithm, not a module.
MODULES = ("crc32c_generic", "virtio_mmio", "virtio_blk", "virtio_net", "erofs", "overlay")
KERNEL_ARGUMENTS = "console=ttyAMA0 quiet loglevel=0 panic=-1 random.trust_bootloader=on"
RECORD = 0x1E
MAX_OUTPUT_BYTES = 64 << 20


@dataclass(frozen=True)
class Command:
    arguments: list
    environment: dict = field(default_factory=dict)
    directory: str = "/"
    user: int = 0
    group: int = 0
    input: str = ""
    timeout: float = 0.0  # seconds of the machine's time; 0: only that of the whole run
    is_init: bool = False  # becomes the first process itself, such as systemd; nothing is told of it


@dataclass(frozen=True)
class Result:
    """How a command ended. `exit` is -1 if a signal ended it. Times are the machine's, in nanoseconds."""

    exit: int
    signal: int
    output: bytes
    timed_out: bool
    ns: int
    first_output_ns: int  # from its start; 0: none
    uptime_ns: int  # of the machine, at the command's start
    user_us: int
    system_us: int
    max_resident_kib: int
    faults: int

    def text(self):
        return self.output.decode(errors="replace")


@dataclass(frozen=True)
class Kernel:
    image: Path
    initramfs: Path
    modules: tuple  # paths in the initramfs
    version: str


def prepare():
    """The kernel and our initramfs; downloads and compiles what is not there."""
    from rootfs import debian  # not needed by those who only read results

    # Another list of modules is unpacked anew.
    stamp = FOLDER / f"version-{hashlib.sha256(' '.join(MODULES).encode()).hexdigest()[:8]}"
    if not stamp.is_file():
        with debian.locked():
            packages = [p for p in debian.resolve([PACKAGE], [], False) if re.fullmatch(r"linux-image-\d.*", p.name)]
            if len(packages) != 1:
                raise KosError(f"{PACKAGE} needs {len(packages)} kernels; expected 1")
            unpack_kernel(debian.archives(packages)[0])
        stamp.write_text(packages[0].version + "\n")
    version = stamp.read_text().strip()
    modules = in_order(FOLDER / "modules")
    init = compile_init()
    entries = [("init", 0o100755, init.read_bytes())]
    entries += [(f"modules/{path.name}", 0o100644, path.read_bytes()) for path in modules]
    digest = hashlib.sha256(b"".join(data for _, _, data in entries)).hexdigest()[:16]
    initramfs = FOLDER / f"initramfs-{digest}.gz"
    if not initramfs.is_file():
        directories = [("modules", 0o040755, b""), ("dev", 0o040755, b"")]
        temporary = initramfs.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(gzip.compress(archive(directories + entries), mtime=0))
        temporary.rename(initramfs)
    return Kernel(FOLDER / "Image", initramfs, tuple(f"/modules/{path.name}" for path in modules), version)


def unpack_kernel(deb):
    """The kernel and those of its modules that we load, with what they depend on."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        output_of(["dpkg-deb", "--extract", deb, folder])
        kernel = next(Path(folder).glob("boot/vmlinuz-*"))
        files = {path.name.split(".")[0].replace("-", "_"): path for path in Path(folder).rglob("*.ko")}
        target = FOLDER / "modules"
        target.mkdir(exist_ok=True)
        todo, done = list(MODULES), set()
        while todo:
            name = todo.pop()
            if name in done or name not in files:  # not there: built into the kernel
                continue
            done.add(name)
            todo += dependencies(files[name].read_bytes())
            (target / f"{name}.ko").write_bytes(files[name].read_bytes())
        kernel.rename(FOLDER / "Image")


def dependencies(module):
    """Names of the modules that a module needs, by its section .modinfo."""
    match = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name.replace("-", "_") for name in match[1].decode().split(",") if name] if match else []


def in_order(folder):
    """The files of a folder of modules so that each comes after those it needs."""
    result = []

    def visit(name):
        path = folder / f"{name}.ko"
        if path.is_file() and path not in result:
            for other in dependencies(path.read_bytes()):
                visit(other)
            result.append(path)

    for name in MODULES:
        visit(name)
    return result


def compile_init():
    source = INIT.read_bytes()
    program = FOLDER / f"init-{hashlib.sha256(source).hexdigest()[:16]}"
    if not program.is_file():
        compiler = "gcc" if os.uname().machine == "aarch64" else "aarch64-linux-gnu-gcc"
        temporary = program.with_suffix(f".{os.getpid()}")
        run_tool([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s", "-o", temporary, INIT])
        temporary.rename(program)
    return program


def archive(entries):
    """A cpio archive ("newc", the format of an initramfs) of (name, mode, data)."""
    result = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        result += b"070701" + b"".join(b"%08X" % value for value in fields) + name.encode() + b"\0"
        result += bytes(-len(result) % 4) + data
        result += bytes(-len(result) % 4)
    return bytes(result)


def specification(kernel, commands, nonce, on_terminal):
    """The file that init reads, and its texts."""
    words = [f"nonce {nonce}", *(f"module {path}" for path in kernel.modules)]
    if on_terminal:
        words.append("terminal")
    for command in commands:
        words += [f"arg {word}" for word in command.arguments]
        words += [f"env {name}={value}" for name, value in command.environment.items()]
        words += [f"cwd {command.directory}", f"user {command.user} {command.group}"]
        if command.input:
            words.append(f"input {command.input}")
        if command.timeout:
            words.append(f"timeout {int(command.timeout * 1000)}")
        words.append("init" if command.is_init else "run")
    if any("\0" in word for word in words):
        raise KosError("a command has a NUL in its texts")
    return "".join(word + "\0" for word in words).encode()


@contextmanager
def machine(image, commands, cores, icount, memory, on_terminal, extra=()):
    """(QEMU's words, nonce); the initramfs of this run exists as long."""
    if not commands or any(not command.arguments for command in commands):
        raise KosError("the reference Linux needs a command")
    kernel = prepare()
    nonce = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="kos-linux-") as folder:
        initramfs = Path(folder) / "initramfs"
        # Linux unpacks archives that follow each other.
        spec = archive([("run.spec", 0o100600, specification(kernel, commands, nonce, on_terminal))])
        initramfs.write_bytes(kernel.initramfs.read_bytes() + bytes(-kernel.initramfs.stat().st_size % 4) + spec)
        words = board().machine_arguments(cores)
        if memory:
            words[words.index("-m") + 1] = memory
        words += ["-kernel", kernel.image, "-initrd", initramfs, "-append", KERNEL_ARGUMENTS, "-no-reboot",
                  "-drive", f"if=none,id=root,format=raw,readonly=on,file={image}", "-device", "virtio-blk-device,drive=root"]
        if icount is not None:
            # The same seeds and the same date each time, so that figures repeat.
            words += ["-icount", f"shift={icount},sleep=off", "-seed", "1", "-rtc", "base=2026-01-01,clock=vm"]
        yield [*words, *extra], nonce


def run(image, arguments, environment=None, cores=1, icount=None, timeout=120.0, **more):
    """Runs one program and returns its Result. `more`: further fields of Command."""
    return run_all(image, [Command(list(arguments), environment or {}, **more)], cores, icount, timeout)[0]


def run_all(image, commands, cores=1, icount=None, timeout=120.0, memory=None, log=None):
    """Boots once, runs the commands one after the other, returns their Results. `timeout` is for all, in the host's time.

    `icount`: see qemu.COUNT_INSTRUCTIONS; None: time is the host's. `log`: file for what the serial line said."""
    with machine(image, commands, cores, icount, memory, False) as (words, nonce):
        data = collect([*words, "-serial", "stdio"], nonce, timeout)
    if log:
        Path(log).write_bytes(data)
    return results(data, nonce, len(commands))


def collect(words, nonce, timeout):
    """What the machine says until it is done, fails or its time is over."""
    deadline = time.monotonic() + timeout
    process = processes.start(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    data = bytearray()
    last = f'{chr(RECORD)}{{"nonce":"{nonce}","done"'.encode()
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0 and len(data) < MAX_OUTPUT_BYTES:
                if not selector.select(left):
                    break
                part = os.read(process.stdout.fileno(), 1 << 16)
                if not part or last in data[-512:] + part:
                    data += part
                    break
                data += part
    finally:
        processes.stop(process)
        process.stdout.close()
    return bytes(data)


def results(data, nonce, count):
    """The Results of COUNT commands in what the machine said; what is missing is an error."""
    start = f'{chr(RECORD)}{{"nonce":"{nonce}",'.encode()
    found, at, begun = [], 0, None
    while (at := data.find(start, at)) >= 0:
        end = data.find(b"\n", at)
        if end < 0:
            break
        record = json.loads(data[at + 1:end])
        if "failed" in record:
            raise KosError(f"reference Linux: {record['failed']}: {os.strerror(record['errno'])}")
        if "begin" in record:
            begun = (end + 1, record["uptime_ns"])
        elif "end" in record and begun:
            names = ("exit", "signal", "timed_out", "ns", "first_output_ns", "user_us", "system_us", "max_resident_kib", "faults")
            found.append(Result(output=data[begun[0]:at], uptime_ns=begun[1], **{name: record[name] for name in names}))
            begun = None
        at = end
    if len(found) != count:
        last = data[-400:].decode(errors="replace").strip()
        raise KosError(f"reference Linux: {len(found)} of {count} commands ended; last output: {last or 'none'}")
    return found


@contextmanager
def terminal(image, arguments, environment=None, cores=1, icount=None, memory=None, **more):
    """A Session of one program whose terminal is the machine's serial line."""
    commands = [Command(list(arguments), environment or {}, **more)]
    with machine(image, commands, cores, icount, memory, True, ["-serial", "stdio"]) as (words, _):
        process = processes.start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            yield Session(process)
        finally:
            processes.stop(process)
            process.stdin.close()
            process.stdout.close()


def interactive(image, start, cores=1):
    """The image on the user's terminal; returns QEMU's exit status."""
    command = Command(start["arguments"], start["environment"], start["directory"], start["user"], start["group"])
    with machine(image, [command], cores, None, None, True, ["-serial", "mon:stdio"]) as (words, _):
        say("booting Debian's Linux; Ctrl-A X leaves")
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, words)])
        try:
            return process.wait()
        finally:
            process.terminate()
            process.wait()
            sys.stdout.flush()
