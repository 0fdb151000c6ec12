# SPDX-License-Identifier: GPL-2.0-only
"""What a program's own KTAP gives away.

Worked example: "TAP version 13", "1..2", "ok 1 a", and then the program exits with 0. It planned two results and has one, so it
did not pass.
"""
import unittest

from harness import ktap


def said(*lines):
    return ["TAP version 13", *lines]


class Faults(unittest.TestCase):
    def test_worked_example(self):
        self.assertEqual(ktap.fault(said("1..2", "ok 1 a")), "KTAP plans 2 results and has 1")
        self.assertEqual(ktap.fault(said("1..2", "ok 1 a", "ok 2 b")), "")

    def test_a_missing_plan(self):
        self.assertEqual(ktap.fault(said("ok 1 a")), "KTAP without a plan")
        self.assertEqual(ktap.fault(said()), "KTAP without a plan")

    def test_two_plans(self):
        self.assertEqual(ktap.fault(said("1..1", "ok 1 a", "1..1")), "KTAP with 2 plans")

    def test_a_result_that_the_exit_status_hides(self):
        self.assertIn("not ok 2 b", ktap.fault(said("1..2", "ok 1 a", "not ok 2 b")))
        self.assertEqual(ktap.fault(said("1..1", "not ok 1 a # TODO upstream knows")), "")

    def test_text_without_ktap_is_no_report(self):
        self.assertEqual(ktap.fault(["ok 1 a", "hello"]), "")

    def test_remarks_and_inner_reports_do_not_count(self):
        self.assertEqual(ktap.fault(said("1..1", "# ok 7 remark", "    1..3", "    not ok 1 x # SKIP", "ok 1 a")), "")

    def test_each_of_several_reports_counts(self):
        two = ["KTAP version 1", "1..1", "ok 1 a", "KTAP version 1", "1..2", "ok 1 b"]
        self.assertEqual(ktap.fault(two), "KTAP plans 2 results and has 1")


class Skips(unittest.TestCase):
    def test_results_are_named_and_plans_are_not(self):
        self.assertEqual(ktap.skips(said("1..2", "ok 1 a", "ok 2 b # SKIP one node")), ["ok 2 b # SKIP one node"])
        self.assertEqual(ktap.skips(said("1..0 # SKIP no KVM")), [])
        self.assertEqual(ktap.fault(said("1..0 # SKIP no KVM")), "")
