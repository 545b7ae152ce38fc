"""The unit tests of the host preset: which there are, and one ctest run per test."""

import json
import subprocess
import time
from dataclasses import dataclass

from kos import processes
from kos.common import HOST, output_of


@dataclass(frozen=True)
class HostTest:
    name: str
    labels: tuple
    command: tuple
    folder: str
    environment: tuple
    timeout_s: float


def tests():
    """The tests that the configured host build has; none if it is not configured."""
    if not (HOST / "CTestTestfile.cmake").exists():
        return []
    listed = json.loads(output_of(["ctest", "--test-dir", HOST, "--show-only=json-v1"]))
    return [read(entry) for entry in listed["tests"] if "command" in entry]


def read(entry):
    properties = {p["name"]: p["value"] for p in entry.get("properties", [])}
    return HostTest(
        name=entry["name"],
        labels=tuple(properties.get("LABELS", [])),
        command=tuple(entry["command"]),
        folder=properties.get("WORKING_DIRECTORY", str(HOST)),
        environment=tuple(properties.get("ENVIRONMENT", [])),
        timeout_s=float(properties.get("TIMEOUT", 300)),
    )


def run(test, log_path, timeout_s, environment):
    """Runs one test program; returns (problems, seconds)."""
    environment = dict(environment, **dict(line.split("=", 1) for line in test.environment))
    started = time.monotonic()
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with open(log_path, "wb") as log:
        process = processes.start(test.command, cwd=test.folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            status = process.wait(timeout_s)
            problems = [] if status == 0 else [f"status {status}"]
        except subprocess.TimeoutExpired:
            problems = [f"not finished in {timeout_s:.0f} s"]
        finally:
            processes.stop(process)
    if problems:
        problems += tail(log_path)
    return problems, time.monotonic() - started


def tail(log_path):
    """The lines that say why: GoogleTest's failures, or else the end of the output."""
    lines = log_path.read_text(errors="replace").splitlines()
    failures = [line for line in lines if "Failure" in line or line.startswith("[  FAILED  ]") or "ERROR:" in line]
    return (failures or lines)[-10:]
