#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What run makes of an image's output: only a plan fulfilled without a failed row, and told by the image, is a pass."""
import importlib.util
import unittest
from importlib.machinery import SourceFileLoader
from pathlib import Path

loader = SourceFileLoader("run", str(Path(__file__).resolve().parent / "run"))
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
loader.exec_module(run)

PASSED, FAILED = 1, 3       # QEMU's exit status when the image says 0 and 1
GOOD = "KTAP version 1\n1..2\nok 1 - a: b\nok 2 - a: c\n"
BAD = GOOD.replace("ok 2 - a: c", "not ok 2 - a: c # code: got 0x1 want 0x0")


class Judge(unittest.TestCase):
    def test_pass(self):
        self.assertEqual(run.judge(GOOD, PASSED), (0, ""))

    def test_failed_row(self):
        self.assertEqual(run.judge(BAD, FAILED)[0], 1)

    def test_statuses_disagree(self):
        self.assertEqual(run.judge(BAD, PASSED)[0], 2)
        self.assertEqual(run.judge(GOOD, FAILED)[0], 2)

    def test_row_missing(self):
        self.assertEqual(run.judge(GOOD.replace("ok 2 - a: c\n", ""), PASSED)[0], 2)

    def test_no_rows(self):
        self.assertEqual(run.judge("KTAP version 1\n1..0\n", PASSED)[0], 2)

    def test_no_plan(self):
        self.assertEqual(run.judge("ok 1 - a: b\n", PASSED)[0], 2)

    def test_image_died(self):
        for code in (0, 5, -6):
            self.assertEqual(run.judge(GOOD, code)[0], 2)


if __name__ == "__main__":
    unittest.main()
