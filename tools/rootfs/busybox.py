"""Links of busybox's applets, as `busybox --install` makes them."""

from kos.common import KosError

PROGRAMS = ("usr/bin/busybox", "bin/busybox")
FIRST = b"\0[\0[[\0"  # the list of names in the program is in order
MAX_NAME = 32


def add_links(tree):
    """A link in /usr/bin for each applet whose name no package has taken."""
    node = next((n for n in map(tree.get, PROGRAMS) if n is not None), None)
    if node is None:
        raise KosError("busybox = true, but no package has a /bin/busybox; add \"busybox\" to packages")
    for name in applets(node.data):
        if all(tree.get(f"{folder}/{name}") is None for folder in ("usr/bin", "usr/sbin")):
            tree.link(f"usr/bin/{name}", "busybox", origin="busybox")


def applets(data):
    """The names in the program's list, which ends with an empty one."""
    at = data.find(FIRST)
    if at < 0:
        raise KosError("this busybox has no list of applets")
    names = []
    for name in data[at + 1:at + (1 << 16)].split(b"\0"):
        if not 0 < len(name) <= MAX_NAME:
            break
        names.append(name.decode("ascii", errors="replace"))
    return names
