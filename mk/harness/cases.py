# SPDX-License-Identifier: GPL-2.0-only
"""The table of tests: mk/tests/*.toml, one file a suite.

A suite says whose programs it runs (`programs`), on which host (`hosts`, a list of kernel-config-machine or
kernel-config-machine-processors), and holds [cases]: name = { args, seconds, alone, run, module, skip, fail, skips, must_fail, reports }. `skip` and `fail` hold the reason
of what is expected, `skips` the reason why a part of a program that passes is skipped; `must_fail` is what the failure that the
case wants to see has to say; `reports` is what the kernel has to report, an oops for one, while the case passes otherwise.
[left_out] holds programs that are in no case, with the reason. The host "tools" is the machine that builds.
"""
import fnmatch
import os
import tomllib
from dataclasses import dataclass, field, replace

from .machine import Host
from .paths import ROOT, UserError

DEBUG_FACTOR = 8
TOOLS = "tools"
# ${NAME} in a case's arguments is NAME of the environment, or else: how long a race test lasts; how many faults a case injects
# of those that it has a list of, at random; how many VMs come and go.
SIZES = {"RACE_SECONDS": 20, "FAULTS": 24, "VMS": 50}
RACE = "${RACE_SECONDS}"
FIELDS = {"args", "seconds", "alone", "run", "module", "skip", "fail", "skips", "must_fail", "reports", "hosts"}


def size(name):
    return int(os.environ.get(name) or SIZES[name])


@dataclass
class Case:
    suite: str
    name: str
    programs: str = "series"
    args: str = ""
    seconds: int = 60
    alone: bool = False
    run: str = ""
    module: str = ""
    reports: str = ""
    expect: str = "pass"
    reason: str = ""
    skips: str = ""
    hosts: list = field(default_factory=list)
    # Which of several runs of the same test this is.
    turn: int = 0

    @property
    def title(self):
        return f"{self.suite}/{self.name}" + (f"#{self.turn}" if self.turn else "")

    @property
    def log_name(self):
        return self.name.replace("/", ".") + (f".{self.turn}" if self.turn else "") + ".log"

    def limit(self, host):
        """How long it may take; a race that is told to last longer gets that much more."""
        longer = size("RACE_SECONDS") if RACE in self.command() else 0
        return self.seconds * (DEBUG_FACTOR if host and host.config == "debug" else 1) + longer

    def command(self):
        if self.module:
            return f"kunit {self.module}"
        return self.run or f"/{self.programs}/{self.name} {self.args}".strip()

    def job_line(self):
        command = self.command()
        for name in SIZES:
            command = command.replace(f"${{{name}}}", str(size(name)))
        return f"{self.name}\t{command}\n"


def expectation(options):
    for word in ("skip", "fail", "must_fail"):
        if word in options:
            return {"expect": word, "reason": options.pop(word)}
    return {}


def read_table(path):
    with open(path, "rb") as file:
        return tomllib.load(file)


def load_suite(path):
    table = read_table(path)
    for name, options in table["cases"].items():
        unknown = set(options) - FIELDS
        if unknown:
            raise UserError(f"{path.name}: {name}: no such field: {', '.join(sorted(unknown))}")
        options = {"hosts": table["hosts"], "seconds": table.get("seconds", 60), **options}
        yield Case(suite=path.stem, name=name, programs=table.get("programs", "series"),
                   **expectation(options), **options)


def tables():
    return sorted((ROOT / "mk/tests").glob("*.toml"))


def load(pattern=""):
    cases = [case for path in tables() for case in load_suite(path)]
    return [case for case in cases if matches(case, pattern) and places_of(case)]


def repeat(cases, times):
    """All of them, then all of them again: what a test leaves behind on its host meets every other one."""
    return [replace(case, turn=turn) for turn in range(1, times + 1) for case in cases] if times > 1 else cases


def matches(case, pattern):
    return not pattern or pattern in case.title or fnmatch.fnmatch(case.title, pattern)


def places_of(case):
    """Where it runs: its hosts, of these the ones that HOSTS in the environment matches."""
    return [place for place in case.hosts if fnmatch.fnmatch(place, os.environ.get("HOSTS") or "*")]


def hosts_of(case):
    debug = os.environ.get("DEBUG", "1")
    for place in places_of(case):
        if place == TOOLS:
            continue
        kernel, config, machine, *cpus = place.split("-")
        # Debug kernels take as long to build as all others together: DEBUG=0 leaves them out, stock's waits for DEBUG=all.
        if config == "debug" and (not debug or kernel == "stock" and debug != "all"):
            continue
        yield Host(kernel=kernel, config=config, machine=machine, **({"cpus": int(cpus[0])} if cpus else {}))
