import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from kos.common import KosError
from rootfs import build, debian, description, erofs, etc, python_cache, start
from rootfs.tests.samples import elf, package
from rootfs.tree import Tree


class DescriptionTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "root.toml"

    def read(self, text):
        self.file.write_text(text)
        return description.read(self.file)

    def test_whole(self):
        (self.file.parent / "x.conf").write_text("x")
        found = self.read('name = "a"\npackages = ["busybox"]\ncompression = "lz4"\nfiles = { "/etc/x" = "x.conf" }\n'
                          '[start]\narguments = ["/bin/sh"]\nenvironment = { A = "b" }\nuser = 5\n')
        self.assertEqual((found.packages, found.compression, found.start.user, found.beam), (["busybox"], "lz4", 5, None))
        self.assertEqual(found.timezone, "UTC")

    def test_the_repository_s_own(self):
        top = Path(build.__file__).parents[2]
        for file in [top / "examples/iex/root.toml", *top.glob("linux/roots/*.root.toml")]:
            self.assertTrue(description.read(file).name)

    def test_mistakes(self):
        for text, problem in (
                ("", "'name' is missing"), ('name = "a"', "nothing to put"), ('name = "A"\npackages = ["x"]', "expected letters"),
                ('name = "a"\npackages = "x"', "expected a list"), ('name = "a"\npackages = [1]', "list of texts"),
                ('name = "a"\npackages = ["x"]\ntypo = 1', "unknown key 'typo'"),
                ('name = "a"\npackages = ["x"]\n[start]\nargs = []', "unknown key 'start.args'"),
                ('name = "a"\npackages = ["x"]\ncompression = "zip"', "compression"),
                ('name = "a"\npackages = ["x"]\nbusybox = 1', "expected a bool"),
                ('name = "a"\npackages = ["x"]\nfiles = { "/x" = "gone" }', "no such file"),
                ('name = "a"\npackages = ["x"]\ntrees = { "/x" = "gone" }', "no such folder"),
                ('name = "a"\npackages = ["x"]\nlinks = { "x" = "y" }', "expected a path from /"),
                ('name = "a"\npackages = ["x"]\n[beam]\n[start]\narguments = ["/x"]', "compute the arguments"),
                ('name = "a"\npackages = ["x"]\n[start]\nuser = -1', "numbers from 0"), ("name = ", "root.toml")):
            with self.assertRaisesRegex(KosError, problem, msg=text):
                self.read(text)


class EtcTest(unittest.TestCase):
    def test_files(self):
        tree = Tree()
        etc.add_base(tree)
        tree.file("etc/hosts", b"mine")
        etc.add_files(tree, "pump", ["10.0.2.3"], "UTC")
        self.assertEqual(tree.get("etc/hosts").data, b"mine")
        self.assertEqual(tree.get("etc/resolv.conf").data, b"nameserver 10.0.2.3\n")
        self.assertIn(b"root:x:0:0:", tree.get("etc/passwd").data)
        zone = tree.get("etc/localtime").data
        self.assertEqual((zone[:5], zone[-6:]), (b"TZif2", b"\nUTC0\n"))
        self.assertEqual(tree.nodes["tmp"].mode, 0o1777)

    def test_time_zone(self):
        tree = Tree()
        tree.file("usr/share/zoneinfo/Europe/Berlin", b"TZif")
        etc.add_files(tree, "pump", [], "Europe/Berlin")
        self.assertEqual(tree.get("etc/localtime").data, b"TZif")


class PythonCacheTest(unittest.TestCase):
    def test_compiled(self):
        def tree():
            result = Tree()
            result.file(f"{python_cache.FOLDERS[0]}a/b.py", b"x = ('a', 'b')\n")
            result.file(f"{python_cache.FOLDERS[0]}bad.py", b"x = (\n")
            python_cache.add(result)
            return result

        first, second = tree(), tree()
        found = [name for name in first.nodes if name.endswith(".pyc")]
        self.assertEqual(len(found), 1)
        self.assertIn("a/__pycache__/b.cpython-", found[0])
        self.assertEqual(first.nodes[found[0]].data, second.nodes[found[0]].data)
        self.assertEqual(first.nodes[found[0]].data[4:8], b"\1\0\0\0")


