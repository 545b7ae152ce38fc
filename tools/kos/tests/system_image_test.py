import tempfile
import unittest
from pathlib import Path
from unittest import mock

from kos import system_image
from kos.common import TARGET, KosError
from kos.run_command import system_file

# Stands in for kos-manifest: prints its arguments into the output file, and what the test wants to stderr.
TOOL = """#!/bin/sh
for word; do last=$word; [ "$previous" = -o ] && output=$word; previous=$word; done
echo "$@" > "$output"
echo "{message}" >&2
exit {status}
"""


class CompileTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "pump").mkdir()
        self.system = self.folder / "pump/system.toml"
        self.system.write_text("")
        self.tool = self.folder / "kos-manifest"
        root = self.folder / "root.elf"
        root.write_text("")
        for name, value in (("MANIFEST", self.tool), ("ROOT", root), ("IMAGES", self.folder / "images")):
            patch = mock.patch.object(system_image, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def make_tool(self, status=0, message=""):
        self.tool.write_text(TOOL.format(status=status, message=message))
        self.tool.chmod(0o755)

    def test_built_with_a_report_beside(self):
        self.make_tool()
        image = system_image.compile_system(self.system)
        self.assertTrue(image.name.startswith("pump-") and image.suffix == ".elf")
        words = image.read_text().split()
        self.assertEqual(words[0], "build")
        self.assertEqual(words[words.index("--report") + 1], str(image.with_suffix(".md")))

    def test_same_folder_name_elsewhere_is_another_image(self):
        self.make_tool()
        other = self.folder / "b/pump/system.toml"
        other.parent.mkdir(parents=True)
        other.write_text("")
        self.assertNotEqual(system_image.compile_system(self.system), system_image.compile_system(other))

    def test_mistakes_are_told(self):
        self.make_tool(status=1, message="system.toml:1:1: there is no [system]; expected one")
        with self.assertRaisesRegex(KosError, "system.toml:1:1"):
            system_image.compile_system(self.system)

    def test_what_is_missing_is_named(self):
        with self.assertRaisesRegex(KosError, "kos-manifest is missing"):
            system_image.compile_system(self.system)
        self.make_tool()
        with self.assertRaisesRegex(KosError, "the system is missing"):
            system_image.compile_system(self.folder / "absent.toml")

    def test_root_task(self):
        self.assertEqual(system_image.root_task("a/b.elf", ""), TARGET / "a/b.elf")

    def test_a_folder_stands_for_its_system(self):
        self.assertEqual(system_file(self.folder / "pump"), self.system)
        self.assertEqual(system_file(self.system), self.system)


if __name__ == "__main__":
    unittest.main()
