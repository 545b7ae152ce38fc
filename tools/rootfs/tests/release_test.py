import tempfile
import unittest
from pathlib import Path

from kos.common import KosError
from rootfs import description, release
from rootfs.tests.samples import X86_64, elf, otp
from rootfs.tests.samples import release as make
from rootfs.tree import Tree

NATIVE = "lib/crypto-5.1.2/priv/lib/crypto.so"


class ReleaseTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.tree = Tree()
        otp(self.tree)

    def test_run_time_system_and_libraries_are_replaced(self):
        opened = release.open_release(make(self.folder, files={NATIVE: elf(X86_64), "lib/shop-0.1.0/priv/page.html": b"p"}))
        release.add(opened, self.tree)
        bin_ = "opt/shop/erts-13.1.5/bin"
        self.assertEqual([Path(n).name for n in self.tree.children(bin_)], ["beam.smp", "erl_child_setup", "inet_gethost"])
        self.assertEqual(self.tree.get(f"{bin_}/beam.smp").data, elf())
        self.assertEqual(self.tree.get(f"opt/shop/{NATIVE}").data, elf(needed=["libcrypto.so.3"]))
        self.assertEqual(self.tree.get("opt/shop/lib/shop-0.1.0/priv/page.html").data, b"p")
        for gone in ("usr/lib/erlang", "opt/shop/bin", "usr/bin/erl"):
            self.assertNotIn(gone, self.tree.nodes)

    def test_without_a_run_time_system_of_its_own(self):
        opened = release.open_release(make(self.folder, own_erts=False))
        self.assertEqual(release.packages(opened), ["erlang-base", "erlang-crypto"])
        release.add(opened, self.tree)
        self.assertIn("usr/lib/erlang/erts-13.1.5/bin/beam.smp", self.tree.nodes)
        words = release.start_of(opened, description.BeamKeys(), self.tree).arguments
        self.assertEqual(words[0], "/usr/lib/erlang/erts-13.1.5/bin/beam.smp")

    def test_packages(self):
        opened = release.open_release(make(self.folder, files={NATIVE: elf(X86_64)}))
        self.assertEqual(release.packages(opened), ["erlang-base", "erlang-crypto"])

    def test_start(self):
        opened = release.open_release(make(self.folder, vm_args="+S 2:2\n-env SHOP open\n-kernel x y\n-heart\n"))
        self.tree.file("bin/sh", b"")
        found = release.start_of(opened, description.BeamKeys(extra=["--no-halt", "a"]), self.tree)
        top = "/opt/shop"
        self.assertEqual(found.arguments, [
            f"{top}/erts-13.1.5/bin/beam.smp", "-sbwt", "none", "-sbwtdcpu", "none", "-sbwtdio", "none", "-S", "2:2", "--",
            "-root", top, "-bindir", f"{top}/erts-13.1.5/bin", "-progname", "erl", "--", "-home", "/root", "--",
            "-noshell", "-s", "elixir", "start_cli", "-mode", "embedded", "-setcookie", "BISCUIT",
            "-config", f"{top}/releases/0.1.0/sys", "-boot", f"{top}/releases/0.1.0/start", "-boot_var", "RELEASE_LIB", f"{top}/lib",
            "-kernel", "x", "y", "-heart", "-extra", "--no-halt", "a"])
        self.assertEqual(found.directory, top)
        self.assertEqual({k: found.environment[k] for k in ("SHOP", "RELEASE_ROOT", "RELEASE_SYS_CONFIG", "RELEASE_VSN")},
                         {"SHOP": "open", "RELEASE_ROOT": top, "RELEASE_SYS_CONFIG": f"{top}/releases/0.1.0/sys", "RELEASE_VSN": "0.1.0"})
        release.add(opened, self.tree)
        self.assertIn("opt/shop/erts-13.1.5/bin/heart", self.tree.nodes)

    def test_start_of_a_nerves_project(self):
        """root.toml says how the shell starts, the project's vm.args what is said to it."""
        opened = release.open_release(make(self.folder, vm_args="-heart\n-mode embedded\n-code_path_choice strict\n-noshell\n-user elixir\n"
                                           "-run elixir start_cli\n-elixir ansi_enabled true\n-extra --no-halt\n--\n--dot-iex /etc/iex.exs\n"))
        found = release.start_of(opened, description.BeamKeys(mode="interactive", extra=["--no-halt", "+iex"]), self.tree).arguments
        self.assertEqual(found[found.index("-noshell"):][:5], ["-noshell", "-user", "Elixir.IEx.CLI", "-mode", "interactive"])
        self.assertNotIn("-heart", found)  # there is no shell
        self.assertEqual(found[found.index("-code_path_choice"):], [
            "-code_path_choice", "strict", "-elixir", "ansi_enabled", "true", "-extra", "--no-halt", "+iex", "--", "--dot-iex", "/etc/iex.exs"])

    def test_mistakes(self):
        with self.assertRaisesRegex(KosError, "mix release"):
            release.open_release(self.folder)
        for name, more, text in (
                ("old", {"erts": "12.0"}, "ERTS 12.0, Debian has 13.1.5"),
                ("nif", {"files": {"lib/nif-1.0/priv/nif.so": elf(X86_64)}}, "aarch64-linux-gnu-gcc"),
                ("versions", {"files": {"lib/crypto-9.9/priv/lib/crypto.so": elf(X86_64)}}, "crypto-5.1.2 instead of crypto-9.9")):
            tree = Tree()
            otp(tree)
            with self.assertRaisesRegex(KosError, text):
                release.add(release.open_release(make(self.folder, name, **more)), tree)
        top = make(self.folder, "links")
        (top / "lib/out").symlink_to("../../outside")
        with self.assertRaisesRegex(KosError, "outside the release"):
            release.add(release.open_release(top), self.tree)


if __name__ == "__main__":
    unittest.main()
