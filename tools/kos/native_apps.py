"""Native applications that a system description names: compiles those of a project, and says which targets of this tree the others are.

An app folder of a project with a CMakeLists.txt (kos_app, kos_rust_app: cmake/kos_app.cmake, kos_rust.cmake) is compiled by this
tree's own CMake files in a build folder of the project, _build/kos/native beside its system.toml. Folders of this tree
are targets of its own build (tree_targets)."""

import hashlib
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from kos import build
from kos.common import TOP, KosError, run, say, shown

EXAMPLES = TOP / "examples"
# Folders whose programs are targets of the tree's build. All else is a project's, even if somebody made it in a clone.
TREE = tuple(TOP / name for name in ("bench", "drivers", "examples", "linux", "services", "tests"))
# Programs and modules in each other's folders, and root images made of them.
CONNECTED = (TOP / "bench", TOP / "tests")


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
    folders = [folder for folder in folders if not is_in(folder, TREE)]
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
             f"-DCMAKE_TOOLCHAIN_FILE={TOP / 'cmake/aarch64-toolchain.cmake'}"], cwd=TOP, stdout=subprocess.DEVNULL)  # errors go to stderr
        stamp.write_text(key)
    build.compile_folder(output, ["project_apps"])
    refuse_core_names(output / "apps")
    return output / "apps"


def refuse_core_names(programs):
    """A project's programs are found before those of this tree, so none may stand in for a service, a driver or the personality."""
    files = [*TOP.glob("services/*/app.toml"), *TOP.glob("drivers/*/*/app.toml"), TOP / "linux/app.toml"]
    apps = [table(file)["app"] for file in files]
    for name in sorted({app.get("binary", f"{app['name']}.elf") for app in apps} & {file.name for file in programs.glob("*.elf")}):
        (programs / name).unlink()  # Ninja makes it again if it is still wanted
        raise KosError(f"{shown(programs / name)}: {name} is a program of the system; expected another name in kos_app or kos_rust_app")


def tree_targets(description):
    """Targets of the target preset, beside the platform, that this system is made of: all of the folders of its apps, by Ninja's name for
    them (examples/hello/all)."""
    description = Path(description).resolve()
    folders = [description.parent, *(app.folder for app in apps_of(description))]
    if any(is_in(folder, CONNECTED) for folder in folders):
        return [build.ALL]
    made = set()
    for folder in folders:
        below = [place for place in (folder, *folder.parents) if place.is_relative_to(EXAMPLES) and place != EXAMPLES]
        made |= {f"{place.relative_to(TOP)}/all" for place in below if (place / "CMakeLists.txt").is_file()}
    return sorted(made)


def is_in(folder, places):
    return any(folder.is_relative_to(place) for place in places)


def native_folder(folder):
    """The folder with the CMakeLists.txt that makes this app: its own, or for a test's domain the one above."""
    for candidate in (folder, folder.parent):
        if (candidate / "CMakeLists.txt").is_file() and not (candidate / "CMakePresets.json").is_file():
            return candidate
    return None
