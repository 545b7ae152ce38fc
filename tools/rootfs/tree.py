"""A file tree in memory: what will be in the image. Knows nothing of packages, Debian or EROFS.

Paths are without a leading slash and resolved: no component but the last is a symbolic link."""

import os
import posixpath
import re
from dataclasses import dataclass
from functools import cache

from kos.common import KosError

MAX_LINKS = 40  # as Linux has it


@dataclass
class Node:
    """A file that has two names is one Node at two paths."""

    kind: str  # "dir", "file", "link"
    mode: int = 0o755
    data: bytes = b""  # of a file
    target: str = ""  # of a link
    origin: str = ""  # who brought it, for messages


class Tree:
    def __init__(self):
        self.nodes = {"": Node("dir")}

    def resolve(self, path, follow_last=True):
        """Where PATH leads, as a key of `nodes` (which need not exist). None for a circle of links."""
        todo = [part for part in path.split("/") if part not in ("", ".")][::-1]
        done, links = [], 0
        while todo:
            part = todo.pop()
            if part == "..":
                done = done[:-1]
                continue
            node = self.nodes.get("/".join([*done, part]))
            if node is not None and node.kind == "link" and (todo or follow_last):
                links += 1
                if links > MAX_LINKS:
                    return None
                if node.target.startswith("/"):
                    done = []
                todo += [p for p in node.target.split("/") if p not in ("", ".")][::-1]
            else:
                done.append(part)
        return "/".join(done)

    def get(self, path):
        """The node that PATH leads to, or None."""
        key = self.resolve(path)
        return None if key is None else self.nodes.get(key)

    def put(self, path, node):
        """Places a node, makes the folders above it. A folder does not replace a link to one, as dpkg has it."""
        key = self.resolve(path, follow_last=False)
        parent = self.resolve(posixpath.dirname(key)) if key is not None else None
        if parent is None:
            raise KosError(f"/{path}: symbolic links in a circle")
        if key == "":
            return
        self.make_folders(parent)
        old = self.nodes.get(key)
        if node.kind == "dir" and old is not None:
            target = self.get(key)
            if target is not None and target.kind == "dir":
                target.mode = node.mode
                return
            if old.kind == "link" and target is None:
                self.make_folders(self.resolve(key))
                return
        if old is not None and old.kind == "dir" and node.kind != "dir":
            raise KosError(f"/{key}: a folder, and a {node.kind} in {node.origin}")
        self.nodes[key] = node

    def make_folders(self, key):
        parts = key.split("/") if key else []
        for count in range(1, len(parts) + 1):
            name = "/".join(parts[:count])
            node = self.nodes.setdefault(name, Node("dir"))
            if node.kind != "dir":
                raise KosError(f"/{name}: a {node.kind} of {node.origin or 'the tool'}, needed as a folder")

    def folder(self, path, mode=0o755):
        self.put(path, Node("dir", mode))

    def file(self, path, data, mode=0o644, origin=""):
        self.put(path, Node("file", mode, data if isinstance(data, bytes) else data.encode(), origin=origin))

    def link(self, path, target, origin=""):
        self.put(path, Node("link", 0o777, target=target, origin=origin))

    def remove(self, path):
        """Removes PATH and what is below it."""
        key = path.strip("/")
        for name in [n for n in self.nodes if n == key or n.startswith(key + "/")]:
            del self.nodes[name]

    def children(self, path):
        key = self.resolve(path)
        below = "" if key == "" else f"{key}/"
        return sorted(name for name in self.nodes
                      if name and name.startswith(below) and "/" not in name[len(below):])

    def files(self):
        return [(name, node) for name, node in sorted(self.nodes.items()) if node.kind == "file"]

    def bytes(self):
        return sum(len(node.data) for node in {id(n): n for n in self.nodes.values()}.values())

    def filter(self, exclude, include):
        """Removes what one of the patterns `exclude` covers and none of `include`, and folders that this empties."""
        dropped = {name for name in self.nodes
                   if name and covered(name, exclude) and not covered(name, include)}
        full = {posixpath.dirname(name) for name in self.nodes if name}
        kept = {name: node for name, node in self.nodes.items() if name not in dropped or node.kind == "dir"}
        for name in sorted(kept, reverse=True):  # what is below a folder comes before it
            if name and kept[name].kind == "dir" and (name in full or name in dropped):
                if not any(other.startswith(name + "/") for other in kept):
                    del kept[name]
        self.nodes = kept

    def write(self, folder):
        """Writes the tree below an empty folder of this machine; owners are not kept, and everything is readable for its
        owner, so that who is not root can make an image of it."""
        places = {}
        for name in sorted(self.nodes):
            node, place = self.nodes[name], os.path.join(folder, name)
            if node.kind == "dir":
                os.makedirs(place, exist_ok=True)
            elif node.kind == "link":
                os.symlink(node.target, place)
            elif id(node) in places:
                os.link(places[id(node)], place)
            else:
                with open(place, "wb") as file:
                    file.write(node.data)
                os.chmod(place, node.mode | 0o400)
                places[id(node)] = place
        # Modes of folders last: some may not be written to.
        for name in sorted(self.nodes, reverse=True):
            if self.nodes[name].kind == "dir":
                os.chmod(os.path.join(folder, name), self.nodes[name].mode | 0o500)


@cache
def expression(pattern):
    """`*` and `?` stay within a name, `**` does not, `{a,b}` is one or the other; a pattern covers what is below the
    folders it matches."""
    result = ""
    for part in re.split(r"(\*\*/?|\*|\?|\[[^\]/]+\]|\{[^{}]*\})", pattern.strip("/")):
        if part.startswith("**"):
            result += "(?:.*/)?" if part == "**/" else ".*"
        elif part == "*":
            result += "[^/]*"
        elif part == "?":
            result += "[^/]"
        elif part.startswith("["):
            result += part.replace("[!", "[^")
        elif part.startswith("{"):
            result += "(?:" + "|".join(re.escape(word) for word in part[1:-1].split(",")) + ")"
        else:
            result += re.escape(part)
    return re.compile(f"{result}(?:/.*)?")


def covered(name, patterns):
    return any(expression(pattern).fullmatch(name) for pattern in patterns)
