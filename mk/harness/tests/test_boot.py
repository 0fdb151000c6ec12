# SPDX-License-Identifier: GPL-2.0-only
"""What a console says, and what the harness makes of it.

Worked example: two cases; the console shows

    # start 1 first / # hello / ok 1 first / # start 2 second / [ 2.0] BUG: KASAN: ... / ok 2 second

The first passes with the output "hello"; the second fails with the kernel's words, although it said ok.
"""
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from harness import boot
from harness.cases import Case
from harness.machine import Host


class Reading(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = []
        self.cases = [Case("suite", "first"), Case("suite", "second")]
        self.boot = boot.Boot(Host(), self.cases, Path(temporary.name), self.results.append)
        self.boot.read("1..2")

    def console(self, *lines):
        for line in lines:
            self.boot.read(boot.KERNEL_TIME.sub("", line))

    def statuses(self):
        return [result.status for result in self.results]

    def test_worked_example(self):
        self.console("KTAP version 1", "1..2", "# start 1 first", "# hello", "ok 1 first",
                     "# start 2 second", "[    2.000000] BUG: KASAN: use-after-free", "ok 2 second", "# end of job")
        self.assertEqual(self.statuses(), ["passed", "failed"])
        self.assertEqual(self.results[0].output, "hello")
        self.assertIn("KASAN", self.results[1].detail)
        self.assertEqual(self.boot.leftover("x"), [])
        self.assertEqual(len(self.results), 2)

    def test_kernel_time_and_caller_are_stripped(self):
        self.assertEqual(boot.KERNEL_TIME.sub("", "[    1.234567][    T1] ok 1 first"), "ok 1 first")

    def test_not_ok_fails_with_its_reason(self):
        self.console("# start 1 first", "not ok 1 first # exit 254")
        self.assertEqual((self.results[0].status, self.results[0].detail), ("failed", "exit 254"))

    def test_skip_carries_the_tests_own_words(self):
        self.console("# start 1 first", "# 1..0 # SKIP - Requirement not met: has_sev", "ok 1 first # SKIP")
        self.assertEqual(self.results[0].status, "skipped")
        self.assertIn("has_sev", self.results[0].detail)

    def test_a_report_that_is_wanted(self):
        oops, other = "BUG: unable to handle page fault for address: 0", "BUG: KASAN: use-after-free"
        for lines, status in (((oops, "ok 1 first"), "passed"), (("ok 1 first",), "failed"), ((other, "ok 1 first"), "failed"),
                              ((oops, "not ok 1 first # exit 1"), "failed")):
            self.cases[0].reports = "unable to handle page fault"
            self.boot.report = None
            self.console("1..2", "# start 1 first", *lines)
            self.assertEqual(self.results[-1].status, status, lines)

    def test_a_result_of_another_name_is_output(self):
        self.console("# start 1 first", "# ok 1 inner", "ok 1 first")
        self.assertEqual(self.statuses(), ["passed"])

    def test_panic_is_the_running_cases_failure_and_the_rest_is_left(self):
        self.console("# start 1 first", "[ 3.0] Kernel panic - not syncing: sysrq")
        self.assertEqual(self.boot.leftover(self.boot.report), [self.cases[1]])
        self.assertEqual(self.statuses(), ["failed"])

    def test_an_end_between_two_cases_is_the_next_ones_failure(self):
        self.console("# start 1 first", "ok 1 first", "[ 3.0] Kernel panic - not syncing: from a timer")
        self.assertEqual(self.boot.leftover("the host ended early"), [])
        self.assertEqual(self.statuses(), ["passed", "failed"])
        self.assertIn("before this test: Kernel panic", self.results[1].detail.replace("[ 3.0] ", ""))

    def test_a_report_between_two_cases_is_the_next_ones_failure(self):
        self.console("# start 1 first", "ok 1 first", "WARNING: possible circular locking dependency detected",
                     "# start 2 second", "ok 2 second")
        self.assertEqual(self.statuses(), ["passed", "failed"])
        self.assertIn("circular", self.results[1].detail)

    def test_a_report_before_the_first_case_counts_too(self):
        self.console("WARNING: suspicious RCU usage", "# start 1 first", "ok 1 first", "# start 2 second", "ok 2 second")
        self.assertEqual(self.statuses(), ["failed", "passed"])

    def test_a_report_after_the_last_case_is_a_failure_of_its_own(self):
        self.console("# start 1 first", "ok 1 first", "# start 2 second", "ok 2 second", "# end of job",
                     "WARNING: held lock freed!")
        self.assertEqual(self.boot.leftover("x"), [])
        self.assertEqual(self.statuses(), ["passed", "passed", "failed"])
        self.assertIn("held lock", self.results[2].detail)

    def test_a_host_that_does_not_reach_its_end_is_a_failure_of_its_own(self):
        self.console("# start 1 first", "ok 1 first", "# start 2 second", "ok 2 second")
        self.boot.leftover("the host ended early")
        self.assertEqual(self.statuses(), ["passed", "passed", "failed"])

    def test_a_warning_fails_a_case_that_says_ok(self):
        self.console("# start 1 first", "WARNING: drivers/some.c:1 at f+0x1/0x2, CPU#1: sh/1", "ok 1 first")
        self.assertEqual(self.results[0].judge()[0], "failed")

    def test_a_skip_that_the_table_does_not_know_fails(self):
        self.console("# start 1 first", "ok 1 first # SKIP")
        self.assertEqual(self.results[0].judge(), ("failed", "unexpected skip: no reason given"))

    def test_a_skip_inside_that_the_table_does_not_know_fails(self):
        self.console("# start 1 first", "# TAP version 13", "# 1..1", "# ok 1 inner # SKIP one node", "ok 1 first")
        self.assertEqual(self.results[0].judge(), ("failed", "unexpected skip inside: ok 1 inner # SKIP one node"))

    def test_a_program_without_its_plan_fails(self):
        self.console("# start 1 first", "# TAP version 13", "# ok 1 inner", "ok 1 first")
        self.assertEqual(self.results[0].judge(), ("failed", "KTAP without a plan"))

    def test_a_kernel_line_is_none_of_the_programs(self):
        self.console("# start 1 first", "# TAP version 13", "# 1..1", "ok 7 kernel", "# ok 1 inner", "ok 1 first")
        self.assertEqual(self.statuses(), ["passed"])

    def test_a_host_without_its_plan_fails(self):
        self.boot.planned = None
        self.console("KTAP version 1", "# start 1 first", "ok 1 first")
        self.assertEqual(self.results[0].judge(), ("failed", "the host plans no results, not 2"))

    def test_host_that_does_not_start_fails_the_first_case_so_that_it_ends(self):
        self.console("Linux cannot mount root")
        self.assertEqual(self.boot.leftover("x"), [self.cases[1]])
        self.assertIn("did not start", self.results[0].detail)

    def test_reports_that_do_not_panic_are_seen(self):
        for line in ("WARNING: possible circular locking dependency detected", "WARNING: suspicious RCU usage",
                     "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks", "INFO: task x:1 blocked for more than 120 s",
                     "WARNING: arch/x86/kvm/x86.c:1 at f+0x1/0x2, CPU#1: x/1"):
            self.assertIsNotNone(boot.REPORT.search(line), line)
        for line in ("kvm: debug message", "# WARNING: a test's own word"):
            self.assertIsNone(boot.REPORT.search(line), line)


class Asking(unittest.TestCase):
    """A console of a program that is no QEMU: what it is told, it says, or it does not."""

    def ask(self, *command):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(boot, "ANSWER_SECONDS", 0.3):
            console = boot.Console(command, Path(folder) / "log")
            self.addCleanup(console.close)
            return console.ask("info registers\nquit\n")

    def test_the_answer_ends_with_the_program(self):
        self.assertEqual(self.ask("head", "-n", "1"), ["info registers"])

    def test_a_program_that_hangs_is_not_waited_for(self):
        self.assertEqual(self.ask("sleep", "100"), [])

    def test_a_program_that_has_ended_has_nothing_to_say(self):
        self.assertEqual(self.ask("true"), [])

    def test_where_the_processors_are_is_part_of_the_log(self):
        with tempfile.TemporaryDirectory() as folder:
            results = []
            one = boot.Boot(Host(), [Case("suite", "first")], Path(folder), results.append)
            for line in ("1..1", "# start 1 first", "# said"):
                one.read(line)
            one.places = ["CPU 0 in x"]
            one.leftover("no result")
        self.assertEqual(results[0].output, "said\nCPU 0 in x")
