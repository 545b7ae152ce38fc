import shutil
import struct
import subprocess
import tempfile
import unittest
from types import SimpleNamespace

from kos.common import KosError
from rootfs import check, elf_file, etc, ld_cache, start
from rootfs.tests.samples import X86_64, elf
from rootfs.tree import Tree

LIB = "usr/lib/aarch64-linux-gnu"


def tree_with(files):
    tree = Tree()
    etc.add_base(tree)
    etc.add_files(tree, "kos", [], "UTC")
    for name, data in files.items():
        tree.file(name, data, 0o755)
    return tree


class ElfTest(unittest.TestCase):
    def test_read(self):
        found = elf_file.read(elf(soname="liba.so.1", needed=["libb.so", "libc.so.6"], interpreter="/lib/ld.so", runpath="$ORIGIN/x:/y"))
        self.assertTrue(found.arm64())
        self.assertEqual((found.soname, found.needed, found.interpreter, found.search),
                         ("liba.so.1", ["libb.so", "libc.so.6"], "/lib/ld.so", ["$ORIGIN/x", "/y"]))
        self.assertFalse(elf_file.read(elf(X86_64)).arm64())

    def test_damaged_files_are_files_without_libraries(self):
        whole = elf(soname="liba.so.1", needed=["libb.so"])
        self.assertIsNone(elf_file.read(b""))
        self.assertIsNone(elf_file.read(b"#!/bin/sh"))
        for size in range(20, len(whole)):
            self.assertIsNotNone(elf_file.read(whole[:size]))
        for at in range(20, len(whole)):
            for value in (0, 0x7F, 0xFF):
                elf_file.read(whole[:at] + bytes([value]) + whole[at + 1:])


class CacheTest(unittest.TestCase):
    def test_order_is_ld_so_s(self):
        names = ["libz.so.1", "libz.so", "libm.so.6", "libfoo.so.10", "libfoo.so.9", "ld-linux.so.2"]
        self.assertEqual(sorted(names, key=ld_cache.order, reverse=True),
                         ["libz.so.1", "libz.so", "libm.so.6", "libfoo.so.10", "libfoo.so.9", "ld-linux.so.2"])
        self.assertGreater(ld_cache.order("lib1"), ld_cache.order("liba"))

    def test_cache(self):
        tree = tree_with({f"{LIB}/liba.so.1.2": elf(soname="liba.so.1"), f"{LIB}/libother.so": elf(X86_64, soname="libother.so"),
                          "usr/local/lib/libb.so": elf(), "etc/ld.so.conf.d/x.conf": b"# c\n/usr/local/lib\n/nowhere\n"})
        found = ld_cache.add(tree)
        self.assertEqual(found, {"liba.so.1": f"/{LIB}/liba.so.1", "liba.so.1.2": f"/{LIB}/liba.so.1.2",
                                 "libb.so": "/usr/local/lib/libb.so"})
        self.assertEqual(tree.nodes[f"{LIB}/liba.so.1"].target, "liba.so.1.2")
        data = tree.get("etc/ld.so.cache").data
        magic, count, strings, endianness, extensions = ld_cache.HEADER.unpack_from(data)
        self.assertEqual((magic, count, endianness, extensions), (b"glibc-ld.so.cache1.1", 3, 2, 0))
        self.assertEqual(len(data), 48 + 24 * count + strings)
        flags, name, path, _, _ = struct.unpack_from("<iIIIQ", data, 48)
        self.assertEqual((flags, elf_file.text(data, name), elf_file.text(data, path)), (0xA03, "libb.so", "/usr/local/lib/libb.so"))

    @unittest.skipUnless(shutil.which("ldconfig", path="/sbin:/usr/sbin:/usr/bin"), "no ldconfig")
    def test_this_machine_s_ldconfig_reads_it(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(ld_cache.cache({"liba.so.1": "/x/liba.so.1", "libb.so": "/x/libb.so"}))
            file.flush()
            path = shutil.which("ldconfig", path="/sbin:/usr/sbin:/usr/bin")
            text = subprocess.run([path, "-p", "-C", file.name], check=True, capture_output=True, text=True).stdout
        self.assertIn("2 libs found", text)
        self.assertIn("liba.so.1 (libc6,AArch64) => /x/liba.so.1", text)


class CheckTest(unittest.TestCase):
    WANTED = SimpleNamespace(name="t", unresolved=[])

    def test_what_is_missing(self):
        tree = tree_with({"usr/bin/p": elf(needed=["liba.so.1", "libgone.so.2", "libown.so"], interpreter="/lib/ld.so", runpath="$ORIGIN/../own"),
                          f"{LIB}/liba.so.1": elf(soname="liba.so.1"), "usr/own/libown.so": elf(), "usr/bin/q": elf(X86_64),
                          "usr/lib/m.go": elf(elf_file.MACHINE_NONE)})
        problems = check.libraries(tree, set())
        self.assertEqual(len(problems), 3, problems)
        self.assertTrue(any("/usr/bin/q is for another machine" in p for p in problems))
        self.assertTrue(any("libgone.so.2 is missing, needed by /usr/bin/p" in p for p in problems))
        self.assertTrue(any("/lib/ld.so is missing" in p for p in problems))
        self.assertEqual(len(check.libraries(tree, {"libgone.so.2", "/lib/ld.so"})), 1)

    def test_program_to_start(self):
        tree = tree_with({"usr/bin/p": elf()})
        check.check(tree, self.WANTED, start.Start(["/bin/p"]))
        tree.file("usr/bin/text", b"", 0o644)
        for path in ("/bin/none", "/bin/text", "/etc"):
            with self.assertRaisesRegex(KosError, "is no program"):
                check.check(tree, self.WANTED, start.Start([path]))


if __name__ == "__main__":
    unittest.main()
