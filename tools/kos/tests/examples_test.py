import tomllib
import unittest

from kos.common import TOP


class BudgetTest(unittest.TestCase):
    def test_an_example_promises_no_more_than_a_core_has(self):
        for file in sorted(TOP.glob("examples/**/system.toml")):
            with self.subTest(file.relative_to(TOP)):
                # More than 90 means that no budget is guaranteed (docs/manifest.md).
                self.assertLessEqual(tomllib.loads(file.read_text())["system"].get("core_budget_percent", 90), 90)


if __name__ == "__main__":
    unittest.main()
