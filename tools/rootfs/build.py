"""From root.toml to an image: resolves, assembles the tree, checks it, writes it. Images are kept by content."""

import hashlib
import json
import os
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from kos import apt_state
from kos.common import BUILD, KosError, shown
from rootfs import beam, busybox, check, debian, description, erofs, etc, ld_cache, python_cache, release, start
from rootfs.tree import Tree

IMAGES = BUILD / "images/roots"
KEPT = 4  # images of one name
RESOLVED = debian.FOLDER / "resolved"

# Not needed to run programs; root.toml's `include` brings single ones back.
EXCLUDED = (
    "usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/lintian", "usr/share/locale", "usr/share/bug",
    "usr/share/doc-base", "usr/share/menu", "usr/share/pixmaps", "usr/share/applications", "usr/share/icons",
    "usr/share/initramfs-tools", "usr/share/bash-completion", "usr/share/zsh", "usr/share/gdb", "usr/share/binfmts",
    "usr/lib/systemd", "usr/lib/udev", "usr/lib/modules-load.d", "usr/lib/tmpfiles.d", "usr/lib/sysusers.d", "etc/init.d",
    "etc/cron.*", "etc/logrotate.d", "etc/kernel", "etc/apt", "etc/dpkg", "var/lib/dpkg",
    "usr/include", "usr/lib/**/*.a", "usr/lib/**/*.la", "usr/lib/**/pkgconfig", "usr/lib/**/gconv",
    "usr/sbin/{ldconfig,zic,iconvconfig}", "usr/bin/{iconv,ldd,locale,localedef,pldd,tzselect,zdump}", "var/cache/ldconfig",
    "usr/share/libc-bin", "usr/share/gcc", "etc/bindresvport.blacklist", "etc/terminfo", "etc/default/nss",
    "usr/lib/terminfo/{E,a,c,h,m,p,r,t,w}", "usr/lib/terminfo/{s/sun,v/vt52}", "usr/share/tabset",
    "usr/lib/aarch64-linux-gnu/{audit,libmemusage.so,libpcprofile.so,libc_malloc_debug.so.0,libBrokenLocale.so.1}",
    "usr/lib/aarch64-linux-gnu/{libnss_hesiod.so.2,libnss_compat.so.2,libnsl.so.1,libthread_db.so.1}", "usr/lib/erlang/lib/*/src", "usr/lib/erlang/lib/*/examples",
    "usr/lib/erlang/lib/*/emacs", "usr/share/perl5/Debian",
)


# What start.ENVIRONMENT names: the locale C.UTF-8 and the terminal xterm-256color.
ALWAYS = ("libc-bin", "ncurses-base")


@dataclass(frozen=True)
class Built:
    image: Path
    details: Path  # JSON: what is in it and what it starts
    new: bool


def build(file, compression=None, other_release=None):
    """The image that FILE (root.toml) describes, made unless it is there. `compression` and
    `other_release`, a folder, replace its own."""
    wanted = description.read(file)
    if compression:
        wanted = replace(wanted, compression=compression)
    if other_release:
        wanted = replace(wanted, release=str(Path(other_release).resolve()))
    opened, packages, archives = prepare(wanted)
    key = identity(wanted, opened, packages)
    image = IMAGES / f"{key}.erofs"
    details = image.with_suffix(".json")
    if image.is_file() and details.is_file():
        os.utime(details)
        return Built(image, details, False)
    tree, started = assemble(wanted, opened, archives)
    IMAGES.mkdir(parents=True, exist_ok=True)
    erofs.make(tree, image, wanted.compression)
    written = {
        "name": wanted.name, "description": shown(wanted.file), "image": image.name, "compression": wanted.compression,
        "image_bytes": image.stat().st_size, "file_bytes": tree.bytes(), "files": len(tree.files()),
        "packages": [f"{p.name}={p.version}" for p in packages], "start": started.as_json() if started else None,
    }
    temporary = details.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(written, indent=1) + "\n")
    os.replace(temporary, details)
    forget_old(wanted.name)
    return Built(image, details, True)


def forget_old(name):
    """Removes images of this name but the KEPT that were used last."""
    found = []
    for details in IMAGES.glob("*.json"):
        try:
            if json.loads(details.read_text())["name"] == name:
                found.append((details.stat().st_mtime_ns, details))
        except (OSError, ValueError, KeyError):  # another ./kos removes it
            continue
    for _, details in sorted(found, reverse=True)[KEPT:]:
        details.unlink(missing_ok=True)
        details.with_suffix(".erofs").unlink(missing_ok=True)


