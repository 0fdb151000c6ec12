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
            ("must_fail", "passed"): "failed", ("must_fail", "failed"): "passed", ("must_fail", "skipped"): "failed",
        }
        for (expect, status), verdict in verdicts.items():
            self.assertEqual(came(status, expect).judge()[0], verdict, (expect, status))

    def test_a_wanted_failure_must_say_the_right_thing(self):
        one = came("failed", "must_fail")
        one.detail = "something else"
        self.assertEqual(one.judge()[0], "failed")

    def test_summary_counts_verdicts(self):
        count = result.summary([came("passed"), came("skipped"), came("skipped", "skip")])
        self.assertEqual(count, {"passed": 1, "failed": 1, "skipped": 1})

    def test_junit_holds_control_characters_harmlessly(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "junit.xml"
            result.write_junit([came("failed", output="a\x1bb"), came("passed")], path)
            tree = ElementTree.parse(path)
        self.assertEqual(len(tree.findall(".//testcase")), 2)
        self.assertEqual(len(tree.findall(".//failure")), 1)
