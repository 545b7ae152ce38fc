"""A fresh project of `mix kos.new` for demo.py: its boot image, and its release on Debian's Linux with systemd."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from kos import reference_linux
from kos.common import BUILD, TOP, KosError
from rootfs import build as roots

HERE = Path(__file__).resolve().parent
TASK_S = 1800
NAME = "demo"

# Debian's systemd and nothing beside: no udev, no D-Bus, no login. What a device maker would switch off is off.
LINUX_ROOT = """\
name = "demo_systemd"
release = "../../_build/kos/rel/demo"
packages = ["systemd"]
include = ["usr/lib/systemd"]
unresolved = ["libsystemd-shared-252.so"]    # found by the program's own path

[beam]
mode = "interactive"
extra = ["--no-halt", "+iex"]

[files]
"/root/.iex.exs" = "probe.exs"
"/etc/systemd/system/demo.service" = "demo.service"
"/etc/machine-id" = "machine-id"

[links]
"/etc/systemd/system/multi-user.target.wants/demo.service" = "/etc/systemd/system/demo.service"
"/etc/systemd/system/default.target" = "/lib/systemd/system/multi-user.target"
"/etc/systemd/system/getty.target" = "/dev/null"
"/etc/systemd/system/systemd-logind.service" = "/dev/null"
"""

# It is started again at once, as the supervisor of KOS does; systemd's own default is to wait 100 ms.
UNIT = """\
[Unit]
Description=demo
StartLimitIntervalSec=0

[Service]
{environment}
WorkingDirectory={directory}
ExecStart={command}
StandardInput=tty-force
StandardOutput=tty
TTYPath=/dev/ttyAMA0
Restart=always
RestartSec=0
LimitCORE=0
"""


class Project:
    """In a folder with a home of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.app = folder / NAME / "apps" / NAME
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("MIX_", "KOS_", "HEX_"))}
        self.environment |= {"HOME": str(folder), "MIX_HOME": str(folder / ".mix"), "LC_ALL": "C.UTF-8", "HEX_OFFLINE": "1"}
        self.new_s = self.build_s = 0.0
        self.image = folder / "demo.elf"
        self.report = None

    def run(self, words, where=None):
        """(seconds, what it said)."""
        begin = time.monotonic()
        done = subprocess.run([str(word) for word in words], cwd=where or self.folder, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=TASK_S)
        if done.returncode != 0:
            raise KosError(f"{' '.join(map(str, words))}: status {done.returncode}: {done.stdout[-600:]}")
        return time.monotonic() - begin, done.stdout

    def make(self, kernel):
        self.run([TOP / "kos", "mix", "install", "--no-install"])
        self.new_s, _ = self.run(["mix", "kos.new", NAME])
        shutil.copyfile(HERE / "probe.exs", self.app / "probe.exs")
        with open(self.app / "root.toml", "a") as file:
            file.write('\n[files]\n"/root/.iex.exs" = "probe.exs"\n')
        words = ["mix", "kos.build", "--output", self.image, "--sel4", kernel]
        # Keel is what it takes by itself; then nothing is said of a kernel, as a user does.
        words = words[:4] if Path(kernel).is_relative_to(BUILD) else words
        self.build_s, text = self.run(words, self.folder / NAME)
        found = re.search(r"report: (\S+\.md)", text)
        if not found:
            raise KosError(f"mix kos.build names no report: {text[-300:]}")
        self.report = Path(found[1]) if Path(found[1]).is_absolute() else self.folder / NAME / found[1]

    def root(self):
        return roots.build(self.app / "root.toml")

    def linux_root(self):
        """The same release, with systemd around it."""
        start = json.loads(self.root().details.read_text())["start"]
        (self.app / "demo.service").write_text(UNIT.format(
            environment="\n".join(f"Environment={quoted(f'{key}={value}')}" for key, value in start["environment"].items()),
            directory=start["directory"], command=" ".join(quoted(word) for word in start["arguments"])))
        (self.app / "machine-id").write_text("6b6f7364656d6f6b6f7364656d6f6b6f\n")
        (self.app / "linux.root.toml").write_text(LINUX_ROOT)
        return roots.build(self.app / "linux.root.toml")

    def linux_bytes(self):
        kernel = reference_linux.prepare()
        return sum(file.stat().st_size for file in (kernel.image, kernel.initramfs, self.linux_root().image))

    def quotas_kib(self):
        """Of all domains, by the manifest's report."""
        memory = self.report.read_text().split("\n## Memory\n")[1].split("\n## ")[0]
        found = re.findall(r"^\| (\w+) \| (\d+)([KMG]) \|", memory, re.MULTILINE)
        if NAME not in {name for name, _, _ in found}:
            raise KosError(f"{self.report}: no quota of {NAME}")
        return sum(int(number) << {"K": 0, "M": 10, "G": 20}[unit] for _, number, unit in found)


def quoted(word):
    """As systemd.service(5) has it: C's escapes, and nothing that it would replace."""
    for found, put in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(found, put)
    return f'"{word}"'
