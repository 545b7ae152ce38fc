"""What pages of the documentation show, to be done as it is written."""

import re
from pathlib import Path

from machine import check_run


def blocks(page, *languages):
    """[(language, content)] of a page's fenced blocks in these languages."""
    return re.findall(rf"^```({'|'.join(languages)})\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def one(page, language, containing):
    """The block of this language that has this text; there is exactly one."""
    found = [text for _, text in blocks(page, language) if containing in text]
    assert len(found) == 1, f"{page.name}: {len(found)} blocks of {language} with {containing}; expected 1"
    return found[0]


def files(text):
    """[(file, content)] of the blocks that are whole files: the line above begins with the file's name."""
    return re.findall(r"^`([\w/]+\.\w+)`[^\n]*\n\n```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def write_files(text, folder):
    """Writes them; returns their names."""
    found = files(text)
    for name, content in found:
        (folder / name).write_text(content)
    return [name for name, _ in found]


def play_console(report, machine, text, folder):
    """A `console` block of one command that ends by itself, and what it says. Returns (status, output)."""
    command, *lines = text.splitlines()
    assert command.startswith("$ "), text
    outcome = machine.run(["bash", "-c", command[2:]], folder)
    check_run(report, command, outcome)
    missing = [line for line in lines if line not in outcome[1]]
    report.check(f"{command}: what it says", not missing, str(missing))
    return outcome


def play_shell(report, machine, text, folder):
    """Runs a block; returns the folder in which it ended."""
    left = machine.folder / ".folder"
    # As typed: a command that fails is a mistake of the page.
    outcome = machine.run(["bash", "-c", f"set -e\n{text}\npwd > {left}"], folder)
    check_run(report, text.strip().splitlines()[0], outcome)
    return Path(left.read_text().strip()) if outcome[0] == 0 else folder
