"""What pages of the documentation show, to be done as it is written."""

import re
from pathlib import Path

from machine import check_run


def blocks(page, *languages):
    """[(language, content)] of a page's fenced blocks in these languages."""
    return re.findall(rf"^```({'|'.join(languages)})\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def play_shell(report, machine, text, folder):
    """Runs a block; returns the folder in which it ended."""
    left = machine.folder / ".folder"
    # As typed: a command that fails is a mistake of the page.
    outcome = machine.run(["bash", "-c", f"set -e\n{text}\npwd > {left}"], folder)
    check_run(report, text.strip().splitlines()[0], outcome)
    return Path(left.read_text().strip()) if outcome[0] == 0 else folder
