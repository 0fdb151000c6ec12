# SPDX-License-Identifier: GPL-2.0-only
"""What a program reports in KTAP, against the success that its exit status claims.

A report starts at its version line and plans its results ahead: a program that dies in the middle and still exits with 0, or
that skips in silence, is found by what is missing. Reports inside a report are its own business. Kernel's
Documentation/dev-tools/ktap.rst has the format.
"""
import re

VERSION = re.compile(r"(K?TAP) version 1[34]?$")
PLAN = re.compile(r"1\.\.(\d+)( *# *SKIP.*)?$")
RESULT = re.compile(r"(not )?ok \d+\b(.*)$")
SKIPPED = re.compile(r"# *SKIP", re.I)
EXPECTED = re.compile(r"# *(SKIP|TODO|XFAIL)", re.I)


def reports(lines):
    """The top-level lines of each report."""
    found = []
    for line in lines:
        if VERSION.match(line):
            found.append([])
        elif found and not line.startswith((" ", "#")):
            found[-1].append(line)
    return found


def fault_of(report):
    plans = [match for match in map(PLAN.match, report) if match]
    results = [match for match in map(RESULT.match, report) if match]
    if len(plans) != 1:
        return f"KTAP with {len(plans)} plans" if plans else "KTAP without a plan"
    if len(results) != int(plans[0][1]):
        return f"KTAP plans {plans[0][1]} results and has {len(results)}"
    for match in results:
        if match[1] and not EXPECTED.search(match[2]):
            return f"KTAP says {match[0]}, the exit status does not"
    return ""


def fault(lines):
    """Why what a program prints does not bear out that it passed, or nothing."""
    return next(filter(None, map(fault_of, reports(lines))), "")


def skips(lines):
    """The results that were skipped by a program that as a whole passed."""
    return [line for report in reports(lines) for line in report if RESULT.match(line) and SKIPPED.search(line)]
