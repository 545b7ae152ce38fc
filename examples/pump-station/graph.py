"""Writes what the station's page draws of the manifest: the domains and who may talk to whom, as JSON.

    python3 graph.py SYSTEM.toml TREE OUTPUT.json

It reads the same files as kos-manifest, which checks them; nothing here decides about rights."""

import json
import sys
import tomllib
from pathlib import Path

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def read(path):
    with open(path, "rb") as file:
        return tomllib.load(file)


def size(value):
    """Quotas are rounded up to a power of two."""
    number = int(value[:-1]) * UNITS[value[-1]] if isinstance(value, str) and value[-1] in UNITS else int(value)
    return 1 << (number - 1).bit_length()


def app_file(path, system, tree):
    """app.toml of `path` of an [[app]]."""
    if not path.startswith("core:"):
        return system.parent / path / "app.toml"
    files = [*tree.glob("services/*/app.toml"), *tree.glob("drivers/*/*/app.toml")]
    return next(file for file in files if read(file)["app"]["name"] == path.removeprefix("core:"))


def kind(path, app):
    if path.startswith("core:"):
        return "core"
    return "linux" if app["app"].get("binary") == "linux.elf" else "native"


def main(system_file, tree, output):
    system = read(system_file)
    apps = []
    for entry in system["app"]:
        app = read(app_file(entry["path"], Path(system_file), Path(tree)))
        apps.append((entry, app))
    servers = {one["port"]: app["app"]["name"] for _, app in apps for one in app.get("serves", [])}
    domains, edges = [], []
    for entry, app in apps:
        name = app["app"]["name"]
        domains.append({"name": name, "kind": kind(entry["path"], app), "quota": size(app["app"].get("memory", "256K")),
                        "priority": app["app"].get("priority", 100)})
        for one in app.get("uses", []):
            if one["port"] in servers:
                edges.append({"from": name, "to": servers[one["port"]], "port": one["port"],
                              "send": one.get("send_only", False)})
        for one in app.get("ring", []):
            edges.append({"from": name, "to": one["to"], "port": one["name"], "ring": True})
        edges += [{"from": name, "to": one["to"], "port": "distribution", "net": True} for one in app.get("stream", [])]
        network = app.get("network")
        if network is not None:
            edges.append({"from": name, "to": "netrouter", "port": "packets", "ring": True})
        for rule in (network or {}).get("allow", []):
            if rule["to"].startswith("domain:"):
                edges.append({"from": name, "to": rule["to"].removeprefix("domain:"),
                              "port": f"TCP {' '.join(map(str, rule.get('ports', ['any'])))}", "net": True})
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    Path(output).write_text(json.dumps({"system": system["system"]["name"], "domains": domains, "edges": edges}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
