# SPDX-License-Identifier: GPL-2.0-only
"""What was expected against what came, and the files that tell it.

Worked example: x86/amx_test is in the table as skip = "TCG has no AMX". Skipped, it counts as skipped; passed, it fails, because
the table is wrong then; failed, it fails.
"""
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

from harness import result
from harness.cases import Case
from harness.machine import Host


def came(status, expect="pass", output=""):
    return result.Result(Case("suite", "name", expect=expect, reason="detail"), Host(), status, "detail", 1.0, "log", output)


class Judging(unittest.TestCase):
    def test_table(self):
        verdicts = {
            ("pass", "passed"): "passed", ("pass", "failed"): "failed", ("pass", "skipped"): "failed",
            ("skip", "passed"): "failed", ("skip", "failed"): "failed", ("skip", "skipped"): "skipped",
            ("fail", "passed"): "failed", ("fail", "failed"): "skipped", ("fail", "skipped"): "failed",
            ("must_fail", "passed"): "failed", ("must_fail", "failed"): "passed", ("must_fail", "skipped"): "passed",
        }
        for (expect, status), verdict in verdicts.items():
            self.assertEqual(came(status, expect).judge()[0], verdict, (expect, status))

    def test_a_wanted_failure_must_say_the_right_thing(self):
        one = came("failed", "must_fail")
        one.detail = "something else"
        self.assertEqual(one.judge()[0], "failed")

    def test_a_wanted_skip_must_say_that_it_was_unexpected(self):
        one = came("skipped", "must_fail")
        one.case.reason = "unexpected skip"
        self.assertEqual(one.judge()[0], "passed")
        one.case.reason = "exit 1"
        self.assertEqual(one.judge()[0], "failed")

    def test_skips_inside_are_what_the_table_says(self):
        one = came("passed")
        one.skips = ["ok 3 placement # SKIP one node"]
        self.assertIn("placement", one.judge()[1])
        one.case.skips = "the machine has one node"
        self.assertEqual(one.judge()[0], "passed")
        one.skips = []
        self.assertIn("correct the table", one.judge()[1])

    def test_a_failure_shows_the_lines_before_what_is_not_ok(self):
        numbers = [str(number) for number in range(40)]
        self.assertEqual(result.excerpt("\n".join(numbers)), numbers[-15:])
        report = ["ok 1 a", "Test Assertion Failure", "not ok 2 b", "ok 3 c", *numbers]
        self.assertEqual(result.excerpt("\n".join(report)), report[:3])
        report = ["not ok 1 a", "why", "not ok 2 b", "not ok 3 c", "not ok 4 d"]
        self.assertEqual(result.excerpt("\n".join(report)), report[:4])
        self.assertEqual(result.excerpt(""), [])

    def test_summary_counts_verdicts(self):
        count = result.summary([came("passed"), came("skipped"), came("skipped", "skip")])
        self.assertEqual(count, {"passed": 1, "failed": 1, "skipped": 1})

    def test_a_run_is_red_with_one_failure_or_without_a_test(self):
        for results, status in (([came("passed")], 0), ([came("passed"), came("skipped")], 1),
                                ([came("skipped", "skip")], 1), ([], 1)):
            self.assertEqual(result.exit_status(result.summary(results)), status)

    def test_junit_holds_control_characters_harmlessly(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "junit.xml"
            result.write_junit([came("failed", output="a\x1bb"), came("passed")], path)
            tree = ElementTree.parse(path)
        self.assertEqual(len(tree.findall(".//testcase")), 2)
        self.assertEqual(len(tree.findall(".//failure")), 1)
