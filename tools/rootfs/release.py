"""Any `mix release` directory into a tree: its Erlang run-time system and native libraries are replaced by Debian's
arm64 ones of the same version, and the start script's work is done here.

The release is placed at /opt/NAME. What bin/NAME and env.sh would do is not executed; see `start_of`."""

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from kos.common import KosError, shown
from rootfs import beam, elf_file, start

# Of the run-time system, what a running BEAM may execute.
ERTS_PROGRAMS = ("beam.smp", "erl_child_setup", "inet_gethost")
MAX_FILES = 50_000

# What Debian's packages need beyond what a release takes out of them: programs that it does not start, and each other.
ASSUMED = ("erlang-*", "libsystemd0", "procps")

# In [beam] extra: start at Elixir's prompt, as `bin/NAME start_iex` does.
IEX = "+iex"

# Applications of OTP that are in Debian's package erlang-base.
IN_BASE = {"compiler", "erl_interface", "erts", "kernel", "sasl", "stdlib"}


@dataclass(frozen=True)
class Release:
    folder: Path
    name: str
    version: str
    erts: str  # version of the run-time system
    own_erts: bool  # made with include_erts, so OTP's applications are in it

    def place(self):
        return f"opt/{self.name}"


def open_release(folder):
    """Reads releases/start_erl.data and the .rel file beside the boot scripts."""
    folder = Path(folder)
    data = folder / "releases/start_erl.data"
    if not data.is_file():
        raise KosError(f"{shown(folder)}: no releases/start_erl.data; expected what `mix release` makes "
                       "(_build/prod/rel/NAME)")
    words = data.read_text().split()
    if len(words) != 2 or not all(re.fullmatch(r"[\w.+~-]+", word) for word in words):
        raise KosError(f"{shown(data)}: expected the versions of ERTS and of the release")
    erts, version = words
    found = sorted((folder / "releases" / version).glob("*.rel"))
    if len(found) != 1:
        raise KosError(f"{shown(folder)}/releases/{version}: {len(found)} files *.rel, expected 1")
    return Release(folder, found[0].stem, version, erts, (folder / f"erts-{erts}").is_dir())


def packages(release):
    """The Debian packages that it needs: the run-time system, and applications with native parts or not in it."""
    text = (release.folder / f"releases/{release.version}/{release.name}.rel").read_text()
    applications = set(re.findall(r"\{\s*'?(\w+)'?\s*,\s*\"[^\"]+\"", text))
    present = {path.name.rsplit("-", 1)[0] for path in (release.folder / "lib").glob("*-*")}
    native = {path.relative_to(release.folder / "lib").parts[0].rsplit("-", 1)[0]
              for path in (release.folder / "lib").rglob("*")
              if path.is_file() and not path.is_symlink() and is_foreign(path)}
    wanted = (applications - present) | (native & OTP_NATIVE)
    return ["erlang-base", *sorted(f"erlang-{name.replace('_', '-')}" for name in wanted - IN_BASE)]


# Applications of OTP with native parts in a package of their own.
OTP_NATIVE = {"asn1", "crypto", "megaco", "odbc", "os_mon", "runtime_tools", "wx"}


def is_foreign(path):
    with open(path, "rb") as file:
        head = file.read(20)
    return head[:4] == elf_file.MAGIC and not elf_file.read(head + bytes(44)).arm64()


def add(release, tree):
    """The release's files into the tree, where Debian's packages already are."""
    debian = beam.debian_erts(tree)
    if posixpath.basename(debian) != f"erts-{release.erts}":
        raise KosError(f"{shown(release.folder)} was made with ERTS {release.erts}, Debian has "
                       f"{posixpath.basename(debian)[5:]} for arm64; make the release with the same version of Erlang/OTP")
    count = 0
    for path in sorted(release.folder.rglob("*")):
        name = path.relative_to(release.folder).as_posix()
        count += 1
        if count > MAX_FILES:
            raise KosError(f"{shown(release.folder)}: more than {MAX_FILES} files")
        if name.split("/")[0] in (f"erts-{release.erts}", "bin", "tmp"):
            continue
        place = f"{release.place()}/{name}"
        if path.is_symlink():
            add_link(release, path, place, tree)
        elif path.is_dir():
            tree.folder(place)
        elif path.is_file():
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            tree.file(place, native(release, name, path.read_bytes(), tree), mode, origin=release.name)
    if not release.own_erts:
        return
    # Only what is executed; it replaces Debian's own place, which the image then does not need.
    wanted = [*ERTS_PROGRAMS, *(["heart"] if "-heart" in vm_arguments(release)[2] else [])]
    for program in wanted:
        node = tree.get(f"{debian}/bin/{program}")
        if node is None:
            raise KosError(f"Debian's erlang-base has no {program}")
        tree.file(f"{release.place()}/erts-{release.erts}/bin/{program}", node.data, 0o755, origin="erlang-base")
    tree.remove(beam.OTP)
    for name, node in list(tree.nodes.items()):  # links into it, such as /usr/bin/erl
        if node.kind == "link" and name.startswith("usr/bin/") and tree.get(name) is None:
            del tree.nodes[name]


