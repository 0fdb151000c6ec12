# SPDX-License-Identifier: GPL-2.0-only
"""What a case came to, judged by what was expected of it, and how that is told."""
from dataclasses import dataclass, field

from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite


@dataclass
class Result:
    case: object
    host: object
    status: str
    detail: str
    seconds: float
    log: str
    output: str = ""
    # Results that were skipped inside a program which as a whole passed.
    skips: list = field(default_factory=list)

    def plainly(self):
        """The verdict on a case of which nothing was expected but success: a skip is none, not even one inside."""
        if self.status == "skipped":
            return "failed", f"unexpected skip: {self.detail}"
        if self.status == "passed" and self.skips and not self.case.skips:
            return "failed", f"unexpected skip inside: {self.skips[0]}"
        if self.status == "passed" and self.case.skips and not self.skips:
            return "failed", f"nothing skipped inside although the table of tests says so ({self.case.skips}); correct the table"
        return self.status, self.detail

    def judge(self):
        """Fold the table's expectation in: an unexpected skip fails, and so does a known failure that passes."""
        expected = self.case.expect
        if expected == "must_fail":
            status, detail = self.plainly()
            return ("passed", "") if status == "failed" and self.case.reason in detail else \
                ("failed", f"wanted a failure that says {self.case.reason!r}, got {status}: {detail}")
        if expected == "pass":
            return self.plainly()
        if self.status == "failed" and expected == "skip":
            return self.status, self.detail
        if self.status == {"skip": "skipped", "fail": "failed"}[expected]:
            return "skipped", f"{'known failure' if expected == 'fail' else 'not here'}: {self.case.reason}"
        return "failed", f"{self.status} although the table of tests says {expected} ({self.case.reason}); correct the table"

    @property
    def place(self):
        return self.host.place if self.host else "tools"


# What a failure shows of its log: lines up to each result that is not ok, or up to the end.
EXCERPT_LINES = 15
EXCERPTS = 3


def excerpt(output):
    """Why a program failed, for who has what the run printed but not its logs."""
    lines = output.splitlines()
    ends = [number for number, line in enumerate(lines, 1) if line.lstrip("# ").startswith("not ok ")] or [len(lines)]
    shown, start = [], 0
    for end in ends[:EXCERPTS]:
        shown += lines[max(start, end - EXCERPT_LINES):end]
        start = end
    return shown


def tell(result):
    status, detail = result.judge()
    word = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}[status]
    line = f"{word} {result.place} {result.case.title} {result.seconds:.1f} s"
    if status != "passed":
        line += f" ({detail})"
    if status == "failed":
        line = "\n  | ".join([f"{line} log: {result.log}", *map(printable, excerpt(result.output))])
    print(line, flush=True)


def write_junit(results, path):
    suites = {}
    for result in results:
        suite = suites.setdefault(result.place, TestSuite(result.place))
        status, detail = result.judge()
        entry = TestCase(result.case.title, classname=result.case.suite, time=round(result.seconds, 2))
        if status == "failed":
            entry.result = [Failure(detail)]
            entry.system_out = printable(result.output[-20000:])
        elif status == "skipped":
            entry.result = [Skipped(detail)]
        suite.add_testcase(entry)
    xml = JUnitXml()
    for suite in suites.values():
        xml.add_testsuite(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    xml.write(str(path), pretty=True)


def printable(text):
    """XML has no place for control characters."""
    return "".join(char if char.isprintable() or char in "\n\t" else "?" for char in text)


def summary(results):
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for result in results:
        count[result.judge()[0]] += 1
    return count


def exit_status(count):
    """A run is red with one failure, and when it tried nothing."""
    return 1 if count["failed"] or not count["passed"] else 0
