# SPDX-License-Identifier: GPL-2.0-only
"""Boot a host, run a list of cases on it, and read the KTAP that it prints."""
import os
import re
import selectors
import signal
import subprocess
import time

from .machine import as_text, make_initrd, qemu_command
from .paths import relative
from .result import Result

BOOT_SECONDS = 300
# From one test's end to the next one's beginning.
GRACE_SECONDS = 60

# What the kernel says without dying of panic_on_warn: lockdep, RCU and the hung-task detector only print.
REPORT = re.compile(r"^(?!#).*(WARNING: |INFO: possible recursive|suspicious RCU|BUG: |KASAN: |"
                    r"INFO: task .* blocked|detected stalls|bad unlock balance|held lock freed|"
                    r"Invalid wait context|inconsistent lock state|Kernel panic|unable to handle page fault|"
                    r"Out of memory: Killed|invoked oom-killer)")
KERNEL_TIME = re.compile(r"^\[ *\d+\.\d+\](\[.*?\])? ?")
START = re.compile(r"# start (\d+) (\S+)")
DONE = re.compile(r"(not )?ok (\d+) (\S+)(?: # (.*))?$")


RUNNING = set()


def end_all(number, _frame):
    """Take every host along when this program is interrupted."""
    for process in list(RUNNING):
        process.kill()
    os._exit(128 + number)


def end_hosts_on_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_all)


class Console:
    """QEMU's standard output, line by line, with a deadline."""

    def __init__(self, command, log):
        self.log = open(log, "w", buffering=1, encoding="utf-8", errors="replace")
        self.log.write(as_text(command) + "\n")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        RUNNING.add(self.process)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.pending = b""

    def lines(self, deadline):
        """Yield lines until end of file; deadline() tells when to give up, which raises TimeoutError."""
        while True:
            left = deadline() - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if not self.selector.select(left):
                continue
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                return
            *whole, self.pending = (self.pending + chunk).split(b"\n")
            for raw in whole:
                text = raw.decode(errors="replace").rstrip("\r")
                self.log.write(text + "\n")
                yield KERNEL_TIME.sub("", text)

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        RUNNING.discard(self.process)
        self.process.stdout.close()
        self.log.close()


class Boot:
    """One boot and what its cases came to; `left` holds the cases that it did not get to."""

    def __init__(self, host, cases, folder, on_result, job=None):
        self.host, self.cases, self.folder, self.on_result = host, cases, folder, on_result
        self.job = job or {}
        self.current, self.output, self.finished = None, [], 0
        self.report, self.started, self.last = None, 0.0, ""
        self.deadline = time.monotonic() + BOOT_SECONDS

    def run(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        job = {"list": "".join(case.job_line() for case in self.cases), **self.job}
        command = qemu_command(self.host, make_initrd(self.host, self.folder, job))
        (self.folder / "qemu.sh").write_text(as_text(command) + "\n")
        console = Console(command, self.folder / "console.log")
        reason = "the host ended early"
        try:
            for line in console.lines(lambda: self.deadline):
                self.read(line)
        except TimeoutError:
            reason = f"no result within {self.current.limit(self.host)} s" if self.current else "the host hangs"
        finally:
            console.close()
        return self.leftover(self.report or reason)

    def read(self, line):
        self.last = line or self.last
        if self.report is None and REPORT.search(line):
            self.report = line.strip()
        if match := START.match(line):
            self.begin(self.cases[int(match[1]) - 1])
        elif (match := DONE.match(line)) and self.current and match[3] == self.current.name:
            self.end("failed" if match[1] else "passed", match[4] or "")
        elif self.current:
            self.output.append(line.removeprefix("# "))

    def begin(self, case):
        self.current, self.output, self.started = case, [], time.monotonic()
        self.report = None
        self.deadline = self.started + case.limit(self.host)

    def end(self, status, detail):
        if self.report:
            status, detail = "failed", self.report
        elif detail.startswith("SKIP"):
            status, detail = "skipped", self.skip_reason()
        self.publish(status, detail)
        self.deadline = time.monotonic() + GRACE_SECONDS

    def skip_reason(self):
        told = [line for line in self.output if re.search("skip", line, re.I)]
        return told[-1].strip() if told else "no reason given"

    def publish(self, status, detail):
        case = self.current
        log = self.folder / (case.name.replace("/", ".") + ".log")
        log.write_text("\n".join(self.output) + "\n")
        self.finished += 1
        self.current = None
        self.on_result(Result(case, self.host, status, detail, time.monotonic() - self.started, relative(log),
                              "\n".join(self.output)))

    def leftover(self, reason):
        """The running case takes the blame for the end of the host; without one, the first in line does."""
        if self.current is None and self.finished == 0 and self.cases:
            self.begin(self.cases[0])
            reason = f"the host did not start: {self.report or self.last}; see {relative(self.folder)}/console.log"
        if self.current is not None:
            self.publish("failed", reason)
        return self.cases[self.finished:]
