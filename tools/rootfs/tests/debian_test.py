import tempfile
import unittest

from kos.common import KosError
from rootfs import busybox, debian, etc
from rootfs.tests.samples import package
from rootfs.tree import Tree

SCRIPT = """set -e
if [ "$1" = configure ]; then
    update-alternatives --install /usr/bin/awk awk /usr/bin/mawk 5 \\
        --slave /usr/share/man/awk.1 awk.1 /usr/share/man/mawk.1
    update-alternatives --install /usr/bin/x x "$program" 10
fi
"""


class UnpackTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_files(self):
        archive = package(self.folder, "one", {"lib/a.so": b"a", "usr/bin/p": b"p"}, {"usr/bin/q": "p"})
        tree = Tree()
        etc.add_base(tree)
        debian.unpack(archive, tree)
        self.assertEqual(tree.get("usr/lib/a.so").data, b"a")
        self.assertEqual(tree.get("bin/q").data, b"p")
        self.assertEqual(tree.get("usr/bin/p").origin, "one")

    def test_alternatives(self):
        archives = [package(self.folder, "mawk", {"usr/bin/mawk": b"m"}, scripts={"postinst": SCRIPT}),
                    package(self.folder, "gawk", {"usr/bin/gawk": b"g"},
                            scripts={"postinst": "update-alternatives --install /usr/bin/awk awk /usr/bin/gawk 10\n"})]
        tree = Tree()
        for archive in archives:
            debian.unpack(archive, tree)
        debian.add_alternatives(archives, tree)
        self.assertEqual(tree.nodes["usr/bin/awk"].target, "/usr/bin/gawk")
        self.assertNotIn("usr/share/man/awk.1", tree.nodes)
        self.assertEqual(debian.alternatives(SCRIPT), [(5, {"/usr/bin/awk": "/usr/bin/mawk", "/usr/share/man/awk.1": "/usr/share/man/mawk.1"})])

    def test_names(self):
        with self.assertRaises(KosError):
            debian.clean("../etc/passwd")
        self.assertEqual(debian.Package("zlib1g", "1:1.2", "arm64").file_name(), "zlib1g_1%3a1.2_arm64.deb")


class ReachableTest(unittest.TestCase):
    STANZAS = {
        "beam": {"package": "beam", "depends": "procps, adduser (>= 3), libc6 (>= 2.34), awk:any | gone"},
        "procps": {"package": "procps", "depends": "libproc2"}, "libproc2": {"package": "libproc2"},
        "adduser": {"package": "adduser"}, "libc6": {"package": "libc6", "pre-depends": "base (= 1)"}, "base": {"package": "base"},
        "mawk": {"package": "mawk", "provides": "awk, pager (= 2)", "recommends": "extra"}, "extra": {"package": "extra"},
        "perl": {"package": "perl", "depends": "perl-base (= 5.36)"}, "perl-base": {"package": "perl-base"},
    }

    def test_ends_at_assumed_packages(self):
        self.assertEqual(debian.reachable({"beam"}, self.STANZAS, {"procps"}, False), {"beam", "libc6", "base", "mawk"})
        self.assertEqual(debian.reachable({"beam"}, self.STANZAS, set(), True),
                         {"beam", "procps", "libproc2", "libc6", "base", "mawk", "extra"})
        self.assertEqual(debian.reachable({"beam"}, self.STANZAS, {"proc*", "libc*"}, False), {"beam", "mawk"})

    def test_listed_packages_and_parts_of_them_come(self):
        self.assertIn("adduser", debian.reachable({"beam", "adduser"}, self.STANZAS, set(), False))
        self.assertEqual(debian.reachable({"perl"}, self.STANZAS, set(), False), {"perl", "perl-base"})
        self.assertEqual(debian.reachable({"awk"}, self.STANZAS, set(), False), {"mawk"})


class BusyboxTest(unittest.TestCase):
    def test_links(self):
        tree = Tree()
        etc.add_base(tree)
        with self.assertRaisesRegex(KosError, "no package has a /bin/busybox"):
            busybox.add_links(tree)
        tree.file("bin/busybox", b"\x7fELF...usage\0[\0[[\0ash\0cat\0sh\0\0more", 0o755)
        tree.file("usr/bin/cat", b"coreutils", 0o755)
        busybox.add_links(tree)
        self.assertEqual(tree.nodes["usr/bin/sh"].target, "busybox")
        self.assertEqual(tree.get("bin/cat").data, b"coreutils")
        self.assertNotIn("usr/bin/more", tree.nodes)
        tree.file("bin/busybox", b"\x7fELF", 0o755)
        with self.assertRaisesRegex(KosError, "no list"):
            busybox.add_links(tree)


if __name__ == "__main__":
    unittest.main()
