"""The help texts are files; this keeps them in step with the parsers."""

import importlib
import re
import unittest

from kos.__main__ import COMMANDS
from kos.arguments import HELP


class HelpTest(unittest.TestCase):
    def test_every_option_is_described_and_no_other(self):
        for command, module in COMMANDS.items():
            with self.subTest(command):
                parser = importlib.import_module(module).parser()
                options = {o for action in parser._actions for o in action.option_strings}
                text = (HELP / f"{command}.txt").read_text()
                described = set(re.findall(r"^  (--[a-z0-9-]+)", text, re.MULTILINE))
                self.assertEqual(described, options)
                usage = text.split("\n\n")[0]
                for option in options:
                    self.assertIn(option, usage)

    def test_every_command_is_listed(self):
        text = (HELP / "kos.txt").read_text()
        self.assertEqual(re.findall(r"^  ([a-z]+) ", text, re.MULTILINE), list(COMMANDS))


if __name__ == "__main__":
    unittest.main()
