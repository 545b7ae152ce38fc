import json
import tempfile
import unittest
from pathlib import Path

from kos import declarations
from kos.common import KosError

GOOD = {"name": "kernel", "elf": "tests/system/kernel/kernel_test.elf", "kernels": ["release", "smp-debug"],
        "timeout_s": 60}
SYSTEM = "docs/manifest.md"  # a file that is there; its contents are not looked at


class ReadTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "test.json"

    def read(self, read=declarations.read_test, **changes):
        values = {k: v for k, v in (GOOD | changes).items() if v is not None}
        self.file.write_text(json.dumps(values))
        return read(self.file)

    def refused(self, reason, **changes):
        with self.assertRaisesRegex(KosError, reason):
            self.read(**changes)

    def test_good(self):
        test = self.read()
        self.assertEqual((test.group, test.kernels), ("kernel", ("release", "smp-debug")))
        self.read(append="seed={seed}", seeds=[1, 2], digests={"1": "00"})
        self.read(elf=None, kernels=None, script="run.py")
        self.assertEqual(self.read(elf=None, script="run.py").kernels, ("release", "smp-debug"))
        self.assertEqual(self.read(elf=None, system=SYSTEM).system, SYSTEM)

    def test_mistakes(self):
        self.refused("'name' is missing", name=None)
        self.refused("wrong type", timeout_s="60")
        self.refused("wrong type", timeout_s=True)
        self.refused("unknown field 'timout'", timout=1)
        self.refused("unknown kernel 'fast'", kernels=["fast"])
        self.refused("need kernels", kernels=[])
        self.refused("exactly one", elf=None)
        self.refused("exactly one", script="x.py")
        self.refused("exactly one", system=SYSTEM)
        self.refused("need kernels", elf=None, system=SYSTEM, kernels=[])
        self.refused("no such file", elf=None, system="examples/absent/system.toml")
        self.refused("belong together", elf=None, system=SYSTEM, append="seed={seed}")
        self.refused("belong together", append="seed={seed}")
        self.refused("belong together", seeds=[1])
        self.refused("seeds must be numbers", append="seed={seed}", seeds=["1"])
        self.refused("a seed that seeds has not", append="seed={seed}", seeds=[1], digests={"2": "00"})

    def test_devices(self):
        test = self.read(qemu_arguments=["-device", "x,file={tmp}/disk"], disks={"disk": 512}, input="text")
        self.assertEqual((test.qemu_arguments[0], test.disks, test.input), ("-device", {"disk": 512}, "text"))
        self.refused("must be texts", qemu_arguments=[1])
        self.refused("a file name and a multiple", disks={"../disk": 512})
        self.refused("a file name and a multiple", disks={"disk": 100})
        self.refused("a file name and a multiple", disks={"disk": "1M"})
        self.refused("starts QEMU itself", elf=None, kernels=None, script="run.py", input="x")

    def test_peers(self):
        (self.file.parent / "peer.py").write_text("")
        good = {"elf": None, "system": SYSTEM, "peer": "peer.py", "host_devices": True}
        self.assertTrue(self.read(**good, frames=True).frames)
        self.refused("a file beside", **(good | {"peer": "absent.py"}))
        self.refused("a file beside", **(good | {"peer": "../peer.py"}))
        self.refused("a file beside", **(good | {"system": None, "elf": "x.elf"}))
        self.refused("needs a peer", frames=True)
        self.refused("the host's time", **(good | {"host_devices": False}))

    def test_no_json(self):
        self.file.write_text("{")
        with self.assertRaises(KosError):
            declarations.read_test(self.file)

    def test_names_are_unique(self):
        with self.assertRaisesRegex(KosError, "is taken"):
            declarations.unique([self.read(), self.read()])

    def test_bench_on_several_cores_is_refused(self):
        bench = {"name": "b", "elf": "b.elf", "timeout_s": 1, "kernels": None}
        self.assertEqual(self.read(declarations.read_bench, **bench).kernel, "release")
        with self.assertRaisesRegex(KosError, "one core"):
            self.read(declarations.read_bench, kernel="smp-release", **bench)

    def test_bench_of_a_system(self):
        bench = {"name": "b", "timeout_s": 1, "kernels": None}
        self.assertEqual(self.read(declarations.read_bench, elf=None, system=SYSTEM, **bench).system, SYSTEM)
        with self.assertRaisesRegex(KosError, "exactly one"):
            self.read(declarations.read_bench, system=SYSTEM, **bench)

    def test_the_repository_s_own(self):
        declarations.tests()
        declarations.benches()


class ReplacedTest(unittest.TestCase):
    def test_replaced(self):
        self.assertEqual(declarations.replaced("seed={seed} steps=10", {}, ["steps=5"]), ("seed={seed} steps=5", {}))
        self.assertEqual(declarations.replaced("steps=10", {"judge.restarts": "8"}, ["judge.restarts=9"]),
                         ("steps=10", {"judge.restarts": "9"}))
        self.assertEqual(declarations.replaced("", {}, []), ("", {}))

    def test_mistakes(self):
        for change in ("step=5", "steps", "seed"):
            with self.assertRaises(KosError):
                declarations.replaced("steps=10", {"judge.restarts": "8"}, [change])


if __name__ == "__main__":
    unittest.main()
