"""Debian arm64 packages: which ones a list needs, their archives, and their files in a tree.

All through the private apt state of the build cache (kos.apt_state). Nothing of a package is executed: what its
scripts would have done is done here (etc.py, ld_cache.py, alternatives below) or named in root.toml."""

import fcntl
import io
import re
import subprocess
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase

from kos import apt_state
from kos.common import CACHE, EXIT_MISSING, KosError, output_of, say
from rootfs.tree import Node

FOLDER = CACHE / "roots"

# Packages that others need for their installation only, or that have nothing to do in a domain: dependencies on them
# are met by their names. root.toml's `assume` adds to them; a package that is listed in `packages` comes nevertheless.
ASSUMED = ("adduser", "base-files", "base-passwd", "bash", "ca-certificates", "dash", "debconf", "debconf-2.0", "debianutils",
           "dpkg", "init-system-helpers", "install-info", "libaudit-common", "lsb-base", "passwd",
           "perl", "perl-base", "readline-common", "sensible-utils", "sysvinit-utils", "tar", "ucf", "udev", "usrmerge", "usr-is-merged")


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    architecture: str

    def file_name(self):
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"


@contextmanager
def locked():
    """One user of the apt state and of the resolver's files at a time, also among several ./kos."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def resolve(names, assume, recommends):
    """The packages that NAMES and their dependencies stand for, in order of name. Caller holds the lock."""
    if not names:
        return []
    # apt chooses versions and alternatives for a system that has nothing yet.
    words = ["-o", f"APT::Install-Recommends={'true' if recommends else 'false'}", "--simulate", "install", *names]
    text = output_of([*state().command, *words])
    found = {}
    for name, version, architecture in re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) .*\[(\w+)\]\)", text, re.MULTILINE):
        package = Package(name.split(":")[0], version, architecture)
        found[package.name] = package
    if not found:
        raise KosError(f"apt resolved {' '.join(names)} to nothing")
    listed = {name.split("=")[0].split(":")[0] for name in names}
    wanted = reachable(listed, control(found.values()), set(assume), recommends)
    return [found[name] for name in sorted(wanted)]


def control(packages):
    """{name: its fields that are about dependencies}."""
    names = [f"{p.name}={p.version}" for p in packages]
    command = ["apt-cache", *state().command[2:], "show", "--no-all-versions", *names]
    return {stanza["package"]: stanza for stanza in apt_state.parse_deb822(output_of(command))}


def reachable(listed, stanzas, assume, recommends):
    """What of STANZAS the packages LISTED need. The way ends at assumed packages, unless they are a part of the same
    source (dependency on an exact version), as perl-base is of perl."""
    providers = {}
    for name, stanza in stanzas.items():
        for provided in re.findall(r"(?:^|,)\s*([^\s,(]+)", stanza.get("provides", "")):
            providers.setdefault(provided, set()).add(name)
    wanted, todo = set(), sorted(listed & set(stanzas))
    for name in listed - set(stanzas):
        todo += sorted(providers.get(name, ()))
    while todo:
        name = todo.pop()
        if name in wanted:
            continue
        wanted.add(name)
        for other, exact in dependencies(stanzas[name], recommends):
            for real in {other} if other in stanzas else providers.get(other, ()):
                cut = any(fnmatchcase(n, a) for n in (real, other) for a in assume) or (real in ASSUMED and not exact)
                if not cut or real in listed:
                    todo.append(real)
    return wanted


def dependencies(stanza, recommends):
    """(name, is on an exact version) of all alternatives: apt has chosen among them."""
    fields = ["pre-depends", "depends"] + (["recommends"] if recommends else [])
    for field in fields:
        for item in re.split(r"[,|]", stanza.get(field, "")):
            match = re.match(r"\s*([^\s:(]+)(?::\S+)?\s*(?:\((\S+)[^)]*\))?", item)
            if match:
                yield match[1], match[2] == "="


def state():
    """The apt state with the package lists that are there; they are fetched if there are none."""
    if any((apt_state.FOLDER / "state/lists").glob("*_Packages*")) and (apt_state.FOLDER / "apt.conf").exists():
        return apt_state.State(apt_state.FOLDER)
    if not apt_state.allowed:
        raise KosError("missing downloads: the lists of arm64 packages", EXIT_MISSING)
    return apt_state.ready()


def archives(packages):
    """Paths of the packages' archives, downloaded where they are not there. Caller holds the lock."""
    folder = FOLDER / "archives"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [p for p in packages if not (folder / p.file_name()).exists()]
    if missing:
        if not apt_state.allowed:
            raise KosError(f"missing downloads: {' '.join(p.name for p in missing)}:arm64", EXIT_MISSING)
        say(f"downloading into build/cache/roots: {' '.join(p.name for p in missing)}")
        temporary = folder / "partial"
        temporary.mkdir(exist_ok=True)
        words = ["download", *(f"{p.name}:{p.architecture}={p.version}" if p.architecture != "all"
                               else f"{p.name}={p.version}" for p in missing)]
        output_of([*state().command, *words], cwd=temporary)
        for package in missing:
            source = temporary / package.file_name()
            if not source.exists():
                raise KosError(f"apt-get download gave no {package.file_name()}")
            source.rename(folder / package.file_name())  # complete, and its hash checked by apt
    return [folder / p.file_name() for p in packages]


