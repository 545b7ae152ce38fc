"""Checks relative links in Markdown: the file exists, and so does the heading behind a '#'."""

import re
from pathlib import PurePosixPath
from urllib.parse import unquote

from kos import tracked
from kos.common import TOP

INLINE = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)")
ABSOLUTE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
CODE_SPAN = re.compile(r"(`+).*?\1")


def check():
    """Problems as `file:line: text`."""
    problems = []
    for name in tracked.with_suffix(".md"):
        for number, target in links((TOP / name).read_text()):
            problem = broken(name, target)
            if problem:
                problems.append(f"{name}:{number}: {problem}")
    return problems


def links(text):
    """(line, target) of each link outside code."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark and (fence is None or mark[1].startswith(fence)):
            fence = None if fence else mark[1]
        elif fence is None:
            line = CODE_SPAN.sub("", line)
            for match in [*INLINE.finditer(line), *REFERENCE.finditer(line)]:
                yield number, match[1]


def broken(name, target):
    """What is wrong with a link in the page `name`, or None."""
    if ABSOLUTE.match(target):
        return None
    path, _, anchor = target.partition("#")
    path = unquote(path)
    if path.startswith("/"):
        return f"{target}: absolute path; write it relative to the page"
    page = TOP / PurePosixPath(name).parent / path if path else TOP / name
    if not page.exists():
        return f"{target}: no such file"
    if not page.resolve().is_relative_to(TOP):
        return f"{target}: outside the repository"
    if anchor and page.suffix == ".md" and anchor not in anchors(page.read_text()):
        return f"{target}: no such heading"
    return None


def anchors(text):
    """The anchors of a page's headings, as the usual renderers form them."""
    found, fence = set(), False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fence = not fence
        match = None if fence else re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if match:
            slug = re.sub(r"[^\w\- ]", "", match[1].lower()).replace(" ", "-")
            candidate, count = slug, 0
            while candidate in found:
                count += 1
                candidate = f"{slug}-{count}"
            found.add(candidate)
    return found
