"""Checks who includes whom and where names of a layer may stand. The rules are data: layering.json.

  includes: a file below `from` may not include a file whose path matches one of the patterns in `not`
  names:    an identifier that matches `pattern` may stand only below one of the folders in `only_in`"""

import json
import os
import re

from kos import tracked
from kos.common import TOP

RULES = TOP / "tools/kos/layering.json"
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
# Comments and string literals; the latter are kept away so that "//" in them starts nothing.
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def check():
    """Problems as `file:line: text`."""
    rules = json.loads(RULES.read_text())
    names = tracked.with_suffix(*tracked.C_FAMILY, ".S")
    problems = []
    for name in names:
        text = (TOP / name).read_text(errors="replace")
        problems += check_includes(name, text, rules["includes"], names)
        problems += check_names(name, text, rules["names"])
    return problems


def check_includes(name, text, rules, names):
    rules = [rule for rule in rules if name.startswith(rule["from"])]
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line) if rules else None
        target = resolve(name, match[1], names) if match else None
        for rule in rules if target else []:
            if any(re.match(pattern, target) for pattern in rule["not"]):
                yield f"{name}:{number}: includes {target}: {rule['because']}"


def resolve(name, included, names):
    """The file of the repository that an #include means, or None if it is not of the repository."""
    beside = os.path.normpath(os.path.join(os.path.dirname(name), included))
    if beside in names:
        return beside
    found = [n for n in names if n == included or n.endswith("/" + included)]
    # The same name for each architecture, or in two components: the nearest is meant.
    return max(found, key=lambda n: len(os.path.commonpath([n, name])), default=None)


def check_names(name, text, rules):
    rules = [rule for rule in rules if not any(name.startswith(folder) for folder in rule["only_in"])]
    if not rules:
        return
    code = COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for number, line in enumerate(code.splitlines(), 1):
        for rule in rules:
            match = re.search(rule["pattern"], line)
            if match:
                yield f"{name}:{number}: {match[0]}: {rule['because']}"
