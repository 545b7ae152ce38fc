import re
import subprocess
import tomllib
import unittest
from unittest import mock

from kos import bench, build, check_command, elf, image, image_command, package_command, run_command, system_image
from kos.common import HOST, TARGET, TOP


class Built(Exception):
    """In place of a build."""


class BootableTest(unittest.TestCase):
    def steps(self, function, **more):
        """(preset, targets) of every compilation, in order."""
        with mock.patch.object(build.packages, "ensure") as ensure, mock.patch.object(build, "configure"), \
                mock.patch.object(build, "compile_preset") as compile_preset:
            function(install=False, **more)
        ensure.assert_called_once_with(False)
        return [tuple(call.args) for call in compile_preset.call_args_list]

    def test_platform_for_run(self):
        self.assertEqual(self.steps(build.bootable), [("host", build.BOOT_TOOLS), ("target", ("platform",))])

    def test_with_programs_of_the_tree(self):
        expected = [("host", build.BOOT_TOOLS), ("target", ("platform", "examples/hello/all"))]
        self.assertEqual(self.steps(build.bootable, targets=["examples/hello/all"]), expected)

    def test_all_for_test(self):
        self.assertEqual(self.steps(build.everything), [("host",), ("target",)])

    def test_every_program_that_makes_an_image_is_built(self):
        for program in (image.MKIMAGE, system_image.MANIFEST):
            self.assertIn(str(program.relative_to(HOST)), build.BOOT_TOOLS)

    def test_default_system_exists(self):
        self.assertTrue(run_command.system_file(run_command.DEFAULT_SYSTEM).is_file())


class KernelTest(unittest.TestCase):
    def targets(self, *words, command=run_command):
        """What the command has compiled beside the platform."""
        arguments = command.parser().parse_args([str(word) for word in words])
        arguments.no_install = True
        with mock.patch.object(build, "bootable", side_effect=Built) as bootable, mock.patch.object(elf, "check_kernel"), \
                self.assertRaises(Built):
            command.main(arguments)
        return bootable.call_args.kwargs["targets"]

    def test_the_system_and_the_kernel_for_its_cores(self):
        system = TOP / "examples/hello"
        self.assertEqual(self.targets(system), ["examples/hello/all", "keel-release"])
        self.assertEqual(self.targets(system, "--cores", 4), ["examples/hello/all", "keel-smp-release"])
        self.assertEqual(self.targets(system, "--debug-kernel"), ["examples/hello/all", "keel-debug"])

    def test_no_kernel_with_another_one(self):
        self.assertEqual(self.targets(TOP / "examples/hello", "--sel4", "sel4.elf"), ["examples/hello/all"])

    def test_other_commands(self):
        system = TOP / "examples/hello"
        self.assertEqual(self.targets(system, command=image_command), ["examples/hello/all", "keel-release"])
        self.assertEqual(self.targets(system, command=check_command), ["examples/hello/all"])
        words = (system, "--domain", "hello", "--output", "hello.package")
        self.assertEqual(self.targets(*words, command=package_command), ["examples/hello/all"])

    def test_all_for_a_benchmark(self):
        self.assertEqual(self.targets("core", command=bench), [build.ALL])

    def test_all_for_an_elf_file(self):
        self.assertIn(build.ALL, self.targets("--root-task", "build/target/x.elf"))


class PlatformTest(unittest.TestCase):
    """What Ninja makes for the target `platform`. Needs a configured target preset, which ./kos test has made."""

    @classmethod
    def setUpClass(cls):
        if not (TARGET / "build.ninja").is_file():
            raise unittest.SkipTest(f"{TARGET} is not configured: ./kos build")
        words = ["ninja", "-C", TARGET, "-t", "commands", build.PLATFORM]
        cls.commands = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        cls.programs = set(re.findall(r" -o (\S+\.elf)\b", cls.commands))

    def test_neither_tests_nor_examples_nor_benchmarks(self):
        wrong = rf"(?:{re.escape(str(TOP))}/| )((?:tests|examples|bench)/\S+)|(\S+_faulty\.elf)"
        self.assertEqual(re.findall(wrong, self.commands)[:5], [])

    def test_one_kernel(self):
        self.assertEqual([name for name in self.programs if name.startswith("kernel/")], ["kernel/keel-release.elf"])

    def test_loader_and_root(self):
        self.assertLessEqual({str(program.relative_to(TARGET)) for program in (image.LOADER, system_image.ROOT)}, self.programs)

    def test_every_service_and_driver_and_the_personality(self):
        files = [*TOP.glob("services/*/app.toml"), *TOP.glob("drivers/*/*/app.toml"), TOP / "linux/app.toml"]
        apps = [tomllib.loads(file.read_text())["app"] for file in files]
        programs = {"apps/" + app.get("binary", app["name"] + ".elf") for app in apps}
        self.assertGreater(len(programs), 10)
        self.assertLessEqual(programs, self.programs)


if __name__ == "__main__":
    unittest.main()
