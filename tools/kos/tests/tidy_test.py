import tempfile
import unittest
from pathlib import Path

from kos import layering, links, static_checks


class LinksTest(unittest.TestCase):
    def test_links_outside_code(self):
        text = "[a](one.md) `[b](two.md)`\n```\n[c](three.md)\n```\n[d]: four.md\n![e](five.png \"title\")\n"
        self.assertEqual(list(links.links(text)), [(1, "one.md"), (5, "four.md"), (6, "five.png")])

    def test_broken(self):
        self.assertIsNone(links.broken("README.md", "https://example.org/x"))
        self.assertIsNone(links.broken("README.md", "tools/kos/packages.txt"))
        self.assertIn("no such file", links.broken("README.md", "nothing.md"))
        self.assertIn("no such file", links.broken("tools/kos/README.md", "LICENSE"))
        self.assertIn("no such heading", links.broken("README.md", "README.md#no-such-heading-anywhere"))
        self.assertIn("absolute", links.broken("README.md", "/etc/passwd"))
        self.assertIn("outside", links.broken("README.md", "../"))

    def test_anchors(self):
        self.assertEqual(links.anchors("# The `kos` door, again\n```\n# no\n```\n## Same\n## Same\n"),
                         {"the-kos-door-again", "same", "same-1"})


class LayeringTest(unittest.TestCase):
    names = ["kernel/core/cap.h", "kernel/syscall/decode.h", "kernel/arch/aarch64/include/arch/cpu.h",
             "kernel/arch/aarch64/trap.h", "lib/x/decode.h"]
    includes = [{"from": "kernel/core/", "not": ["kernel/syscall/", "kernel/arch/[^/]+/(?!include/)"],
                 "because": "why"}]

    def problems(self, text, name="kernel/core/cap.cpp"):
        return list(layering.check_includes(name, text, self.includes, self.names))

    def test_includes(self):
        self.assertEqual(self.problems('#include "core/cap.h"\n#include <stdint.h>\n#include "arch/cpu.h"\n'), [])
        self.assertEqual(self.problems('\n#include "syscall/decode.h"\n'),
                         ["kernel/core/cap.cpp:2: includes kernel/syscall/decode.h: why"])
        self.assertEqual(len(self.problems('# include "../arch/aarch64/trap.h"\n')), 1)
        self.assertEqual(self.problems('#include "syscall/decode.h"\n', "kernel/boot/x.cpp"), [])

    def test_nearest_of_equal_names(self):
        self.assertEqual(layering.resolve("lib/x/y.cpp", "decode.h", self.names), "lib/x/decode.h")

    def test_names(self):
        rules = [{"pattern": r"\bseL4_\w+", "only_in": ["abi/"], "because": "why"}]
        text = '// seL4_Word\n/* seL4_Word\n seL4_X */ int a; // "\nconst char* s = "seL4_Y";\nseL4_Word w;\n'
        self.assertEqual(list(layering.check_names("kernel/core/a.h", text, rules)),
                         ["kernel/core/a.h:5: seL4_Word: why"])
        self.assertEqual(list(layering.check_names("abi/a.h", text, rules)), [])


class StaticChecksTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.source = self.folder / "a.cpp"
        self.header = self.folder / "a.h"
        self.source.write_text('#include "a.h"\n')
        self.header.write_text("int a;\n")
        self.entry = {"directory": str(self.folder), "file": str(self.source),
                      "arguments": ["c++", "-O2", "-o", "a.o", "-c", str(self.source)]}

    def key(self, entry=None, headers=("a.cpp", "a.h")):
        static_checks.Keys.digest.cache_clear()
        keys = static_checks.Keys.__new__(static_checks.Keys)
        keys.headers = {(str(self.folder), "a.o"): list(headers)}
        keys.common = ["version"]
        return keys.of(entry or self.entry)

    def test_headers(self):
        text = ("a.o: #deps 2, deps mtime 1 (VALID)\n    a.cpp\n    a.h\n\n"
                "b.o: #deps 1, deps mtime 1 (STALE)\n    b.cpp\n\n")
        self.assertEqual(static_checks.parse_headers(text), {"a.o": ["a.cpp", "a.h"]})

    def test_key_changes_with_everything_it_stands_for(self):
        first = self.key()
        self.assertEqual(self.key(), first)
        other = {**self.entry, "arguments": ["c++", "-O3", *self.entry["arguments"][2:]]}
        self.assertNotEqual(self.key(other), first)
        self.header.write_text("int b;\n")
        self.assertNotEqual(self.key(), first)
        self.header.write_text("int a;\n")
        self.assertEqual(self.key(), first)
        self.source.write_text('#include "a.h"\n\n')
        self.assertNotEqual(self.key(), first)

    def test_no_key_without_headers(self):
        self.assertIsNone(self.key(headers=()))
        self.assertIsNone(self.key(headers=("a.cpp", "gone.h")))
        self.assertIsNone(self.key({**self.entry, "arguments": ["c++", "-o", "b.o"]}))
        self.assertIsNone(self.key({**self.entry, "arguments": ["c++"]}))

    def test_clean_files_are_remembered_until_unused(self):
        path = self.folder / "clean"
        clean = static_checks.CleanFiles(path)
        clean.add("one")
        clean.add("two")
        again = static_checks.CleanFiles(path)
        self.assertTrue(again.knows("one"))
        self.assertFalse(again.knows("three"))
        again.forget_unused()
        self.assertFalse(static_checks.CleanFiles(path).knows("two"))


if __name__ == "__main__":
    unittest.main()
