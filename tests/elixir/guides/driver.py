"""docs/guides/driver.md: what it shows is the example, which runs."""

import re

from kos import declarations
from kos.common import TOP
from pages import blocks, one
from terminal import Terminal

PAGE = TOP / "docs/guides/driver.md"
EXAMPLE = TOP / "examples/driver"
NAMED = "example_driver"
WAIT_S = 60


def play(report, machine):
    sources = "\n".join(squeezed(file.read_text()) for file in sorted(EXAMPLE.rglob("*")) if file.is_file())
    for language, text in blocks(PAGE, "toml", "capnp", "c"):
        report.check(f"{language} as in the example: {text.splitlines()[0].strip()}", squeezed(text) in sources, text)
    terminal = Terminal(report, machine)
    try:
        *shown, last, leave = one(PAGE, "console", "kos run").splitlines()
        terminal.play("\n".join(shown), TOP)
        # The clock tells today's time.
        end = last.partition("; ")[2]
        report.check(f"answer: {end}", terminal.screen.wait_for(f"; {end}", WAIT_S), terminal.screen.tail())
        terminal.play(leave, TOP)
    finally:
        terminal.close()
    report.check("the test that is named", any(test.name == NAMED for test in declarations.tests()) and NAMED in PAGE.read_text())


def squeezed(text):
    """Without what the page may do in another way: comments, spaces, line breaks."""
    return re.sub(r"(?m)\s+|(?:#(?!include)|//).*$", "", text)
