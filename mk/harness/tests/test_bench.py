# SPDX-License-Identifier: GPL-2.0-only
"""Joining the program's lines with the plugin's.

Worked example: the window "id=0 op=touch" lies between the edges 0 and 1. "marker 0 100 10 1 0 0" and "marker 1 400 60 1 512 1" make 300
host instructions, 50 of them clearing, none flushing, 512 RMPUPDATE, one PSMASH.
"""
import tempfile
import unittest
from pathlib import Path

from harness import bench, table
from harness.paths import UserError

LINE = "gmem_bench id=0 op=touch size_mib=64 vcpus=1 npf=32 pt_pages=2 dm_splits=0 wall_s=0.5"


class Joining(unittest.TestCase):
    def test_worked_example(self):
        rows = bench.join(bench.parse_rows("noise\n" + LINE), bench.parse_edges("marker 0 100 10 1 0 0\nmarker 1 400 60 1 512 1\n"))
        found = bench.metrics(rows[0])
        self.assertEqual((found["host_insns"], found["host_insns_clear"], found["host_insns_flush"]), (300, 50, 0))
        self.assertEqual((found["rmpupdate"], found["psmash"]), (512, 1))
        self.assertEqual((found["npf"], found["wall_s"]), (32, 0.5))

    def test_a_missing_edge_is_an_error(self):
        with self.assertRaises(UserError):
            bench.join(bench.parse_rows(LINE), bench.parse_edges("marker 0 100 10 1 0 0\n"))

    def test_edges_of_another_window_are_an_error(self):
        with self.assertRaises(UserError):
            bench.join(bench.parse_rows(LINE), bench.parse_edges("marker 2 100 10 1 0 0\nmarker 3 400 60 1 0 0\n"))


class Symbols(unittest.TestCase):
    def ranges(self, text, pattern):
        with tempfile.NamedTemporaryFile("w", suffix=".map") as file:
            file.write(text)
            file.flush()
            return bench.merged(bench.symbol_ranges(Path(file.name), pattern))

    def test_a_function_ends_where_the_next_symbol_begins(self):
        text = "1000 T clear_pages\n1000 t clear_pages.alias\n1010 T other\n"
        self.assertEqual(self.ranges(text, bench.CLEAR), [(0x1000, 0x1010)])

    def test_names_that_only_begin_alike_are_left_out(self):
        text = "1000 T clear_page_dirty_for_io\n1010 T clear_pages.constprop.0\n1020 D memset\n1030 T z\n"
        self.assertEqual(self.ranges(text, bench.CLEAR), [(0x1010, 0x1020)])


class Telling(unittest.TestCase):
    def test_ratio(self):
        self.assertEqual(table.ratio(1000, 10), "100.0x")
        self.assertEqual(table.ratio(1000, 0), "none left")
        self.assertEqual(table.ratio(0, 0), "")

    def test_rest_is_what_neither_clears_nor_flushes(self):
        self.assertEqual(table.with_rest({"host_insns": 10, "host_insns_clear": 3, "host_insns_flush": 2})["rest"], 5)
