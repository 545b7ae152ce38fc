import unittest

from kos.common import KosError
from rootfs import beam, description, start
from rootfs.tests.samples import otp
from rootfs.tree import Tree


class StartTest(unittest.TestCase):
    def test_there_and_back(self):
        wanted = start.Start(["/bin/sh", "-c", "echo  \\ = x "], {"A": "b=c", "E": ""}, "/tmp", 7, 8)
        self.assertEqual(start.parse(wanted.text()), wanted)
        self.assertEqual(start.Start(["/x"]).text(), "arg /x\ncwd /\nuser 0 0\n")

    def test_mistakes(self):
        for bad in (start.Start([]), start.Start(["sh"]), start.Start(["/sh", "a\nb"]), start.Start(["/sh"], {"A=": "x"}),
                    start.Start(["/sh"], {}, "tmp"), start.Start(["/sh"] * 257), start.Start(["/sh", "x" * 5000])):
            with self.assertRaises(KosError):
                bad.text()
        for text in ("nonsense x", "env A", "user 1", "user a b", "args x"):
            with self.assertRaisesRegex(KosError, "/.kos/start:1"):
                start.parse(text)


class VmArgumentsTest(unittest.TestCase):
    def test_words(self):
        self.assertEqual(beam.words_of("a 'b c' \"d \\\" e\" f\\ g # h\n#i\nj#k ''"), ["a", "b c", 'd " e', "f g", "j#k", ""])
        with self.assertRaises(KosError):
            beam.words_of("'a")

    def test_split(self):
        emulator, variables, others, plain = beam.split_vm_args(
            "+S 4:4\n+Bc\n+sbwt none\n-env A \"b c\"\n-kernel shell_history enabled\n+JPperf true\n-name x@y\n+P 1000\n-extra --no-halt +x\n--\n")
        self.assertEqual(emulator, ["-S", "4:4", "-Bc", "-sbwt", "none", "-JPperf", "true", "-P", "1000"])
        self.assertEqual(variables, {"A": "b c"})
        self.assertEqual(others, ["-kernel", "shell_history", "enabled", "-name", "x@y"])
        self.assertEqual(plain, ["--no-halt", "+x", "--"])
        with self.assertRaisesRegex(KosError, "not supported"):
            beam.split_vm_args("-args_file x")


class BeamTest(unittest.TestCase):
    def test_packages(self):
        tree = Tree()
        otp(tree)
        for name in ("elixir", "iex"):
            tree.file(f"usr/lib/elixir/lib/{name}/ebin/{name}.app", b"")
        keys = description.BeamKeys(paths=["/usr/lib/elixir/lib/*/ebin"], arguments=["-noshell"], extra=["--no-halt"])
        found = beam.start_of_packages(tree, keys)
        bin_ = "/usr/lib/erlang/erts-13.1.5/bin"
        self.assertEqual(found.arguments, [
            f"{bin_}/beam.smp", "-sbwt", "none", "-sbwtdcpu", "none", "-sbwtdio", "none", "--", "-root", "/usr/lib/erlang",
            "-bindir", bin_, "-progname", "erl", "--", "-home", "/root", "--", "-pa", "/usr/lib/elixir/lib/elixir/ebin",
            "/usr/lib/elixir/lib/iex/ebin", "-noshell", "-extra", "--no-halt"])
        self.assertEqual({key: found.environment[key] for key in ("BINDIR", "ROOTDIR", "TZ", "LANG", "ERL_CRASH_DUMP")},
                         {"BINDIR": bin_, "ROOTDIR": "/usr/lib/erlang", "TZ": "UTC", "LANG": "C.UTF-8", "ERL_CRASH_DUMP": "/dev/null"})
        keys = description.BeamKeys(emulator_flags=["-S", "1"])
        self.assertEqual(beam.start_of_packages(tree, keys).arguments[1:4], ["-S", "1", "--"])

    def test_mistakes(self):
        tree = Tree()
        with self.assertRaisesRegex(KosError, "0 folders"):
            beam.debian_erts(tree)
        otp(tree)
        with self.assertRaisesRegex(KosError, "nothing in the image matches"):
            beam.start_of_packages(tree, description.BeamKeys(paths=["/nowhere/*"]))


if __name__ == "__main__":
    unittest.main()
