# SPDX-License-Identifier: GPL-2.0-only
"""The tables of tests.

Worked example: "x86/foo" = { args = "-b 1", skip = "no foo" } runs /stock/x86/foo -b 1 and is expected to be skipped.
"""
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from harness import cases
from harness.machine import Host
from harness.paths import UserError


def suite(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "some.toml"
        path.write_text('programs = "stock"\nhosts = ["series-plain-svm", "tools"]\n[cases]\n' + text)
        return list(cases.load_suite(path))


class Loading(unittest.TestCase):
    def test_worked_example(self):
        case, = suite('"x86/foo" = { args = "-b 1", skip = "no foo" }')
        self.assertEqual(case.command(), "/stock/x86/foo -b 1")
        self.assertEqual((case.expect, case.reason, case.title), ("skip", "no foo", "some/x86/foo"))

    def test_a_misspelt_field_is_an_error(self):
        with self.assertRaises(UserError):
            suite("foo = { second = 9 }")

    def test_the_tools_host_is_no_boot(self):
        case, = suite("foo = {}")
        self.assertEqual([host.kernel for host in cases.hosts_of(case)], ["series"])

    def test_the_debug_configuration_can_be_left_out(self):
        case = cases.Case("suite", "foo", hosts=["series-plain-svm", "series-debug-svm"])
        for value, configs in (("1", ["plain", "debug"]), ("", ["plain"])):
            with mock.patch.dict("os.environ", {"DEBUG": value}):
                self.assertEqual([host.config for host in cases.hosts_of(case)], configs)
        with mock.patch.dict("os.environ", clear=True):
            self.assertEqual(len(list(cases.hosts_of(case))), 2)

    def test_the_debug_configuration_of_the_unpatched_kernel_waits_to_be_asked(self):
        case = cases.Case("suite", "foo", hosts=["stock-debug-snp", "series-debug-snp"])
        for value, kernels in (("", []), ("1", ["series"]), ("all", ["stock", "series"])):
            with mock.patch.dict("os.environ", {"DEBUG": value}):
                self.assertEqual([host.kernel for host in cases.hosts_of(case)], kernels)

    def test_hosts_can_be_chosen(self):
        case = cases.Case("suite", "foo", hosts=["series-plain-snp", "series-debug-snp", "tools"])
        for value, places in (("", case.hosts), ("*-debug-*", ["series-debug-snp"]), ("tools", ["tools"]), ("svm", [])):
            with mock.patch.dict("os.environ", {"HOSTS": value}):
                self.assertEqual(cases.places_of(case), places)

    def test_a_place_may_say_how_many_processors(self):
        case = cases.Case("suite", "foo", hosts=["stock-plain-snp", "stock-plain-snp-2"])
        hosts = list(cases.hosts_of(case))
        self.assertEqual([host.cpus for host in hosts], [Host.cpus, 2])
        self.assertEqual([host.place for host in hosts], case.hosts)

    def test_several_runs_are_told_apart(self):
        one, other = suite("foo = {}\nbar = {}")
        again = cases.repeat([one, other], 2)
        self.assertEqual([case.title for case in again], ["some/foo#1", "some/bar#1", "some/foo#2", "some/bar#2"])
        self.assertEqual(len({case.log_name for case in again}), 4)
        self.assertEqual({case.job_line() for case in again}, {one.job_line(), other.job_line()})
        self.assertEqual(cases.repeat([one], 1), [one])

    def test_limits_are_longer_on_the_debug_kernel(self):
        case, = suite("foo = { seconds = 10 }")
        self.assertEqual((case.limit(Host()), case.limit(Host(config="debug"))), (10, 10 * cases.DEBUG_FACTOR))

    def test_a_race_lasts_as_long_as_asked(self):
        case, = suite('race = { seconds = 10, args = "-t ${RACE_SECONDS}" }')
        with mock.patch.dict("os.environ", {"RACE_SECONDS": "600"}):
            self.assertEqual(case.limit(Host()), 610)
            self.assertIn("-t 600", case.job_line())

    def test_as_many_faults_as_asked(self):
        case, = suite('some = { run = "inject ${FAULTS} $(left)" }')
        with mock.patch.dict("os.environ", {"FAULTS": "3"}):
            self.assertIn("\tinject 3 $(left)\n", case.job_line())
        with mock.patch.dict("os.environ", {"FAULTS": ""}):
            self.assertIn("\tinject 24 $(left)\n", case.job_line())

    def test_patterns(self):
        case, = suite("foo = {}")
        self.assertTrue(cases.matches(case, "") and cases.matches(case, "me/fo") and cases.matches(case, "some/f*"))
        self.assertFalse(cases.matches(case, "bar"))

    def test_the_repositorys_own_tables_load(self):
        self.assertTrue(cases.load())
