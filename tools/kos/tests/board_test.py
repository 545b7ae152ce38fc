import unittest

from kos.board import KERNELS, board, constants


class BoardTest(unittest.TestCase):
    """What the runner believes about the board (qemu.json) and what the code is compiled for (board.h) agree."""

    def test_memory(self):
        self.assertEqual(board().memory, f"{constants()['RAM_SIZE_BYTES'] >> 30}G")

    def test_kernel_base(self):
        text = constants()
        # board.h puts the kernel at the start of RAM.
        self.assertEqual(board().kernel_paddr, text["RAM_BASE"])
        self.assertEqual(board().kernel_vaddr, text["RAM_BASE"] + text["KERNEL_WINDOW_OFFSET"])

    def test_cores(self):
        self.assertEqual(max(board().cores), constants()["MAX_CORES"])
        self.assertEqual(sorted(set(KERNELS.values())), sorted(board().cores))


if __name__ == "__main__":
    unittest.main()
