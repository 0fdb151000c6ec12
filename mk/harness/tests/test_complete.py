# SPDX-License-Identifier: GPL-2.0-only
"""Nothing that was built is forgotten.

Worked example: foo and bar were built; foo is a case, bar is left out because it never ends: no fault. Without the line on
bar there is one.
"""
import unittest

from harness import complete


class Faults(unittest.TestCase):
    def faults(self, programs, listed, left_out):
        return list(complete.faults(set(programs), set(listed), left_out))

    def test_worked_example(self):
        self.assertEqual(self.faults(["foo", "bar"], ["foo"], {"bar": "never ends"}), [])
        self.assertEqual(self.faults(["foo", "bar"], ["foo"], {}), ["bar: in no case and not left out"])

    def test_a_case_need_not_be_a_program(self):
        self.assertEqual(self.faults(["foo"], ["foo", "dmesg-says"], {}), [])

    def test_what_is_left_out_must_exist_and_be_no_case(self):
        self.assertIn("old: left out, but not built", self.faults(["foo"], ["foo"], {"old": "never ends"}))
        self.assertIn("foo: left out, but a case too", self.faults(["foo"], ["foo"], {"foo": "never ends"}))

    def test_a_reason_is_wanted(self):
        self.assertEqual(self.faults(["foo"], [], {"foo": ""}), ["foo: left out without a reason"])
