"""Are the root images complete? Their programs run on Debian's own kernel, the prompt of iex as a user has it."""

import json
import sys
import tempfile
from pathlib import Path

from kos import reference_linux
from kos.common import TOP, KosError
from kos.reference_linux import Command
from kos.results import Results
from rootfs import build, description, erofs

BOOT_S = 300
STEP_S = 120

PYTHON = ("import ssl, sqlite3, ctypes, threading, subprocess, zlib, lzma, bz2, curses, decimal, multiprocessing, locale;"
          "locale.setlocale(locale.LC_ALL, '');"
          "print(subprocess.run(['echo', 'child'], capture_output=True).stdout, ssl.OPENSSL_VERSION.split()[0], 'grün')")
ELIXIR = ("{:ok, _} = Application.ensure_all_started(:ssl); {:ok, _} = Application.ensure_all_started(:os_mon); :ok = :mnesia.start;"
          "IO.inspect {Base.encode16(:crypto.hash(:md5, \"a\")), :file.native_name_encoding, :os.cmd('echo hi')}")


def root(file):
    built = build.build(TOP / file)
    return built.image, json.loads(built.details.read_text())["start"]


def same_bytes(results):
    wanted = description.read(TOP / "linux/roots/minimal.root.toml")
    _, _, archives = build.prepare(wanted)
    with tempfile.TemporaryDirectory() as folder:
        images = []
        for name in ("a", "b"):
            tree, _ = build.assemble(wanted, None, archives)
            images.append(erofs.make(tree, Path(folder) / name, wanted.compression).read_bytes())
    results.add("same_bytes", None if images[0] == images[1] else "two builds of linux/roots/minimal.root.toml differ")


def programs(results, file, cases):
    """Runs (name, arguments, what must be in the output) one after the other."""
    image, start = root(file)
    commands = [Command(arguments, start["environment"], timeout=STEP_S) for _, arguments, _ in cases]
    ended = reference_linux.run_all(image, commands, timeout=BOOT_S)
    for (name, _, wanted), result in zip(cases, ended):
        good = result.exit == 0 and wanted in result.text()
        results.add(name, None if good else f"exit {result.exit}, signal {result.signal}: {result.text()[-300:]!r}, expected {wanted!r}")


def beam_arguments(start, code):
    """What starts the prompt, changed to evaluate CODE."""
    words = start["arguments"]
    return [*words[:words.index("-elixir")], "-noshell", "-s", "elixir", "start_cli", "-extra", "-e", code]


def prompt(results):
    image, start = root("examples/iex/root.toml")
    steps = (
        ("prompt", "", "iex(1)>"), ("expression", "20 + 22\r", "42"), ("history", "\x1b[A", "20 + 22"), ("again", "\r", "42"),
        ("completion", "Enum.rever\t", "Enum.reverse"), ("completed", "([1, 2])\r", "iex(4)>"),
        ("menu", "\x03", "(a)bort"), ("continue", "c\r", ""), ("stop", ":init.stop\r", '"exit":0'),
    )
    with reference_linux.terminal(image, start["arguments"], start["environment"]) as session:
        for name, text, wanted in steps:
            session.send(text)
            try:
                session.expect(wanted, BOOT_S if name == "prompt" else STEP_S)
            except KosError as error:
                results.add(f"iex_{name}", str(error))
                return
            results.add(f"iex_{name}")


def main():
    results = Results()
    same_bytes(results)
    programs(results, "linux/roots/minimal.root.toml", [
        ("busybox", ["/bin/sh", "-c", "echo $((6 * 7)); ls /proc/self/fd | wc -l"], "42"),
    ])
    programs(results, "linux/roots/programs.root.toml", [
        ("coreutils", ["/usr/bin/sha256sum", "/etc/hostname"], "/etc/hostname"),
        ("python3", ["/usr/bin/python3", "-c", PYTHON], "b'child\\n' OpenSSL grün"),
        ("sqlite3", ["/usr/bin/sqlite3", "/tmp/x.db", "create table t(a); insert into t values (40), (2); select sum(a) from t;"], "42"),
        ("openssl", ["/usr/bin/openssl", "dgst", "-sha256", "/etc/hostname"], "SHA2-256(/etc/hostname)"),
    ])
    image, start = root("examples/iex/root.toml")
    result = reference_linux.run(image, beam_arguments(start, ELIXIR), start["environment"], timeout=BOOT_S)
    wanted = "{\"0CC175B9C0F1B6A831C399E269772661\", :utf8, 'hi\\n'}"
    results.add("elixir", None if result.exit == 0 and wanted in result.text() else f"exit {result.exit}: {result.text()[-400:]!r}")
    prompt(results)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
