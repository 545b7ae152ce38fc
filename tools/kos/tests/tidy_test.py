import unittest

from kos import layering, links


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


if __name__ == "__main__":
    unittest.main()
