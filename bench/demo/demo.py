"""./kos bench demo: from `mix kos.new` to Elixir's prompt, and from a crash back to it, beside the same release on Debian's arm64
Linux in the same QEMU, where the first process starts it again as soon as it has ended.

Used by tools/kos/bench.py. Nothing is installed outside of a temporary folder."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kos import instructions, processes, reference_linux
from kos.bench import Row
from kos.board import board
from kos.common import TOP, KosError
from kos.session import Session
from rootfs import build as roots

# Seconds of the host, which may be busy.
BOOT_S, STEP_S, TASK_S = 600, 300, 1800
PROMPT = r"iex\(1\)> "
SETTLE_S = 3
MEMORY = ('"/proc/meminfo" |> File.read!() |> String.split("\\n") |> Enum.filter(&(&1 =~ ~r/^Mem(Total|Free|Available)/)) |> '
          'Enum.join(" ") |> IO.puts()')


def measure(kernel, prefix=None):
    """(rows, lines for information). The kernel is the one in the image that mix makes."""
    with tempfile.TemporaryDirectory(prefix="kos-demo-") as folder:
        project = Project(Path(folder))
        project.make(kernel)
        with project.device() as words:
            ours = prompts(words)
        with project.linux() as words:
            theirs = prompts(words)
        sizes = project.sizes()
    rows = [
        Row("boot_to_prompt", ours["boot"], "instructions", theirs["boot"]),
        Row("abort_to_prompt", ours["abort"], "instructions", theirs["abort"]),
        Row("memory_at_prompt", ours["memory_kib"], "KiB", theirs["memory_kib"]),
        Row("image", sizes[0], "bytes", sizes[1]),
    ]
    lines = ["for information, by the host's clock:",
             f"  mix kos.new {project.new_s:.1f} s, mix kos.build {project.build_s:.1f} s (the platform was compiled already)",
             *(f"  {name}: power to prompt {found['boot_s']:.1f} s, abort to prompt {found['abort_s']:.1f} s"
               for name, found in (("KOS", ours), ("Linux", theirs)))]
    return [row for row in rows if row.name.startswith(prefix or "")], lines


def profile(row, _kernel):
    raise KosError(f"--profile {row}: this benchmark has no profile; see `./kos bench linux`")


class Project:
    """A fresh project of `mix kos.new`, with a home of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("MIX_", "KOS_", "HEX_"))}
        self.environment |= {"HOME": str(folder), "MIX_HOME": str(folder / ".mix"), "LC_ALL": "C.UTF-8", "HEX_OFFLINE": "1"}
        self.new_s = self.build_s = 0.0
        self.image = folder / "demo.elf"

    def run(self, words, where=None):
        begin = time.monotonic()
        done = subprocess.run([str(word) for word in words], cwd=where or self.folder, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=TASK_S)
        if done.returncode != 0:
            raise KosError(f"{' '.join(map(str, words))}: status {done.returncode}: {done.stdout[-600:]}")
        return time.monotonic() - begin

    def make(self, kernel):
        self.run([TOP / "kos", "mix", "install", "--no-install"])
        self.new_s = self.run(["mix", "kos.new", "demo"])
        other = [] if "keel" in Path(kernel).name else ["--sel4", kernel]
        self.build_s = self.run(["mix", "kos.build", "--output", self.image, *other], self.folder / "demo")

    def root(self):
        return roots.build(self.folder / "demo/apps/demo/root.toml", other_release=self.folder / "demo/_build/kos/rel/demo")

    def device(self):
        return Words([*board().machine_arguments(1), "-serial", "stdio", "-kernel", self.image])

    def linux(self):
        """The same image and the same arguments; when the program has ended, it is started again."""
        start = json.loads(self.root().details.read_text())["start"]
        command = reference_linux.Command(start["arguments"], start["environment"], start["directory"])
        return LinuxWords(self.root().image, [command, command])

    def sizes(self):
        kernel = reference_linux.prepare()
        theirs = kernel.image.stat().st_size + kernel.initramfs.stat().st_size + self.root().image.stat().st_size
        return self.image.stat().st_size, theirs


class Words:
    """QEMU's words, for `with`."""

    def __init__(self, words):
        self.words = words

    def __enter__(self):
        return self.words

    def __exit__(self, *_):
        return None


class LinuxWords:
    def __init__(self, image, commands):
        self.machine = reference_linux.machine(image, commands, 1, None, None, True, ["-serial", "stdio"])

    def __enter__(self):
        return self.machine.__enter__()[0]

    def __exit__(self, *error):
        return self.machine.__exit__(*error)


def prompts(words):
    """What the machine does from power to the prompt, and from an abort to the next prompt."""
    with instructions.Counter() as counter:
        process = processes.start([*words, *counter.words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        console = Session(process, sys.stderr)
        try:
            begin = time.monotonic()
            console.expect_match(PROMPT, BOOT_S)
            found = {"boot": counter.read(), "boot_s": time.monotonic() - begin}
            # The prompt is there before everything has started.
            time.sleep(SETTLE_S)
            console.send(MEMORY + "\r", 0.003)
            found["memory_kib"] = used(console.expect_match(r"\nMemTotal[^\n]*kB\n", STEP_S)[0])
            console.expect_match(r"iex\(2\)> ", STEP_S)
            time.sleep(SETTLE_S)
            before, begin = counter.read(), time.monotonic()
            console.send(":erlang.halt(:abort)\r", 0.003)
            console.expect_match(PROMPT, BOOT_S)
            return found | {"abort": counter.read() - before, "abort_s": time.monotonic() - begin}
        finally:
            processes.stop(process)
            process.stdin.close()
            process.stdout.close()


def used(text):
    """KiB: of the machine on Linux, of the domain's quota on KOS."""
    values = {name: int(value) for name, value in re.findall(r"Mem(Total|Free|Available): *(\d+)", text)}
    return values["Total"] - values.get("Available", values["Free"])
