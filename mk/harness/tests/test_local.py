# SPDX-License-Identifier: GPL-2.0-only
"""Tests on the machine that builds.

Worked example: run = "exit 3" fails with "exit 3"; run = "true" passes.
"""
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from harness import local
from harness.cases import Case


class Running(unittest.TestCase):
    def verdict(self, command, **fields):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(local, "BUILD", Path(folder)):
            return local.run_case(Case("suite", "name", run=command, hosts=["tools"], **fields)).judge()

    def test_worked_example(self):
        self.assertEqual(self.verdict("exit 3"), ("failed", "exit 3"))
        self.assertEqual(self.verdict("true"), ("passed", ""))

    def test_a_time_limit(self):
        self.assertEqual(self.verdict("sleep 100", seconds=0.2), ("failed", "no result within 0.2 s"))

    def test_ktap_that_belies_the_exit_status(self):
        self.assertEqual(self.verdict("echo TAP version 13; echo ok 1 a"), ("failed", "KTAP without a plan"))
        self.assertEqual(self.verdict("echo TAP version 13; echo 1..2; echo ok 1 a")[0], "failed")

    def test_skips_inside(self):
        self.assertIn("OK (skipped=2)", self.verdict("echo 'OK (skipped=2)'")[1])
        self.assertIn("ok 1 a # SKIP", self.verdict("echo TAP version 13; echo 1..1; echo 'ok 1 a # SKIP'")[1])
        self.assertEqual(self.verdict("echo 'OK (skipped=2)'", skips="no device")[0], "passed")
