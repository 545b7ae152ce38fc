"""/.kos/start: what the personality starts in this root, unless app.toml says otherwise.

Lines `arg TEXT`, `env NAME=TEXT`, `cwd PATH`, `user UID GID`; the first argument is the program's path. A backslash,
line feed or NUL cannot be in a text, so nothing is escaped."""

from dataclasses import dataclass, field

from kos.common import KosError

PATH = ".kos/start"
MAX_ARGUMENTS = 256  # lines `arg` and lines `env`, each
MAX_TEXT = 4096

# Of every program that this tool starts; root.toml and app.toml replace single ones.
ENVIRONMENT = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TERM": "xterm-256color",
    "TZ": "UTC",  # without it the C library looks for /etc/localtime at each time it formats
}


@dataclass
class Start:
    arguments: list
    environment: dict = field(default_factory=dict)
    directory: str = "/"
    user: int = 0
    group: int = 0

    def text(self):
        lines = [f"arg {argument}" for argument in self.arguments]
        lines += [f"env {name}={value}" for name, value in self.environment.items()]
        lines += [f"cwd {self.directory}", f"user {self.user} {self.group}"]
        check(self, lines)
        return "".join(line + "\n" for line in lines)

    def as_json(self):
        return {"arguments": self.arguments, "environment": self.environment, "directory": self.directory,
                "user": self.user, "group": self.group}


def check(start, lines):
    if not start.arguments or not start.arguments[0].startswith("/"):
        raise KosError("start: the first argument must be the program's path from /")
    if max(len(start.arguments), len(start.environment)) > MAX_ARGUMENTS:
        raise KosError(f"start: more than {MAX_ARGUMENTS} arguments or variables")
    for line in lines:
        if "\n" in line or "\0" in line or len(line.encode()) > MAX_TEXT:
            raise KosError(f"start: {line[:60]!r}...: no line feed or NUL, at most {MAX_TEXT} bytes")
    for name in start.environment:
        if not name or "=" in name:
            raise KosError(f"start: environment has the name {name!r}")
    if not start.directory.startswith("/"):
        raise KosError(f"start: directory {start.directory!r}: expected a path from /")


def parse(text):
    """The Start that `text` (the file's content) stands for."""
    result = Start([])
    for number, line in enumerate(text.splitlines(), 1):
        key, _, value = line.partition(" ")
        if key == "arg":
            result.arguments.append(value)
        elif key == "env" and "=" in value:
            name, _, value = value.partition("=")
            result.environment[name] = value
        elif key == "cwd":
            result.directory = value
        elif key == "user" and len(value.split()) == 2 and value.replace(" ", "").isdigit():
            result.user, result.group = map(int, value.split())
        else:
            raise KosError(f"/{PATH}:{number}: {line[:60]!r}")
    return result
