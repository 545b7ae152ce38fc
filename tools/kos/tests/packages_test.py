import unittest

from kos import apt_state, packages
from kos.common import KosError

MODERN = """\
# a comment
Types: deb
# another
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/k.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://other.example/node
Suites: nodistro
Components: main

Types: deb
URIs: http://embedded.example/debian
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
"""

CLASSIC = """\
deb [arch=amd64,arm64 signed-by=/k.gpg] https://mirror.example/debian bookworm main non-free # why
deb-src https://mirror.example/debian bookworm main
# deb http://commented.example/debian bookworm main
deb https://packages.example/apt bookworm stable
"""


class SourcesTest(unittest.TestCase):
    def test_deb822(self):
        text = apt_state.private_sources(apt_state.parse_deb822(MODERN), "bookworm")
        stanzas = apt_state.parse_deb822(text)
        self.assertEqual([s["uris"] for s in stanzas],
                         ["http://mirror.example/debian", "http://embedded.example/debian"])
        self.assertEqual(stanzas[0]["suites"], "bookworm bookworm-updates")
        self.assertEqual(stanzas[0]["signed-by"], "/usr/share/keyrings/k.gpg")
        self.assertIn("BEGIN PGP", stanzas[1]["signed-by"])
        for stanza in stanzas:
            self.assertEqual((stanza["types"], stanza["architectures"], stanza["components"]),
                             ("deb deb-src", "arm64", "main"))

    def test_one_line(self):
        text = apt_state.private_sources(apt_state.parse_one_line(CLASSIC), "bookworm")
        stanzas = apt_state.parse_deb822(text)
        self.assertEqual(len(stanzas), 1)
        self.assertEqual(stanzas[0]["uris"], "https://mirror.example/debian")
        self.assertEqual(stanzas[0]["signed-by"], "/k.gpg")

    def test_suites(self):
        for suite in ("bookworm", "bookworm-updates", "bookworm-security", "stable", "oldstable-updates"):
            self.assertTrue(apt_state.is_debian_suite(suite, "bookworm"), suite)
        for suite in ("nodistro", "bookworm-backports", "jammy", "cloud-sdk-bookworm", "./"):
            self.assertFalse(apt_state.is_debian_suite(suite, "bookworm"), suite)


class ListTest(unittest.TestCase):
    def test_the_repository_s_own(self):
        listed = packages.parse(packages.LIST.read_text())
        self.assertTrue(any("base" in p.groups and p.name == "python3" for p in listed))
        names = [(p.name, group) for p in listed for group in p.groups]
        self.assertEqual(len(names), len(set(names)))

    def test_mistakes(self):
        for line in ("cmake build", "cmake nowhere because", "git tidy,nowhere because"):
            with self.assertRaisesRegex(KosError, "packages.txt:1"):
                packages.parse(line)


if __name__ == "__main__":
    unittest.main()
