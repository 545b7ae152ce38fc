"""docs/guides/memory_budget.md. What it types at the prompt is typed by the test of the mix tasks."""

import re
import tomllib

from kos.common import TOP
from machine import check_run
from pages import one, play_shell

PAGE = TOP / "docs/guides/memory_budget.md"


def play(report, machine, place):
    play_shell(report, machine, one(PAGE, "sh", "--report"), place)
    text = (place / "report.md").read_text()
    rows = dict(re.findall(r"^\| (\w+) \| (.*) \|$", text[text.index("## Memory"):].split("\n## ")[0], re.MULTILINE))
    right = rows.get("counter", "").startswith("256K") and {"log", "appman", "valve", "panel"} <= rows.keys()
    report.check("quotas are in the report", right, str(rows))
    # What the table says of a small domain.
    report.check("what a small domain begins with", re.search("stack 16384, capability tables 32768, page tables 20480,", rows["counter"]) is not None,
                 rows["counter"])
    refused(report, machine, place, "64K", r"app\.toml:\d+:\d+: .*counter.*64K")
    refused(report, machine, place, "2G", r"(?s)RAM|memory")
    beam(report, machine)


def refused(report, machine, place, quota, expected):
    file = place / "apps/counter/app.toml"
    good = file.read_text()
    file.write_text(good.replace('memory = "256K"', f'memory = "{quota}"'))
    check_run(report, f"a quota of {quota}", machine.run(["mix", "kos.manifest", "--no-build"], place), expected, 1)
    file.write_text(good)


def beam(report, machine):
    """An application of mix kos.new has the figures that are shown."""
    check_run(report, "kos.new", machine.run(["mix", "kos.new", "brain"]))
    written = tomllib.loads((machine.folder / "brain/apps/brain/app.toml").read_text())["app"]
    shown = tomllib.loads(one(PAGE, "toml", "kernel_objects"))
    report.check("the quota of a BEAM", shown.items() <= written.items(), str(written))
