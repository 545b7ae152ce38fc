"""docs/guides/write_a_service.md and talk_between_applications.md: the commands, and the snippets put together to applications that are
built and checked."""

import re

from kos.common import TOP
from machine import check_run
from pages import one, play_shell

SERVICE = TOP / "docs/guides/write_a_service.md"
TALK = TOP / "docs/guides/talk_between_applications.md"


def service(report, machine):
    place = play_shell(report, machine, one(SERVICE, "sh", "mix kos.new"), machine.folder)
    schema = (place / "apps/counter/counter.capnp").read_text()
    report.check("the schema is the one that is shown", one(SERVICE, "capnp", "interface") in schema, schema)
    return place


def client(report, machine, place):
    """An application that calls another one's service."""
    for name in ("valve", "panel"):
        check_run(report, f"kos.new_app {name}", machine.run(["mix", "kos.new_app", name, "--lang", "c"], place))
    panel = place / "apps/panel"
    server = (place / "apps/valve/app.toml").read_text()
    report.check("the server's app.toml is as shown", one(TALK, "toml", "[[serves]]").strip() in server, server)
    uses = one(TALK, "toml", "[[uses]]")
    own = (panel / "app.toml").read_text()
    # As the guide says of an application that only calls.
    own = re.sub(r"\[\[serves\]\]\n(.+\n)+", "", own)
    own = re.sub(r"request_budget_us = .*\npassive = true.*", "passive = false", own)
    (panel / "app.toml").write_text(own + "\n" + uses)
    play_shell(report, machine, one(TALK, "sh", "apps/panel/test"), place)
    (panel / "CMakeLists.txt").write_text(one(TALK, "cmake", "panel"))
    (panel / "main.c").write_text(one(TALK, "c", "kos_valve_connect"))
    check_run(report, "it is built, and the manifest is good", machine.run(["mix", "kos.manifest"], place), "system.toml: ok")
    valve = place / "apps/valve/app.toml"
    valve.write_text(server.replace("passive = true", "passive = false"))
    check_run(report, "an active server of the same priority is not called", machine.run(["mix", "kos.manifest", "--no-build"], place),
              r"panel \(priority 150\) calls valve \(priority 150.*a server of higher priority, or a passive one", 1)
    valve.write_text(server)


def denied(report, machine, place):
    system = place / "system.toml"
    good = system.read_text()
    system.write_text(good + "\n" + one(SERVICE, "toml", "[[deny]]").replace('"web"', '"panel"'))
    check_run(report, "who is kept away and does not ask", machine.run(["mix", "kos.manifest", "--no-build"], place), "system.toml: ok")
    panel = place / "apps/panel/app.toml"
    text = panel.read_text()
    panel.write_text(text + "\n" + one(SERVICE, "toml", "[[uses]]"))
    check_run(report, "who asks fails the build", machine.run(["mix", "kos.manifest", "--no-build"], place), "panel.*counter", 1)
    panel.write_text(text)
    system.write_text(good)
