import unittest
from unittest import mock

from kos import build, image, run_command, system_image
from kos.common import HOST


class BootableTest(unittest.TestCase):
    def steps(self, function):
        """(preset, targets) of every compilation, in order."""
        with mock.patch.object(build.packages, "ensure") as ensure, mock.patch.object(build, "configure"), \
                mock.patch.object(build, "compile_preset") as compile_preset:
            function(install=False)
        ensure.assert_called_once_with(False)
        return [tuple(call.args) for call in compile_preset.call_args_list]

    def test_no_host_tests_for_run_and_bench(self):
        self.assertEqual(self.steps(build.bootable), [("host", build.BOOT_TOOLS), ("target",)])

    def test_all_for_test(self):
        self.assertEqual(self.steps(build.everything), [("host",), ("target",)])

    def test_every_program_that_makes_an_image_is_built(self):
        for program in (image.MKIMAGE, system_image.MANIFEST):
            self.assertIn(str(program.relative_to(HOST)), build.BOOT_TOOLS)

    def test_default_system_exists(self):
        self.assertTrue(run_command.system_file(run_command.DEFAULT_SYSTEM).is_file())


if __name__ == "__main__":
    unittest.main()
