"""docs/guides/first_application.md: everything as it is written, from the clone on."""

import copy

from kos.common import TOP
from machine import check_run
from pages import blocks, one, play_shell, write_files
from terminal import Terminal

PAGE = TOP / "docs/guides/first_application.md"
RUST = "## The same in Rust"


def play(report, machine):
    machine = copy.copy(machine)
    machine.environment = machine.environment | {"KOS_HOME": str(TOP)}  # as the first command says
    in_c, in_rust = PAGE.read_text().split(RUST)
    place = play_shell(report, machine, one(PAGE, "sh", "export KOS_HOME=$PWD"), TOP)
    report.check("the files in C", write_files(in_c, place) == ["CMakeLists.txt", "main.c", "app.toml", "system.toml"])
    whole, broken, denied, rust = (text.replace("/home/you", str(machine.folder)) for _, text in blocks(PAGE, "console"))
    terminal = Terminal(report, machine)
    try:
        terminal.play(whole, place)
        source = (place / "main.c").read_text()
        (place / "main.c").write_text(source.replace("++i) {\n", "++i) {\n" + one(PAGE, "c", "nowhere")))
        terminal.play(broken, place)
        (place / "main.c").write_text(source)
        good = (place / "app.toml").read_text()
        (place / "app.toml").write_text(good.replace('[[uses]]\nport = "timer"\n', ""))
        terminal.play(denied, place)
        (place / "app.toml").write_text(good)
        mistake(report, machine, place)
        report.check("the files in Rust", write_files(in_rust, place) == ["CMakeLists.txt", "main.rs"])
        terminal.play(rust, place)
    finally:
        terminal.close()


def mistake(report, machine, place):
    outcome = machine.run(["bash", "-c", one(PAGE, "sh", "budget_us = 20000")], place)
    check_run(report, "a mistake in the description", outcome, "as expected")
    shown = PAGE.read_text().split("\n```\napp.toml:")[1].split("```")[0]
    report.check("is told as shown", "app.toml:" + shown in outcome[1], outcome[1])