@unittest.skipUnless(shutil.which(erofs.PROGRAM), "no mkfs.erofs")
class BuildTest(unittest.TestCase):
    """Whole builds from packages made here, without apt."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.archives = [package(self.folder, "prog", {"usr/bin/prog": elf(needed=["liba.so.1"]), "usr/share/doc/prog/x": b"d"}),
                         package(self.folder, "liba", {"usr/lib/aarch64-linux-gnu/liba.so.1": elf(soname="liba.so.1")})]
        (self.folder / "prog.tree/usr/bin/prog").chmod(0o755)
        self.file = self.folder / "root.toml"
        packages = [debian.Package(path.name.split("_")[0], "1", "arm64") for path in self.archives]
        for name, value in (("kos.common.BUILD", self.folder), ("rootfs.build.IMAGES", self.folder / "images"),
                            ("rootfs.debian.FOLDER", self.folder / "cache")):
            patch = mock.patch(name, value)
            patch.start()
            self.addCleanup(patch.stop)
        patch = mock.patch("rootfs.build.fetch", lambda names, wanted: (packages, self.archives))
        patch.start()
        self.addCleanup(patch.stop)

    def build(self, more=""):
        self.file.write_text(f'name = "t"\npackages = ["prog", "liba"]\n{more}\n')
        return build.build(self.file)

    def test_same_input_same_bytes(self):
        first = self.build()
        self.assertTrue(first.new)
        data = first.image.read_bytes()
        self.assertFalse(self.build().new)
        first.image.unlink()
        second = self.build()
        self.assertTrue(second.new)
        self.assertEqual((second.image, second.image.read_bytes()), (first.image, data))
        self.assertEqual(int.from_bytes(data[1024:1028], "little"), 0xE0F5E1E2)

    def test_other_input_other_image(self):
        images = {self.build(more).image for more in ("", 'hostname = "x"', 'compression = "lz4"', 'links = { "/x" = "y" }')}
        self.assertEqual(len(images), 4)

    def test_old_images_go(self):
        images = [self.build(f'hostname = "h{i}"').image for i in range(build.KEPT + 2)]
        self.assertEqual([image.exists() for image in images], [False] * 2 + [True] * build.KEPT)

    def test_start_is_in_the_tree(self):
        self.file.write_text('name = "t"\npackages = ["x"]\n[start]\narguments = ["/usr/bin/prog", "a"]\nenvironment = { TZ = "CET" }\n')
        wanted = description.read(self.file)
        tree = Tree()
        etc.add_base(tree)
        tree.file("usr/bin/prog", elf(), 0o755)
        started = build.start_of(wanted, None, tree)
        self.assertEqual(started.arguments, ["/usr/bin/prog", "a"])
        self.assertEqual((started.environment["TZ"], started.environment["LANG"]), ("CET", "C.UTF-8"))

    def test_missing_library(self):
        self.archives.pop()
        with self.assertRaisesRegex(KosError, "liba.so.1 is missing, needed by /usr/bin/prog"):
            self.build()
        self.assertTrue(self.build('unresolved = ["liba.so.1"]').new)

    def test_contents(self):
        (self.folder / "more/sub").mkdir(parents=True)
        (self.folder / "more/sub/x").write_text("x")
        self.file.write_text('name = "t"\npackages = ["p"]\nexclude = ["/etc/shells"]\ninclude = ["/usr/share/doc/prog"]\n'
                             'trees = { "/opt/t" = "more" }\nlinks = { "/bin/p" = "prog" }\n')
        tree, started = build.assemble(description.read(self.file), None, self.archives)
        self.assertIsNone(started)
        self.assertEqual(tree.get("opt/t/sub/x").data, b"x")
        self.assertEqual(tree.get("bin/p"), tree.get("usr/bin/prog"))
        self.assertIn("usr/share/doc/prog/x", tree.nodes)
        self.assertNotIn(start.PATH, tree.nodes)
        self.assertIn("etc/ld.so.cache", tree.nodes)


if __name__ == "__main__":
    unittest.main()
