"""Makes the root images that a system asks for, before kos-manifest looks for them.

`[[image]] file = "NAME.erofs"` of an app that has no such file in its folder is made from the root.toml, or *.root.toml,
that has `name = "NAME"`: in the app's folder, in the system's folder, or in linux/roots, in this order."""

import hashlib
import os
import tomllib
from pathlib import Path

from kos.common import TOP, KosError, say, shown

COMMON = TOP / "linux/roots"
SUFFIX = ".erofs"


def folder_for(description, releases=None):
    """The folder for kos-manifest's --images, with links NAME.erofs; None if the system needs no images made.

    `releases`: image name -> folder of a mix release, in place of the `release` of its root.toml."""
    releases = releases or {}
    wanted = needed(description)
    if not wanted:
        return None
    from rootfs import build  # systems without roots do not need it

    places = {}
    for name in releases:
        if name not in wanted:
            raise KosError(f"{shown(description)}: no app has the image {name}{SUFFIX}, for which a release is given")
    for name, folders in wanted.items():
        sources = [find(name, folder) for folder in folders]
        file = next((source for source in [*sources, find(name, description.parent), find(name, COMMON)] if source), None)
        if file is None:
            raise KosError(f"{shown(description)}: {name}{SUFFIX} is not in {shown(folders[0])}, and no root.toml there, beside "
                           f"system.toml or in linux/roots has name = \"{name}\"")
        built = build.build(file, other_release=releases.get(name))
        if built.new:
            say(f"made {shown(built.image)} from {shown(file)}")
        places[name] = built.image
    key = hashlib.sha256(repr(sorted(places.items())).encode()).hexdigest()[:16]
    folder = build.IMAGES / f"system-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in places.items():
        link = folder / f"{name}{SUFFIX}"
        if not link.is_symlink():
            temporary = folder / f"{name}.{os.getpid()}"
            temporary.symlink_to(os.path.relpath(image, folder))
            os.replace(temporary, link)
    return folder


def needed(description):
    """{name: folders of apps that want it}. Mistakes in the files are kos-manifest's to tell."""
    result = {}
    system = read(description)
    for app in entries(system, "app"):
        path = app.get("path")
        if not isinstance(path, str) or path.startswith("core:"):
            continue
        folder = description.parent / path
        images = entries(app, "image") if "image" in app else entries(read(folder / "app.toml"), "image")
        for image in images:
            file = image.get("file")
            if isinstance(file, str) and file.endswith(SUFFIX) and "/" not in file and not (folder / file).exists():
                result.setdefault(file.removesuffix(SUFFIX), []).append(folder)
    return result


def entries(table, key):
    value = table.get(key, [])
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def find(name, folder):
    """The description with this name in the folder, or None."""
    for file in sorted({*folder.glob("root.toml"), *folder.glob("*.root.toml")}):
        if read(file).get("name") == name:
            return file
    return None


def read(file):
    try:
        with open(file, "rb") as stream:
            return tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError):
        return {}
