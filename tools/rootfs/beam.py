"""The argument list and environment of beam.smp, which `erl` and `erlexec` compute on other systems.

erlexec turns `+X` into `-X` for the emulator, and puts `--` between what is the emulator's, the system's and the user's."""

import posixpath
import re

from kos.common import KosError
from rootfs import start

OTP = "usr/lib/erlang"  # where Debian has it

# Schedulers wait without spinning: on a device others want the time, and each turn is a system call.
EMULATOR_FLAGS = ["-sbwt", "none", "-sbwtdcpu", "none", "-sbwtdio", "none"]

# No crash dump file: the root is read-only, and what is written beside it is memory. root.toml names a place if wanted.
ENVIRONMENT = {"EMU": "beam", "PROGNAME": "erl", "ERL_CRASH_DUMP": "/dev/null"}


def debian_erts(tree):
    """The folder of the run-time system of Debian's packages, e.g. usr/lib/erlang/erts-13.1.5."""
    found = [name for name in tree.children(OTP) if re.fullmatch(r"erts-[\d.]+", posixpath.basename(name))]
    if len(found) != 1:
        raise KosError(f"{len(found)} folders /{OTP}/erts-*; expected 1, as the package erlang-base has it")
    return found[0]


def expanded(tree, pattern):
    """Paths that match a pattern with `*` in names, in order."""
    result = [""]
    for part in pattern.strip("/").split("/"):
        if "*" in part:
            expression = re.compile(re.escape(part).replace(r"\*", "[^/]*"))
            result = [child for place in result for child in tree.children(place)
                      if expression.fullmatch(posixpath.basename(child))]
        else:
            result = [f"{place}/{part}".strip("/") for place in result]
    result = [name for name in result if tree.get(name) is not None]
    if not result:
        raise KosError(f"beam.paths: nothing in the image matches {pattern}")
    return [f"/{name}" for name in result]


def arguments(root, erts_bin, home, emulator_flags, user_arguments, extra):
    words = [f"{erts_bin}/beam.smp", *emulator_flags, "--", "-root", root, "-bindir", erts_bin, "-progname", "erl",
             "--", "-home", home, "--", *user_arguments]
    return [*words, "-extra", *extra] if extra else words


def environment(root, erts_bin):
    return start.ENVIRONMENT | ENVIRONMENT | {
        "BINDIR": erts_bin, "ROOTDIR": root,
        "PATH": f"{erts_bin}:{start.ENVIRONMENT['PATH']}",
    }


def start_of_packages(tree, keys):
    """What starts the BEAM of Debian's packages, by [beam] of root.toml."""
    root, erts_bin = f"/{OTP}", f"/{debian_erts(tree)}/bin"
    words = []
    for pattern in keys.paths:
        words += ["-pa", *expanded(tree, pattern)]
    if keys.boot:
        words += ["-boot", keys.boot]
    variables = environment(root, erts_bin)
    flags = EMULATOR_FLAGS if keys.emulator_flags is None else keys.emulator_flags
    return start.Start(arguments(root, erts_bin, variables["HOME"], flags, words + keys.arguments, keys.extra), variables)


def split_vm_args(text):
    """(emulator flags, environment, other words, plain words) of a vm.args file, as erlexec reads `-args_file`.

    A word that begins with `+` is the emulator's, and so are those behind it that begin with neither `+` nor `-`. Plain words are all
    those behind `-extra`."""
    emulator, variables, others, plain = [], {}, [], []
    words = words_of(text)
    i = 0
    while i < len(words):
        if words[i] == "-extra":
            plain = words[i + 1:]
            break
        if words[i] == "-env" and i + 2 < len(words):
            variables[words[i + 1]] = words[i + 2]
            i += 3
        elif words[i].startswith("+"):
            emulator.append("-" + words[i][1:])
            i += 1
            while i < len(words) and not words[i].startswith(("+", "-")):
                emulator.append(words[i])
                i += 1
        else:
            if words[i] == "-args_file":
                raise KosError("vm.args: -args_file is not supported; expected what is in that file")
            others.append(words[i])
            i += 1
    return emulator, variables, others, plain


def words_of(text):
    """Words as in a shell: quotes, backslashes, and `#` to the end of the line."""
    words, word, quote, i = [], None, "", 0
    while i < len(text):
        char = text[i]
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and i + 1 < len(text):
                i += 1
                word += text[i]
            else:
                word += char
        elif char in "'\"":
            quote, word = char, word or ""
        elif char == "\\" and i + 1 < len(text):
            i += 1
            word = (word or "") + text[i]
        elif char.isspace():
            if word is not None:
                words.append(word)
            word = None
        elif char == "#" and word is None:
            end = text.find("\n", i)
            i = len(text) if end < 0 else end
            continue
        else:
            word = (word or "") + char
        i += 1
    if quote:
        raise KosError(f"vm.args: no closing {quote}")
    return words if word is None else [*words, word]
