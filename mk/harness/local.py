# SPDX-License-Identifier: GPL-2.0-only
"""Cases that run on the machine that builds: the tools' own tests."""
import os
import re
import signal
import subprocess
import time

from . import ktap
from .cases import TOOLS, places_of
from .paths import BUILD, ROOT, relative
from .result import Result


def skips(lines):
    """What was skipped by a program that passed, be it one that reports in KTAP or one of Python's unit tests."""
    return ktap.skips(lines) + [line for line in lines if re.match(r"OK \(.*skipped=", line)]


def run_case(case):
    log = BUILD / "test/tools" / case.log_name
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with open(log, "w", encoding="utf-8") as out:
        # The machine's python3, not one that a version manager put first.
        environment = {**os.environ, "PATH": "/usr/bin:/bin:" + os.environ["PATH"]}
        # It chose this case. The harness' own tests look at every host.
        environment.pop("HOSTS", None)
        process = subprocess.Popen(case.run, shell=True, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True, env=environment)
        try:
            code = process.wait(case.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = None
    output = log.read_text(encoding="utf-8", errors="replace")
    detail = f"no result within {case.seconds} s" if code is None else f"exit {code}" if code else \
        ktap.fault(output.splitlines())
    return Result(case, None, "failed" if detail else "passed", detail, time.monotonic() - start, relative(log), output,
                  skips(output.splitlines()))


def run_all(selected, on_result):
    for case in selected:
        if TOOLS in places_of(case):
            on_result(run_case(case))
