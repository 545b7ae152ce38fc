"""Compiled files of Python's own modules, which Debian's packages make when they are installed.

Python's compiled code is the same for every machine, so this machine's interpreter makes them if it is of the same
version. They name the hash of their source instead of its time and are not checked at run time (PEP 552)."""

import importlib.util
import marshal
import posixpath
import sys

from kos.common import say

FOLDERS = (f"usr/lib/python{sys.version_info[0]}.{sys.version_info[1]}/", "usr/lib/python3/dist-packages/")
UNCHECKED_HASH = 1
# References in the format depend on what else the interpreter holds; version 2 has none, so the bytes repeat.
MARSHAL_VERSION = 2


def add(tree):
    sources = [(name, node) for name, node in tree.files() if name.endswith(".py") and name.startswith("usr/lib/python3")]
    ours = [(name, node) for name, node in sources if name.startswith(FOLDERS)]
    if len(ours) < len(sources):
        say(f"Python modules are not compiled: this machine has Python {FOLDERS[0][14:-1]}, the packages another")
        return
    for name, node in ours:
        try:
            code = compile(node.data, f"/{name}", "exec", dont_inherit=True, optimize=0)
        except (SyntaxError, ValueError):
            continue  # some modules are for tests of the compiler, or templates
        header = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little") + importlib.util.source_hash(node.data)
        place = f"{posixpath.dirname(name)}/__pycache__/{posixpath.basename(name)[:-3]}.{sys.implementation.cache_tag}.pyc"
        if tree.get(place) is None:
            tree.file(place, header + marshal.dumps(code, MARSHAL_VERSION), origin="python_cache")
