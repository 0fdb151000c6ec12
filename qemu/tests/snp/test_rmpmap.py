#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""rmpmap on small dumps: the worked example of its help, then what must be refused."""
import importlib.util
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from pathlib import Path

HERE = Path(__file__).resolve().parent
loader = SourceFileLoader("rmpmap", str(HERE / "rmpmap"))
rmpmap = importlib.util.module_from_spec(importlib.util.spec_from_loader("rmpmap", loader))
loader.exec_module(rmpmap)

EXAMPLE = """rmp 0x600000
0x200000 0x200000 2M Guest-Valid 1 0x100000000 v--
0x400000 0x1000 4K Pre-Guest 1 0x200000 -i-
"""


class Example(unittest.TestCase):
    def test_cells(self):
        self.assertEqual(rmpmap.cells(*rmpmap.parse(EXAMPLE)), ["Hypervisor", "Guest-Valid", "Pre-Guest"])

    def test_summary(self):
        lines = list(rmpmap.summary(*rmpmap.parse(EXAMPLE)))
        self.assertEqual([line.split() for line in lines[1:4]],
                         [["Hypervisor", "4092"], ["Guest-Valid", "2M", "2048"], ["Pre-Guest", "4K", "4"]])
        self.assertEqual(lines[4], "ASID 1: 2052 KiB, 99 % of it by 2M pages")

    def test_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "map.svg"
            rmpmap.picture(*rmpmap.parse(EXAMPLE), path)
            text = path.read_text(encoding="utf-8")
        for state in ("Guest-Valid", "Pre-Guest", "Hypervisor"):
            self.assertIn(rmpmap.STATES[state], text)
        self.assertNotIn(rmpmap.STATES["Firmware"], text)


class Shown(unittest.TestCase):
    def test_rarer_state_wins(self):
        text = ("rmp 0x200000\n0x0 0x1000 4K Firmware 0 0x0 -i-\n"
                "0x1000 0x1000 4K Context 0 0x0 -is\n0x2000 0x1fe000 4K Guest-Valid 3 0x0 v--\n")
        self.assertEqual(rmpmap.cells(*rmpmap.parse(text)), ["Context"])

    def test_run_over_several_cells(self):
        text = "rmp 0x800000\n0x1ff000 0x202000 4K Reclaim 0 0x0 ---\n"
        self.assertEqual(rmpmap.cells(*rmpmap.parse(text)), ["Reclaim"] * 3 + ["Hypervisor"])


class Refused(unittest.TestCase):
    def refuse(self, text, reason):
        with self.assertRaisesRegex(rmpmap.DumpError, reason):
            rmpmap.parse(text)

    def test_empty(self):
        self.refuse("", "line 1")

    def test_other_text(self):
        self.refuse("hello\n", "rmp-map")

    def test_columns(self):
        self.refuse("rmp 0x200000\n0x0 0x1000 4K Firmware\n", "line 2")

    def test_size(self):
        self.refuse("rmp 0x200000\n0x0 0x1000 8K Firmware 0 0x0 ---\n", "line 2")

    def test_state(self):
        self.refuse("rmp 0x200000\n0x0 0x1000 4K Nobody 0 0x0 ---\n", "Nobody")

    def test_alignment(self):
        self.refuse("rmp 0x400000\n0x1000 0x200000 2M Guest-Valid 1 0x0 v--\n", "2M pages")

    def test_order(self):
        self.refuse("rmp 0x400000\n0x1000 0x1000 4K Reclaim 0 0x0 ---\n0x0 0x1000 4K Reclaim 0 0x0 ---\n", "below")

    def test_beyond(self):
        self.refuse("rmp 0x1000\n0x1000 0x1000 4K Reclaim 0 0x0 ---\n", "beyond")


if __name__ == "__main__":
    unittest.main()