def add_link(release, path, place, tree):
    target = path.readlink().as_posix()
    inside = path.resolve().is_relative_to(release.folder.resolve())
    if target.startswith("/") or not inside:
        raise KosError(f"{shown(path)}: a link to {target}, which is outside the release")
    tree.link(place, target, origin=release.name)


def native(release, name, data, tree):
    """A file's content; Debian's where it is machine code of another machine."""
    elf = elf_file.read(data)
    if elf is None or elf.arm64():
        return data
    debian = tree.get(f"{beam.OTP}/{name}")  # lib/APP-VERSION/priv/...
    if debian is not None and debian.kind == "file":
        return debian.data
    application = name.split("/")[1]
    others = [posixpath.basename(n) for n in tree.children(f"{beam.OTP}/lib")
              if posixpath.basename(n).rsplit("-", 1)[0] == application.rsplit("-", 1)[0]]
    if others:
        raise KosError(f"{name} is not for arm64, and Debian has {others[0]} instead of {application}; "
                       "make the release with Debian's Erlang/OTP")
    raise KosError(f"{name} is not for arm64 (ELF machine {elf.machine}); build it with CC=aarch64-linux-gnu-gcc "
                   "and make the release again")


def vm_arguments(release):
    file = release.folder / f"releases/{release.version}/vm.args"
    return beam.split_vm_args(file.read_text()) if file.is_file() else ([], {}, [], [])


# In a vm.args (that of each Nerves project has them): how the shell starts, and how modules are loaded. Here root.toml says that.
STARTS = (["-noshell"], ["-user", None], ["-run", "elixir", "start_cli"], ["-s", "elixir", "start_cli"], ["-mode", None])


def without_starts(words, has_shell):
    """Nor with what cannot start: the BEAM starts heart by a shell, and ends if there is none. The supervisor does most of its work."""
    if not has_shell:
        words = [word for word in words if word != "-heart"]
    result = []
    while words:
        length = next((len(form) for form in STARTS if len(words) >= len(form) and
                       all(wanted in (None, word) for wanted, word in zip(form, words))), 0)
        if length == 0:
            result.append(words[0])
        words = words[length or 1:]
    return result


def start_of(release, keys, tree):
    """What the start script does for `start`: -mode, cookie, sys.config, boot script, the variables RELEASE_*.

    runtime.exs is evaluated by the VM as always; where it leaves its result, RELEASE_SYS_CONFIG, is the release itself,
    which the personality's overlay makes writable."""
    top = f"/{release.place()}"
    versioned = f"{top}/releases/{release.version}"
    root = top if release.own_erts else f"/{beam.OTP}"
    erts_bin = f"{root}/erts-{release.erts}/bin"
    emulator, variables, others, plain = vm_arguments(release)
    # With the prompt, it is the prompt that starts Elixir's command line.
    first = ["-user", "Elixir.IEx.CLI"] if IEX in keys.extra else ["-s", "elixir", "start_cli"]
    words = ["-noshell", *first, "-mode", keys.mode]
    cookie = release.folder / "releases/COOKIE"
    if cookie.is_file():
        words += ["-setcookie", cookie.read_text().strip()]
    words += ["-config", f"{versioned}/sys", "-boot", keys.boot or f"{versioned}/start",
              "-boot_var", "RELEASE_LIB", f"{top}/lib", *without_starts(others, tree.get("bin/sh") is not None), *keys.arguments]
    for pattern in keys.paths:
        words += ["-pa", *beam.expanded(tree, pattern)]
    environment = beam.environment(root, erts_bin) | {
        "RELEASE_ROOT": top, "RELEASE_NAME": release.name, "RELEASE_VSN": release.version, "RELEASE_PROG": release.name,
        "RELEASE_COMMAND": "start", "RELEASE_MODE": keys.mode, "RELEASE_DISTRIBUTION": "none", "RELEASE_TMP": "/tmp",
        "RELEASE_NODE": release.name, "RELEASE_SYS_CONFIG": f"{versioned}/sys", "RELEASE_VM_ARGS": f"{versioned}/vm.args",
        "RELEASE_BOOT_SCRIPT": "start", "RELEASE_BOOT_SCRIPT_CLEAN": "start_clean",
    } | variables
    if cookie.is_file():
        environment["RELEASE_COOKIE"] = cookie.read_text().strip()
    flags = (beam.EMULATOR_FLAGS if keys.emulator_flags is None else keys.emulator_flags) + emulator
    extra = [*(keys.extra or ["--no-halt"]), *(word for word in plain if word != "--no-halt")]
    return start.Start(beam.arguments(root, erts_bin, environment["HOME"], flags, words, extra), environment, directory=top)
