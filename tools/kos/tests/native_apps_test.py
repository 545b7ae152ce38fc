import tempfile
import unittest
from pathlib import Path
from unittest import mock

from kos import native_apps, system_image
from kos.common import BUILD, TOP, KosError


class TreeTargetsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def of(self, *paths):
        """Of a system elsewhere with these apps."""
        file = self.folder / "system.toml"
        file.write_text("".join(f'[[app]]\npath = "{path}"\n' for path in paths))
        return native_apps.tree_targets(file)

    def test_nothing_for_a_project_with_programs_of_its_own(self):
        (self.folder / "own").mkdir()
        (self.folder / "own/CMakeLists.txt").write_text("kos_app(own main.c)")
        self.assertEqual(self.of("core:uart", "core:log", "own"), [])

    def test_folders_that_an_example_names(self):
        self.assertEqual(native_apps.tree_targets(TOP / "examples/hello_cpp/system.toml"),
                         ["examples/checker/all", "examples/hello/all", "examples/hello_cpp/all", "examples/hello_rust/all"])

    def test_the_folder_that_makes_a_part(self):
        self.assertEqual(native_apps.tree_targets(TOP / "examples/pump-station/test/system.toml"), ["examples/pump-station/all"])

    def test_an_example_in_a_project(self):
        self.assertEqual(self.of("core:log", TOP / "examples/hello"), ["examples/hello/all"])

    def test_an_example_without_programs(self):
        self.assertEqual(native_apps.tree_targets(TOP / "examples/iex/system.toml"), [])

    def test_all_for_tests(self):
        self.assertEqual(native_apps.tree_targets(TOP / "tests/system/core_soak/system.toml"), ["all"])
        self.assertEqual(self.of(TOP / "tests/system/common/peer"), ["all"])

    def test_a_description_that_is_not_there(self):
        self.assertEqual(native_apps.tree_targets(self.folder / "none/system.toml"), [])


class CompileTest(unittest.TestCase):
    """Which folders are given to CMake as a project."""

    def compiled(self, description):
        with mock.patch.object(native_apps, "run") as run, mock.patch.object(native_apps, "say"), \
                mock.patch.object(native_apps.build, "compile_folder") as compile_folder:
            native_apps.compile_for(description)
        if not compile_folder.called:
            return []
        option = next(word for word in map(str, run.call_args.args[0]) if word.startswith("-DKOS_PROJECT="))
        return option.partition("=")[2].split(";")

    def project(self, folder):
        (folder / "apps/own").mkdir(parents=True)
        (folder / "apps/own/CMakeLists.txt").touch()
        file = folder / "system.toml"
        file.write_text(f'[[app]]\npath = "apps/own"\n[[app]]\npath = "{TOP}/examples/hello"\n')
        return file

    def test_own_folders_and_none_of_the_tree(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder).resolve()
            self.assertEqual(self.compiled(self.project(folder)), [str(folder / "apps/own")])

    def test_a_project_inside_of_the_clone(self):
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as folder:
            folder = Path(folder).resolve()
            self.assertEqual(self.compiled(self.project(folder)), [str(folder / "apps/own")])

    def test_its_programs_come_first(self):
        with mock.patch.object(native_apps, "compile_for", return_value=Path("own")), mock.patch.object(system_image.root_images, "folder_for"):
            words = system_image.sources(Path("system.toml"), None)
        self.assertEqual(words[:4], ["--programs", Path("own"), "--programs", system_image.PROGRAMS])

    def test_none_is_a_service(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "echo.elf").touch()
            native_apps.refuse_core_names(Path(folder))
            for name in ("timer.elf", "uart.elf", "linux.elf"):
                with self.subTest(name):
                    (Path(folder) / name).touch()
                    with self.assertRaisesRegex(KosError, name):
                        native_apps.refuse_core_names(Path(folder))
                    native_apps.refuse_core_names(Path(folder))

    def test_an_example_is_none(self):
        self.assertEqual(self.compiled(TOP / "examples/hello/system.toml"), [])


if __name__ == "__main__":
    unittest.main()
