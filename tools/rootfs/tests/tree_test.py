import os
import tempfile
import unittest

from kos.common import KosError
from rootfs import etc
from rootfs.tree import Node, Tree, covered


class TreeTest(unittest.TestCase):
    def test_links_are_followed(self):
        tree = Tree()
        etc.add_base(tree)
        tree.file("lib/a/b.so", b"x")
        self.assertIn("usr/lib/a/b.so", tree.nodes)
        self.assertEqual(tree.get("/lib/a/../a/b.so").data, b"x")
        tree.link("usr/lib/c.so", "a/b.so")
        self.assertEqual(tree.get("lib/c.so").data, b"x")
        self.assertIsNone(tree.get("lib/none"))

    def test_a_folder_of_a_package_does_not_replace_a_link(self):
        tree = Tree()
        etc.add_base(tree)
        tree.put("lib", Node("dir"))
        self.assertEqual(tree.nodes["lib"].kind, "link")
        tree.link("opt/x", "/var/new")
        tree.put("opt/x", Node("dir"))
        self.assertEqual(tree.nodes["var/new"].kind, "dir")

    def test_links_in_a_circle(self):
        tree = Tree()
        tree.link("a", "b")
        tree.link("b", "a")
        self.assertIsNone(tree.resolve("a"))
        self.assertIsNone(tree.get("a/x"))
        with self.assertRaisesRegex(KosError, "circle"):
            tree.file("a/x", b"")

    def test_above_the_root(self):
        tree = Tree()
        tree.file("x", b"1")
        self.assertEqual(tree.resolve("../../x"), "x")

    def test_conflicts(self):
        tree = Tree()
        tree.file("a", b"")
        with self.assertRaisesRegex(KosError, "needed as a folder"):
            tree.file("a/b", b"")
        tree.folder("c")
        with self.assertRaisesRegex(KosError, "a folder, and a file"):
            tree.file("c", b"")

    def test_patterns(self):
        for pattern, name, expected in (
                ("/usr/share/doc", "usr/share/doc/a/b", True), ("usr/share/doc", "usr/share/docs", False),
                ("/usr/*/a", "usr/x/a", True), ("/usr/*/a", "usr/x/y/a", False), ("/usr/**/a", "usr/x/y/a", True),
                ("/usr/**/a", "usr/a", True), ("**/*.a", "usr/lib/x.a", True), ("/x/?.[ch]", "x/a.c", True),
                ("/x/[!a]", "x/a", False), ("/t/{a,b/c}", "t/b/c", True), ("/t/{a,b}", "t/c", False),
                ("/a.b", "axb", False), ("/usr/lib/**", "usr/lib/x/y", True)):
            self.assertEqual(covered(name, [pattern]), expected, (pattern, name))

    def test_filter(self):
        tree = Tree()
        for name in ("doc/a/x", "doc/b/y", "bin/p"):
            tree.file(name, b"")
        tree.folder("empty")
        tree.folder("doc/c")
        tree.filter(["/doc", "/bin/p"], ["/doc/b"])
        self.assertEqual(sorted(tree.nodes), ["", "doc", "doc/b", "doc/b/y", "empty"])

    def test_written(self):
        tree = Tree()
        tree.file("a/program", b"\x7f", 0o4755)
        tree.put("a/same", tree.nodes["a/program"])
        tree.link("l", "a/program")
        tree.folder("closed", 0o500)
        tree.file("closed/x", b"1", 0o400)
        with tempfile.TemporaryDirectory() as folder:
            tree.write(folder)
            self.assertEqual(os.stat(f"{folder}/a/same").st_nlink, 2)
            self.assertEqual(os.stat(f"{folder}/a/program").st_mode & 0o7777, 0o4755)
            self.assertEqual(os.readlink(f"{folder}/l"), "a/program")
            self.assertEqual(os.stat(f"{folder}/closed").st_mode & 0o777, 0o500)
            os.chmod(f"{folder}/closed", 0o700)


if __name__ == "__main__":
    unittest.main()