def unpack(archive, tree):
    """The files of an archive into the tree. Device nodes do not come: /dev is the personality's."""
    name = archive.name.split("_")[0]
    # Two names of one file are one Node.
    with open_tar(archive, "--fsys-tarfile") as tar:
        for member in tar:
            path = clean(member.name)
            mode = member.mode & 0o7777
            if not path:
                continue
            if member.isdir():
                tree.put(path, Node("dir", mode, origin=name))
            elif member.isfile():
                tree.put(path, Node("file", mode, tar.extractfile(member).read(), origin=name))
            elif member.issym():
                tree.put(path, Node("link", 0o777, target=member.linkname, origin=name))
            elif member.islnk():
                other = tree.nodes.get(tree.resolve(clean(member.linkname), follow_last=False))
                if other is None or other.kind != "file":
                    raise KosError(f"{archive.name}: /{path} is a link to {member.linkname}, which is not there")
                tree.put(path, other)


def clean(name):
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise KosError(f"archive has the name {name!r}")
    return "/".join(parts)


def open_tar(archive, what):
    data = subprocess.run(["dpkg-deb", what, str(archive)], check=False, capture_output=True)
    if data.returncode != 0:
        raise KosError(f"dpkg-deb {what} {archive.name}: {data.stderr.decode(errors='replace').strip()}")
    return tarfile.open(fileobj=io.BytesIO(data.stdout))


def control_file(archive, name):
    """The text of one of the package's control files, "" without it."""
    with open_tar(archive, "--ctrl-tarfile") as tar:
        for member in tar:
            if clean(member.name) == name and member.isfile():
                return tar.extractfile(member).read().decode(errors="replace")
    return ""


def alternatives(script):
    """[(priority, {link: target})] of the calls `update-alternatives --install` that are written out in a script.

    What a script computes is not understood; root.toml's `links` says it."""
    result = []
    text = re.sub(r"\\\n\s*", " ", script)
    for call in re.findall(r"update-alternatives\b([^\n;&|]*)", text):
        words = [word.strip("'\"") for word in call.split()]
        links, priority, i = {}, 0, 0
        while i < len(words):
            if words[i] == "--install" and len(words) > i + 4 and words[i + 4].lstrip("-").isdigit():
                links[words[i + 1]], priority = words[i + 3], int(words[i + 4])
                i += 5
            elif words[i] == "--slave" and len(words) > i + 3:
                links[words[i + 1]] = words[i + 3]
                i += 4
            else:
                i += 1
        if links and all("$" not in path for pair in links.items() for path in pair):
            result.append((priority, links))
    return result


def add_alternatives(archives_, tree):
    """Links names to the alternative of highest priority, directly: there is no /etc/alternatives to edit."""
    found = [item for archive in archives_ for item in alternatives(control_file(archive, "postinst"))]
    for _, links in sorted(found, key=lambda item: item[0]):
        for link, target in links.items():
            if tree.get(target) is not None:
                tree.link(link.strip("/"), target, origin="alternatives")
