import gzip
import io
import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from kos import reference_linux, root_images
from kos.common import KosError
from kos.reference_linux import Command


def record(**values):
    return b"\x1e" + json.dumps({"nonce": "n0"} | values, separators=(",", ":")).encode() + b"\n"


END = {"exit": 0, "signal": 0, "timed_out": False, "ns": 5, "first_output_ns": 1, "user_us": 1, "system_us": 1,
       "max_resident_kib": 1, "faults": 1}


class ResultsTest(unittest.TestCase):
    def test_output_is_unchanged(self):
        data = (b"boot\n" + record(begin=0, uptime_ns=7) + b"a\x1e{\"nonce\":\"other\",\"end\":0}\n\xff" + record(end=0, **END)
                + record(begin=1, uptime_ns=9) + record(end=1, **(END | {"exit": -1, "signal": 9, "timed_out": True})) + record(done=True))
        first, second = reference_linux.results(data, "n0", 2)
        self.assertEqual(first.output, b"a\x1e{\"nonce\":\"other\",\"end\":0}\n\xff")
        self.assertEqual((first.exit, first.uptime_ns, second.signal, second.timed_out), (0, 7, 9, True))

    def test_what_is_missing(self):
        with self.assertRaisesRegex(KosError, "0 of 1 commands ended; last output: panic"):
            reference_linux.results(b"panic\n", "n0", 1)
        with self.assertRaisesRegex(KosError, "mount erofs: Invalid argument"):
            reference_linux.results(record(failed="mount erofs", errno=22), "n0", 1)

    def test_specification(self):
        kernel = reference_linux.Kernel(Path("Image"), Path("i"), ("/modules/a.ko",), "1")
        text = reference_linux.specification(kernel, [Command(["/x", "a b"], {"A": "b"}, timeout=1.5, input="in")], "n0", True)
        self.assertEqual(text.split(b"\0"), [b"nonce n0", b"module /modules/a.ko", b"terminal", b"arg /x", b"arg a b", b"env A=b", b"cwd /",
                                             b"user 0 0", b"input in", b"timeout 1500", b"run", b""])
        with self.assertRaises(KosError):
            reference_linux.specification(kernel, [Command(["a\0run"])], "n0", False)


class ArchiveTest(unittest.TestCase):
    @unittest.skipUnless(shutil.which("cpio"), "no cpio")
    def test_cpio_reads_it(self):
        data = reference_linux.archive([("d", 0o040755, b""), ("d/file", 0o100644, b"12345"), ("x", 0o100755, b"")])
        text = subprocess.run(["cpio", "-itv", "--quiet"], input=data, check=True, capture_output=True).stdout.decode()
        self.assertEqual([line.split()[-1] for line in text.splitlines()], ["d", "d/file", "x"])
        self.assertIn("-rw-r--r--", text)

    def test_reproducible(self):
        self.assertEqual(gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b"x", mtime=0))).read(), b"x")
        self.assertEqual(len(reference_linux.archive([("a", 0o100644, b"1")])) % 4, 0)


class ModulesTest(unittest.TestCase):
    def test_order(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, needs in (("erofs", "libcrc32c"), ("libcrc32c", "lib-two"), ("lib_two", ""), ("overlay", "")):
                (Path(folder) / f"{name}.ko").write_bytes(f"\0license=GPL\0depends={needs}\0".encode())
            names = [path.stem for path in reference_linux.in_order(Path(folder))]
        self.assertEqual(names, ["lib_two", "libcrc32c", "erofs", "overlay"])


class RootImagesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "shop").mkdir()
        self.system = self.folder / "system.toml"
        self.system.write_text('[[app]]\npath = "core:uart"\n[[app]]\npath = "shop"\n[[app]]\npath = "gone"\n')

    def app(self, file):
        (self.folder / "shop/app.toml").write_text(f'[app]\nname = "shop"\n[[image]]\nname = "root"\nfile = "{file}"\n')

    def test_needed(self):
        self.app("shop.erofs")
        self.assertEqual(root_images.needed(self.system), {"shop": [self.folder / "shop"]})
        (self.folder / "shop/shop.erofs").write_bytes(b"")
        self.assertEqual(root_images.needed(self.system), {})
        self.app("data.bin")
        self.assertEqual(root_images.needed(self.system), {})
        self.assertIsNone(root_images.folder_for(self.system))

    def test_mistakes_are_told_by_others(self):
        (self.folder / "shop/app.toml").write_text("[[image]\n")
        self.assertEqual(root_images.needed(self.system), {})
        self.system.write_text('app = "x"\n')
        self.assertEqual(root_images.needed(self.system), {})

    def test_find(self):
        (self.folder / "shop/root.toml").write_text('name = "a"\n')
        (self.folder / "shop/b.root.toml").write_text('name = "b"\n')
        self.assertEqual(root_images.find("b", self.folder / "shop"), self.folder / "shop/b.root.toml")
        self.assertIsNone(root_images.find("c", self.folder / "shop"))
        self.assertTrue(root_images.find("minimal", root_images.COMMON))
        self.app("c.erofs")
        with self.assertRaisesRegex(KosError, "name = \"c\""):
            root_images.folder_for(self.system)


if __name__ == "__main__":
    unittest.main()
