# SPDX-License-Identifier: GPL-2.0-only
"""Boot a host, run a list of cases on it, and read the KTAP that it prints."""
import contextlib
import os
import re
import selectors
import signal
import subprocess
import time

from . import ktap, where
from .cases import Case
from .machine import as_script, as_text, make_initrd, qemu_command
from .paths import relative
from .result import Result

BOOT_SECONDS = 300
# From one test's end to the next one's beginning.
GRACE_SECONDS = 60
# From the request to end to the order.
PATIENCE_SECONDS = 3
# How long QEMU may take to tell where the processors of a host are that hangs, and to save its memory: some 80 MB.
ANSWER_SECONDS = 60

# What the kernel says without dying of panic_on_warn: lockdep, RCU and the hung-task detector only print.
REPORT = re.compile(r"^(?!#).*(WARNING: |INFO: possible recursive|suspicious RCU|BUG: |KASAN: |"
                    r"INFO: task .* blocked|detected stalls|bad unlock balance|held lock freed|"
                    r"Invalid wait context|inconsistent lock state|Kernel panic|unable to handle page fault|"
                    r"Out of memory: Killed|invoked oom-killer)")
KERNEL_TIME = re.compile(r"^\[ *\d+\.\d+\](\[.*?\])? ?")
PLAN = re.compile(r"1\.\.(\d+)$")
START = re.compile(r"# start (\d+) (\S+)")
DONE = re.compile(r"(not )?ok (\d+) (\S+)(?: # (.*))?$")
END = "# end of job"


RUNNING = set()


def end_all(number, _frame):
    """Take every host along when this program is interrupted: those of programs that it started are ended by these, a host may be deaf."""
    running = list(RUNNING)
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
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
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
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

    def ask(self, questions):
        """Type what ends with the end of QEMU; what it says meanwhile, which is nothing if it hangs itself."""
        deadline, answer = time.monotonic() + ANSWER_SECONDS, []
        with contextlib.suppress(TimeoutError, BrokenPipeError):
            self.process.stdin.write(questions.encode())
            self.process.stdin.flush()
            for line in self.lines(lambda: deadline):
                answer.append(line)
        return answer

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        RUNNING.discard(self.process)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()


class Boot:
    """One boot and what its cases came to."""

    def __init__(self, host, cases, folder, on_result, job=None):
        self.host, self.cases, self.folder, self.on_result = host, cases, folder, on_result
        self.job = job or {}
        self.current, self.output, self.said, self.finished = None, [], [], 0
        self.planned, self.ended, self.places = None, False, []
        self.report, self.started, self.last = None, 0.0, ""
        self.deadline = time.monotonic() + BOOT_SECONDS

    def run(self):
        """Return the cases that the boot did not get to."""
        self.folder.mkdir(parents=True, exist_ok=True)
        job = {"list": "".join(case.job_line() for case in self.cases), **self.job}
        initrd = make_initrd(self.host, self.folder, job)
        command = qemu_command(self.host, initrd)
        (self.folder / "qemu.sh").write_text(as_script(self.host, self.folder, command))
        console = Console(command, self.folder / "console.log")
        reason = "the host ended early"
        try:
            for line in console.lines(lambda: self.deadline):
                self.read(line)
        except TimeoutError:
            reason = f"no result within {self.current.limit(self.host)} s" if self.current else "the host hangs"
            self.ended = False
            self.places = self.ask_where(console)
        finally:
            console.close()
            initrd.unlink()
        return self.leftover(reason)

    def ask_where(self, console):
        symbols = where.Symbols(self.host.image("map").read_text())
        memory = self.folder / "memory"
        # QEMU makes it read-only, and could not write it again.
        memory.unlink(missing_ok=True)
        places = where.tell(console.ask(where.questions(self.host.cpus, memory)), symbols)
        console.log.write("".join(f"{place}\n" for place in places))
        return places

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
            self.said += [line[2:]] if line.startswith("# ") else []
        elif match := PLAN.match(line):
            self.planned = int(match[1])
        elif line == END:
            self.ended = True

    def begin(self, case):
        """What the kernel reported since the last case counts against this one: nothing is reported in vain."""
        self.current, self.output, self.said, self.started = case, [], [], time.monotonic()
        if self.planned != len(self.cases):
            self.report = self.report or f"the host plans {self.planned or 'no'} results, not {len(self.cases)}"
        self.deadline = self.started + case.limit(self.host)

    def end(self, status, detail):
        fault = self.fault(status)
        if fault:
            status, detail = "failed", fault
        elif detail.startswith("SKIP"):
            status, detail = "skipped", self.skip_reason()
        self.publish(status, detail)
        self.report = None
        self.deadline = time.monotonic() + GRACE_SECONDS

    def fault(self, status):
        """What is wrong although the program said so or not: a report of the kernel, unless it is the one that is wanted."""
        wanted = self.current.reports
        if wanted and wanted not in (self.report or ""):
            return self.report or f"the kernel did not report {wanted!r}"
        if self.report and not wanted:
            return self.report
        return ktap.fault(self.said) if status == "passed" else ""

    def skip_reason(self):
        told = [line for line in self.output if re.search("skip", line, re.I)]
        return told[-1].strip() if told else "no reason given"

    def publish(self, status, detail):
        case = self.current
        self.output, self.places = self.output + self.places, []
        log = self.folder / case.log_name
        log.write_text("\n".join(self.output) + "\n")
        self.finished += 1
        self.current = None
        self.on_result(Result(case, self.host, status, detail, time.monotonic() - self.started, relative(log),
                              "\n".join(self.output), ktap.skips(self.said)))

    def leftover(self, reason):
        """The host is gone: somebody takes the blame, unless all was over and nothing was reported."""
        reason = self.report or reason
        if self.current is None:
            reason = f"{reason}, last said: {self.last}; see {relative(self.folder)}/console.log"
            if self.finished < len(self.cases):
                self.begin(self.cases[self.finished])
                reason = ("the host did not start: " if not self.finished else "before this test: ") + reason
            elif self.report or not self.ended:
                self.begin(Case(self.cases[-1].suite, "end-of-the-boot"))
        if self.current is not None:
            self.publish("failed", reason)
        return self.cases[self.finished:]
