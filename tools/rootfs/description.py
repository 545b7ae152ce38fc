"""root.toml: what is in a root image and what is started in it. Reads and checks; docs/linux-roots.md has the keys."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from kos.common import KosError, shown
from rootfs.erofs import COMPRESSIONS

MODES = ("embedded", "interactive")  # of the BEAM's code server
NAME = "abcdefghijklmnopqrstuvwxyz0123456789_-"


@dataclass(frozen=True)
class StartKeys:
    """[start]: replaces single values of what [beam] or a release computes."""

    arguments: list = field(default_factory=list)
    environment: dict = field(default_factory=dict)
    directory: str = ""
    user: int = 0
    group: int = 0


@dataclass(frozen=True)
class BeamKeys:
    """[beam]: beam.smp is started directly, with an argument list made of these."""

    emulator_flags: list | None = None
    arguments: list = field(default_factory=list)
    paths: list = field(default_factory=list)
    boot: str = ""
    mode: str = "embedded"
    extra: list = field(default_factory=list)


@dataclass(frozen=True)
class Description:
    file: Path
    name: str
    packages: list
    recommends: bool
    assume: list
    include: list
    exclude: list
    links: dict
    files: dict
    trees: dict
    busybox: bool
    python_cache: bool
    release: str
    compression: str
    hostname: str
    nameservers: list
    timezone: str
    unresolved: list
    start: StartKeys
    beam: BeamKeys | None

    def folder(self):
        return self.file.parent


def read(file):
    file = Path(file)
    try:
        with open(file, "rb") as stream:
            values = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise KosError(f"{shown(file)}: {error}") from error
    reader = Reader(file, values, "")
    beam = reader.table("beam")
    start = reader.table("start")
    result = Description(
        file=file.resolve(),
        name=reader.take("name", str),
        packages=reader.texts("packages"),
        recommends=reader.take("recommends", bool, False),
        assume=reader.texts("assume"),
        include=reader.texts("include"),
        exclude=reader.texts("exclude"),
        links=reader.dictionary("links"),
        files=reader.dictionary("files"),
        trees=reader.dictionary("trees"),
        busybox=reader.take("busybox", bool, False),
        python_cache=reader.take("python_cache", bool, True),
        release=reader.take("release", str, ""),
        compression=reader.take("compression", str, "none"),
        hostname=reader.take("hostname", str, "kos"),
        nameservers=reader.texts("nameservers"),
        timezone=reader.take("timezone", str, "UTC"),
        unresolved=reader.texts("unresolved"),
        start=StartKeys(
            arguments=start.texts("arguments"),
            environment=start.dictionary("environment"),
            directory=start.take("directory", str, ""),
            user=start.take("user", int, 0),
            group=start.take("group", int, 0),
        ),
        beam=BeamKeys(
            emulator_flags=beam.texts("emulator_flags", None),
            arguments=beam.texts("arguments"),
            paths=beam.texts("paths"),
            boot=beam.take("boot", str, ""),
            mode=beam.take("mode", str, "embedded"),
            extra=beam.texts("extra"),
        ) if "beam" in values else None,
    )
    for part in (start, beam, reader):
        part.finish()
    check(reader, result)
    return result


def check(reader, result):
    if not result.name or set(result.name) - set(NAME):
        reader.refuse(f"name '{result.name}': expected letters a to z, digits, '_' and '-'")
    if not any((result.packages, result.release, result.files, result.trees)):
        reader.refuse("nothing to put into the image: packages, release, files or trees is needed")
    if result.compression not in COMPRESSIONS:
        reader.refuse(f"compression '{result.compression}': expected one of {' '.join(COMPRESSIONS)}")
    if result.start.arguments and (result.beam or result.release):
        reader.refuse("start.arguments: [beam] and release compute the arguments; [beam] arguments and extra add to them")
    if result.beam and result.beam.mode not in MODES:
        reader.refuse(f"beam.mode '{result.beam.mode}': expected one of {' '.join(MODES)}")
    if min(result.start.user, result.start.group) < 0:
        reader.refuse("start.user and start.group: expected numbers from 0")
    for path in [*result.links, *result.files, *result.trees]:
        if not path.startswith("/") or ".." in path.split("/"):
            reader.refuse(f"'{path}': expected a path from /")
    for source in result.files.values():
        if not (result.folder() / source).is_file():
            reader.refuse(f"files has '{source}': no such file, seen from root.toml")
    for source in result.trees.values():
        if not (result.folder() / source).is_dir():
            reader.refuse(f"trees has '{source}': no such folder, seen from root.toml")


class Reader:
    """Takes typed values out of a table; what is left over at the end is a mistake."""

    MISSING = object()

    def __init__(self, file, values, prefix):
        self.file, self.values, self.prefix = file, dict(values), prefix

    def take(self, key, kind, default=MISSING):
        value = self.values.pop(key, default)
        if value is self.MISSING:
            self.refuse(f"'{self.prefix}{key}' is missing")
        if value is not default and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
            self.refuse(f"'{self.prefix}{key}' is {value!r}; expected a {kind.__name__}")
        return value

    def texts(self, key, default=()):
        value = self.take(key, list, default)
        if value is None:
            return None
        if any(not isinstance(item, str) for item in value):
            self.refuse(f"'{self.prefix}{key}' is {value!r}; expected a list of texts")
        return list(value)

    def dictionary(self, key):
        value = self.take(key, dict, {})
        if any(not isinstance(item, str) for item in value.values()):
            self.refuse(f"'{self.prefix}{key}' is {value!r}; expected NAME = text")
        return dict(value)

    def table(self, key):
        return Reader(self.file, self.take(key, dict, {}), f"{key}.")

    def finish(self):
        if self.values:
            self.refuse(f"unknown key '{self.prefix}{next(iter(self.values))}'")

    def refuse(self, text):
        raise KosError(f"{shown(self.file)}: {text}")
