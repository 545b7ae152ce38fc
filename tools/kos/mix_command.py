"""./kos mix: builds the archive with the mix tasks kos.* (beam/kos_mix) and installs it for this user.

The archive remembers where this tree is; the environment variable KOS_HOME replaces that."""

import os
import re
from pathlib import Path

from kos.arguments import Parser
from kos.common import BUILD, TOP, KosError, output_of, say, shown

SOURCE = TOP / "beam/kos_mix"
FOLDER = BUILD / "mix"


def parser():
    result = Parser("mix")
    result.add_argument("action", choices=("build", "install", "uninstall"))
    return result


def main(arguments):
    if arguments.action == "uninstall":
        mix(["archive.uninstall", "--force", "kos_mix"])
        return 0
    archive = build_archive()
    if arguments.action == "build":
        print(f"{shown(archive)}: install it with mix archive.install --force {shown(archive)}")
        return 0
    mix(["archive.install", "--force", str(archive)])
    say("installed; `mix help kos` lists the tasks, `mix kos.new PATH` makes a project")
    return 0


def build_archive():
    """The .ez file. The tree's place is compiled in, so another place compiles it again."""
    version = re.search(r'version: "([^"]+)"', (SOURCE / "mix.exs").read_text())
    if not version:
        raise KosError(f"{shown(SOURCE / 'mix.exs')}: no version")
    FOLDER.mkdir(parents=True, exist_ok=True)
    archive = FOLDER / f"kos_mix-{version[1]}.ez"
    environment = {"MIX_ENV": "prod", "MIX_TARGET": "host", "MIX_BUILD_PATH": str(FOLDER / "_build"),
                   # The archive that is installed already must not be there while this one is compiled.
                   "MIX_ARCHIVES": str(FOLDER / "none"), "KOS_RECORDED_HOME": str(TOP)}
    mix(["do", "compile", "--force", "--warnings-as-errors", "+", "archive.build", "--output", str(archive)], environment, cwd=SOURCE)
    return archive


def mix(words, environment=None, cwd=None):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MIX_BUILD", "MIX_TARGET"))}
    text = output_of(["mix", *words], cwd=cwd or Path("/"), env=clean | {"LC_ALL": "C.UTF-8"} | (environment or {}))
    for line in text.splitlines():
        if line.startswith("warning"):
            say(line)
