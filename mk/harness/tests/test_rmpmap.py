# SPDX-License-Identifier: GPL-2.0-only
"""The picture of the RMP.

Worked example: of 4 ranges of 2M a guest owns one by one entry and one at 4K, and the firmware one.
"""
import unittest

from harness import rmpmap

LINES = "".join(f"gmem_map stage={stage} 4k=512 2m=3\ngmem_cells .f\ngmem_cells 24\n" for stage in rmpmap.STAGES)


class MapTest(unittest.TestCase):
    def test_lines_are_found_among_others(self):
        found = rmpmap.parse("gmem_bench flags=0\n" + LINES + "gmem_map stage=x 4k=1 2m=1\ngmem_cells ?\n")
        self.assertEqual(set(found), set(rmpmap.STAGES))
        self.assertEqual(found["during"], (512, 3, ".f24"))

    def test_ranges_are_counted_by_size(self):
        text = list(rmpmap.lines({"stock": rmpmap.parse(LINES)}))
        self.assertEqual(text[1].split(), ["before", "ranges", "owned", "at", "2M", "1"])
        self.assertEqual(len(text), 1 + 4 * len(rmpmap.STAGES))

    def test_equal_cells_are_one_rectangle(self):
        self.assertEqual(len(list(rmpmap.rectangles("..22" + "." * 60, 0, 0))), 3)
        self.assertEqual(len(list(rmpmap.rectangles("." * (rmpmap.COLUMNS + 1), 0, 0))), 2)

    def test_picture_names_both_kernels(self):
        text = rmpmap.picture({kernel: rmpmap.parse(LINES) for kernel in rmpmap.KERNELS})
        for kernel in rmpmap.KERNELS:
            self.assertIn(f"{kernel}, during; direct map 3 x 2M + 512 x 4K", text)


if __name__ == "__main__":
    unittest.main()