def prepare(wanted):
    """(release or None, packages, their archives) of a description."""
    opened = release.open_release(wanted.folder() / wanted.release) if wanted.release else None
    if opened and opened.own_erts:
        wanted = replace(wanted, assume=[*wanted.assume, *release.ASSUMED])
    names = [*wanted.packages, *(release.packages(opened) if opened else [])]
    if names:
        names += ALWAYS
    with debian.locked():
        packages, archives = fetch(names, wanted)
    return opened, packages, archives


def fetch(names, wanted):
    """(packages, archives). Package lists that are older than the mirror are renewed once."""
    packages = resolved(names, wanted)
    try:
        return packages, debian.archives(packages)
    except KosError:
        if not apt_state.allowed:
            raise
        apt_state.ready()
        packages = resolved(names, wanted)
        return packages, debian.archives(packages)


def resolved(names, wanted):
    """debian.resolve, remembered for the package lists that are there."""
    lists = sorted((path.name, path.stat().st_mtime_ns) for path in (apt_state.FOLDER / "state/lists").glob("*_Packages*"))
    question = json.dumps([sorted(names), sorted(wanted.assume), wanted.recommends, lists, debian.ASSUMED])
    file = RESOLVED / f"{hashlib.sha256(question.encode()).hexdigest()[:24]}.json"
    if lists and file.is_file():
        return [debian.Package(**item) for item in json.loads(file.read_text())]
    packages = debian.resolve(names, wanted.assume, wanted.recommends)
    if lists:
        RESOLVED.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps([asdict(package) for package in packages]))
    return packages


def identity(wanted, opened, packages):
    """A hash of everything that the image depends on."""
    digest = hashlib.sha256()

    def add(value):
        digest.update(len(value).to_bytes(8, "little") + value)

    values = asdict(wanted)
    del values["file"]
    add(json.dumps(values, sort_keys=True).encode())
    add(json.dumps([asdict(package) for package in packages]).encode())
    add(erofs.version().encode())
    add(sys.version.encode())  # it compiles Python's modules
    for source in sorted(Path(__file__).parent.glob("*.py")):
        add(source.read_bytes())
    for source in wanted.files.values():
        add((wanted.folder() / source).read_bytes())
        add(str((wanted.folder() / source).stat().st_mode & 0o100).encode())
    folders = [wanted.folder() / source for source in wanted.trees.values()] + ([opened.folder] if opened else [])
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix().encode()
            if path.is_symlink():
                add(name + b" -> " + str(path.readlink()).encode())
            elif path.is_file() and not name.startswith(b"tmp/"):
                add(name)
                add(str(path.stat().st_mode & 0o100).encode())
                add(path.read_bytes())
    return digest.hexdigest()[:32]


def assemble(wanted, opened, archives):
    """(tree, start or None)."""
    tree = Tree()
    etc.add_base(tree)
    for archive in archives:
        debian.unpack(archive, tree)
    debian.add_alternatives(archives, tree)
    if opened:
        release.add(opened, tree)
    tree.filter([*EXCLUDED, *wanted.exclude], wanted.include)
    etc.add_base(tree)  # what the rules took of it
    etc.add_files(tree, wanted.hostname, wanted.nameservers, wanted.timezone)
    for path, source in wanted.files.items():
        place = wanted.folder() / source
        tree.file(path, place.read_bytes(), 0o755 if place.stat().st_mode & 0o100 else 0o644, origin=source)
    for path, source in wanted.trees.items():
        copy(wanted.folder() / source, path.strip("/"), tree)
    for path, target in wanted.links.items():
        tree.link(path, target, origin="links")
    if wanted.busybox:
        busybox.add_links(tree)
    if wanted.python_cache:
        python_cache.add(tree)
    ld_cache.add(tree)
    started = start_of(wanted, opened, tree)
    if started:
        tree.file(start.PATH, started.text())
    check.check(tree, wanted, started)
    return tree, started


def copy(source, place, tree):
    """A folder of this machine into the tree."""
    tree.folder(place)
    for path in sorted(source.rglob("*")):
        name = f"{place}/{path.relative_to(source).as_posix()}"
        if path.is_symlink():
            tree.link(name, path.readlink().as_posix(), origin=shown(source))
        elif path.is_dir():
            tree.folder(name)
        elif path.is_file():
            tree.file(name, path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644, origin=shown(source))


def start_of(wanted, opened, tree):
    keys = wanted.start
    if opened:
        result = release.start_of(opened, wanted.beam or description.BeamKeys(), tree)
    elif wanted.beam:
        result = beam.start_of_packages(tree, wanted.beam)
    elif keys.arguments:
        result = start.Start(list(keys.arguments), dict(start.ENVIRONMENT))
    else:
        return None
    result.environment |= {"TZ": wanted.timezone} | keys.environment
    result.directory = keys.directory or result.directory
    result.user, result.group = keys.user, keys.group
    return result
