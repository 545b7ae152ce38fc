"""A private apt state below build/cache/apt: arm64 packages and sources from the mirrors that this machine's
apt already uses, with the keys that it already trusts, and without changing its configuration.

Mirrors come from the user's own source lists; proxies and credentials from the user's apt configuration,
which apt reads as always. No host name stands in this repository."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

from kos.common import CACHE, KosError, output_of

FOLDER = CACHE / "apt"

# False with --no-install: nothing may be downloaded.
allowed = True

# Fields of a source entry that say whom to trust and how; the rest is decided here.
KEPT_FIELDS = ("signed-by", "trusted", "allow-insecure", "check-valid-until", "valid-until-max", "check-date")

# The suites of Debian itself; other repositories of the user have no business here.
SUITE = re.compile(r"^(?P<base>[a-z]+)(-updates|-security|/updates|-proposed-updates)?/?$")


def user_sources():
    """The stanzas of the user's source lists: dictionaries with lower-case field names."""
    shell = output_of(["apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f",
                       "PARTS", "Dir::Etc::sourceparts/d"])
    places = dict(re.findall(r"^(LIST|PARTS)='([^']*)'", shell, re.MULTILINE))
    files = [Path(places["LIST"])] if "LIST" in places else []
    if "PARTS" in places and Path(places["PARTS"]).is_dir():
        files += sorted(p for p in Path(places["PARTS"]).iterdir() if p.suffix in (".list", ".sources"))
    stanzas = []
    for file in files:
        if file.is_file():
            text = file.read_text()
            stanzas += parse_deb822(text) if file.suffix == ".sources" else parse_one_line(text)
    return stanzas


def parse_deb822(text):
    """Stanzas of `Field: value` lines; a line that begins with a blank continues the one before."""
    stanzas, stanza, field = [], {}, None
    for line in text.splitlines() + [""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if stanza:
                stanzas.append(stanza)
            stanza, field = {}, None
        elif line[0] in " \t":
            if field:
                stanza[field] += "\n" + line
        elif ":" in line:
            field, value = line.split(":", 1)
            field = field.strip().lower()
            stanza[field] = value.strip()
    return [s for s in stanzas if s.get("enabled", "yes").lower() not in ("no", "false", "0")]


def parse_one_line(text):
    """Lines of the form `deb [option=value ...] URI SUITE COMPONENT...`."""
    stanzas = []
    for line in text.splitlines():
        match = re.match(r"\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            kind, options, uri, suite, components = match.groups()
            stanza = {"types": kind, "uris": uri, "suites": suite, "components": components.strip()}
            for option in (options or "").split():
                name, _, value = option.partition("=")
                stanza[name.lower()] = value.replace(",", " ")
            stanzas.append(stanza)
    return stanzas


def private_sources(stanzas, codename):
    """The text of our own source list: Debian's main component, binary (arm64) and source."""
    result, seen = [], set()
    for stanza in stanzas:
        suites = [s for s in stanza.get("suites", "").split() if is_debian_suite(s, codename)]
        if "main" not in stanza.get("components", "").split() or not suites:
            continue
        key = (stanza.get("uris"), tuple(suites))
        if key in seen:  # `deb` and `deb-src` lines of the same place
            continue
        seen.add(key)
        lines = ["Types: deb deb-src", f"URIs: {stanza['uris']}", f"Suites: {' '.join(suites)}",
                 "Components: main", "Architectures: arm64"]
        lines += [f"{field.title()}: {stanza[field]}" for field in KEPT_FIELDS if field in stanza]
        result.append("\n".join(lines) + "\n")
    return "\n".join(result)


def is_debian_suite(suite, codename):
    match = SUITE.match(suite)
    return bool(match) and match["base"] in (codename, "stable", "oldstable", "testing", "unstable", "sid")


def configuration(folder):
    """Our apt configuration, read after the user's: every place that apt writes to is ours."""
    lines = [
        f'Dir::State "{folder}/state";',
        f'Dir::State::status "{folder}/state/status";',
        f'Dir::Cache "{folder}/cache";',
        f'Dir::Etc::sourcelist "{folder}/kos.sources";',
        'Dir::Etc::sourceparts "/dev/null";',
        'Dir::Etc::preferences "/dev/null";',
        'Dir::Etc::preferencesparts "/dev/null";',
        f'Dir::Log "{folder}/log";',
        'APT::Architecture "arm64";',
        "#clear APT::Architectures;",
        'APT::Architectures { "arm64"; };',
        # Hooks of the user's configuration act on the system's own cache.
        "#clear APT::Update::Pre-Invoke;",
        "#clear APT::Update::Post-Invoke;",
        "#clear APT::Update::Post-Invoke-Success;",
        'Acquire::Languages "none";',
        'Acquire::Retries "3";',
        # A list that could not be fetched is an error here, not a warning.
        'APT::Update::Error-Mode "any";',
    ]
    if os.geteuid() == 0:
        # apt's own user cannot enter a build folder below root's home.
        lines.append('APT::Sandbox::User "root";')
    return "\n".join(lines) + "\n"


class State:
    """An apt that sees only arm64 and sources. Blocks while it downloads."""

    def __init__(self, folder):
        self.folder = folder
        self.command = ["apt-get", "-q", "-c", str(folder / "apt.conf")]

    def download(self, name):
        """Downloads NAME:arm64 and returns the archive's path; apt checks its hash."""
        return self.fetch(name, ["download", f"{name}:arm64"], "*.deb")

    def download_source(self, name):
        """Downloads the source package NAME and returns the path of its .dsc."""
        return self.fetch(name, ["source", "--download-only", "--only-source", name], "*.dsc")

    def fetch(self, name, words, pattern):
        place = self.folder / "archives" / f"{words[0]}-{name}"
        place.mkdir(parents=True, exist_ok=True)
        for old in place.iterdir():
            old.unlink()
        output_of(self.command + words, cwd=place)
        found = list(place.glob(pattern))
        if len(found) != 1:
            raise KosError(f"apt-get {' '.join(words)} gave {len(found)} files {pattern}, expected 1")
        return found[0]


@cache
def ready():
    """The private state with package lists; sets it up and updates it. Once per process."""
    stanzas = private_sources(user_sources(), codename())
    if not stanzas:
        raise KosError("this machine's apt has no source list for Debian's main component, "
                       "so there is no mirror to take arm64 packages from")
    for name in ("state/lists/partial", "cache/archives/partial", "log"):
        (FOLDER / name).mkdir(parents=True, exist_ok=True)
    (FOLDER / "state/status").touch()
    (FOLDER / "kos.sources").write_text(stanzas)
    (FOLDER / "apt.conf").write_text(configuration(FOLDER))
    state = State(FOLDER)
    output_of(state.command + ["update"])
    return state


def codename():
    release = Path("/etc/os-release").read_text()
    match = re.search(r'^VERSION_CODENAME="?([a-z]+)"?$', release, re.MULTILINE)
    if not match:
        raise KosError("/etc/os-release names no VERSION_CODENAME; expected a Debian release")
    return match[1]


def unpack(archive, folder):
    output_of(["dpkg-deb", "--extract", archive, folder])


def unpack_source(description, folder):
    # apt checked the hash by its signed lists; the signature inside needs a keyring of developers.
    output_of(["dpkg-source", "--no-check", "--no-copy", "--extract", description, folder],
              stdin=subprocess.DEVNULL)
