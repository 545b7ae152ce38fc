"""Structured results on a serial line: byte 0x1e, one JSON object, line feed. All other text is console noise.

Used by the QEMU runner and by test scripts that print results themselves."""

import json
from dataclasses import dataclass, field

RECORD_SEPARATOR = 0x1E
# A kernel that cannot go on prints a fault record that begins with this.
FAULT_MARK = b"KEEL FAULT"
# More than any record or console line needs; a line that never ends must not fill memory.
MAX_LINE_BYTES = 1 << 16


class Parser:
    """Takes bytes as they arrive; calls `on_record(dict)`, `on_malformed(bytes)` and `on_text(bytes)` per line."""

    def __init__(self, on_record, on_malformed, on_text):
        self.on_record = on_record
        self.on_malformed = on_malformed
        self.on_text = on_text
        self.rest = b""

    def feed(self, data):
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            self.line(line)
        if len(self.rest) > MAX_LINE_BYTES:
            self.finish()

    def finish(self):
        """The end of the stream: what has no line feed yet is a line too (a record is then cut off)."""
        line, self.rest = self.rest, b""
        if RECORD_SEPARATOR in line:
            self.on_malformed(line[line.index(RECORD_SEPARATOR) + 1:])
        elif line:
            self.on_text(line)

    def line(self, line):
        # Console text without a line feed may stand before a record on its line.
        text, separator, record = line.rpartition(bytes([RECORD_SEPARATOR]))
        if not separator:
            self.on_text(line.rstrip(b"\r"))
            return
        if text:
            self.on_text(text)
        try:
            value = json.loads(record.decode("utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
            value = None
        if isinstance(value, dict):
            self.on_record(value)
        else:
            self.on_malformed(record)


@dataclass
class Collector:
    """What a run said up to its verdict. Afterwards only a fault counts: a program that has ended may be started again, and
    say everything once more before QEMU is stopped."""

    tests: list = field(default_factory=list)
    digests: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    malformed: list = field(default_factory=list)
    verdict: dict | None = None
    fault: str | None = None
    last_text: str = ""

    def parser(self):
        return Parser(self.on_record, self.on_malformed, self.on_text)

    def on_record(self, record):
        if self.verdict:
            return
        if "verdict" in record:
            self.verdict = record
        elif "test" in record:
            self.tests.append(record)
        elif "digest" in record:
            self.digests.append(record)
        elif "row" in record:
            self.rows.append(record)
        # Any other object is information for a reader of the log.

    def on_malformed(self, record):
        if self.verdict:
            return
        self.malformed.append(record[:200].decode("utf-8", "replace"))

    def on_text(self, line):
        text = line.decode("utf-8", "replace").strip()
        if text:
            self.last_text = text[:200]
        if FAULT_MARK in line and self.fault is None:
            self.fault = text

    def results(self, result):
        return [t for t in self.tests if t.get("result") == result]

    def problems(self):
        """Why this run did not pass, one line each; empty if it passed."""
        found = [f"{t['test']}: {t.get('detail', '')}".rstrip(": ") for t in self.results("fail")]
        found += [f"{t['test']}: unknown result {t.get('result')!r}" for t in self.tests
                  if t.get("result") not in ("pass", "fail", "skip")]
        found += [f"damaged record: {m!r}" for m in self.malformed]
        if self.fault:
            found.append(self.fault)
        if self.verdict is None:
            return found
        if self.verdict["verdict"] != "pass" and not found:
            found.append(f"verdict {self.verdict['verdict']!r}")
        # The counts in the verdict show that no record was lost on the way.
        for result in ("pass", "fail", "skip"):
            key = {"pass": "passed", "fail": "failed", "skip": "skipped"}[result]
            if key in self.verdict and self.verdict[key] != len(self.results(result)):
                found.append(f"verdict counts {self.verdict[key]} {key}, {len(self.results(result))} records arrived")
        if self.verdict.get("rows", len(self.rows)) != len(self.rows):
            found.append(f"verdict counts {self.verdict['rows']} rows, {len(self.rows)} records arrived")
        if not self.tests and not self.digests and not self.rows:
            found.append("a verdict without a result: nothing ran")
        return found
