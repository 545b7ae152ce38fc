"""Native applications of a project outside this tree: compiles those that a system description names.

An app folder with a CMakeLists.txt (kos_app, kos_rust_app: cmake/kos_app.cmake, kos_rust.cmake) is compiled by this
tree's own CMake files in a build folder of the project, _build/kos/native beside its system.toml. Folders of this tree are
left to `./kos build`."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from kos import build
from kos.common import TOP, run, say, shown


@dataclass(frozen=True)
class App:
    """An [[app]] of a system description with a folder of its own."""

    name: str
    folder: Path

    def is_native(self):
        return (self.folder / "CMakeLists.txt").is_file()

    def is_mix(self):
        return (self.folder / "mix.exs").is_file()

    def kind(self):
        return "mix" if self.is_mix() else "native" if self.is_native() else "other"


def apps_of(description):
    """The apps with folders, in their order. What is wrong with the description itself is kos-manifest's to say."""
    description = Path(description)
    result = []
    for entry in table(description).get("app", []):
        path = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(path, str) or path.startswith("core:"):
            continue
        folder = (description.parent / path).resolve()
        app = table(folder / "app.toml").get("app", {})
        name = entry.get("name") or (app.get("name") if isinstance(app, dict) else None) or folder.name
        result.append(App(str(name), folder))
    return result


def table(file):
    try:
        with open(file, "rb") as stream:
            return tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError):
        return {}


def project_of(description):
    """The folder of the project. A description inside it, such as apps/NAME/test/system.toml, is part of it."""
    folder = Path(description).resolve().parent
    for above in folder.parents:
        if (above / "system.toml").is_file() and (above / "mix.exs").is_file():
            return above
    return folder


def compile_for(description):
    """The folder with the programs of the project's native apps, for kos-manifest's --programs; None if it has none."""
    project = project_of(description)
    # All of the project's, so that its systems share one configuration.
    apps = [*apps_of(description), *apps_of(project / "system.toml")]
    folders = sorted({native_folder(app.folder) for app in apps} - {None})
    folders = [folder for folder in folders if not folder.is_relative_to(TOP)]
    if not folders:
        return None
    output = project / "_build/kos/native"
    listed = ";".join(map(str, folders))
    key = hashlib.sha256(f"{TOP} {listed}".encode()).hexdigest()
    stamp = output / "configured"
    if not (output / "build.ninja").is_file() or not stamp.is_file() or stamp.read_text() != key:
        say(f"configuring {shown(output)}")
        output.mkdir(parents=True, exist_ok=True)
        run(["cmake", "--fresh", "-G", "Ninja", "-S", TOP, "-B", output, f"-DKOS_PROJECT={listed}", "-DCMAKE_MESSAGE_LOG_LEVEL=WARNING",
             f"-DCMAKE_TOOLCHAIN_FILE={TOP / 'cmake/aarch64-toolchain.cmake'}"], cwd=TOP)
        stamp.write_text(key)
    build.compile_folder(output, ["project_apps"])
    return output / "apps"


def native_folder(folder):
    """The folder with the CMakeLists.txt that makes this app: its own, or for a test's domain the one above."""
    for candidate in (folder, folder.parent):
        if (candidate / "CMakeLists.txt").is_file() and not (candidate / "CMakePresets.json").is_file():
            return candidate
    return None
