# SPDX-License-Identifier: GPL-2.0-only
"""make check: all of it, in seconds."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..gitcmd import Git
from ..tree import Tree
from . import Report, files, queue as queue_checks
from .scripts import Scripts

MK = Path(__file__).resolve().parents[2]


def _test_module(name):
    return subprocess.run([sys.executable, "-m", "unittest", f"seriestool.tests.{name}"],
                          cwd=MK, capture_output=True, text=True, check=False)


def _tests_key():
    """What the verdict of the tool's own tests depends on: the tool, python, git."""
    h = hashlib.sha256((sys.version + Git(MK).text("version")).encode())
    for path in sorted((MK / "seriestool").rglob("*.py")):
        h.update(path.read_bytes())
    return h.hexdigest()


def own_tests(tree):
    if tree.exists() and tree.get("tests") == _tests_key():
        return
    failed = yield from _run_tests()
    if tree.exists() and not failed:
        tree.put("tests", _tests_key())


def _run_tests():
    failed = 0
    names = sorted(path.stem for path in (MK / "seriestool/tests").glob("test_*.py"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, done in zip(names, pool.map(_test_module, names)):
            failed += bool(done.returncode)
            if done.returncode:
                yield f"{name}: way out: cd mk && python3 -m unittest seriestool.tests.{name}"
                yield from done.stderr.strip().splitlines()[-12:]
    return failed


def check(room):
    report, tree = Report(room), Tree(room)
    held = {}

    def export():
        with tree.lock():
            held["queue"], held["commits"] = queue_checks.load_and_export(room, tree)

    for name, run in (("file and function sizes", files.check_sizes), ("SPDX lines", files.check_spdx),
                      ("no hosts, paths or addresses", files.check_silence)):
        report.run(name, run, room)
    if report.run("the queue applies to upstream, without fuzz", export):
        check_export(room, tree, report, **held)
    if room.root == MK.parent and room.name == "linux":
        report.run("the tool's own tests", own_tests, tree)
    return 1 if report.failed else 0


def check_export(room, tree, report, queue, commits):
    report.run("rooms: every file in upstream's folders is a patch's", queue_checks.check_rooms, room, tree, queue)
    report.run("the queue's folder holds what series names", queue_checks.check_folder, room, queue)
    report.run("export then import is the identity", queue_checks.check_round_trip, room, tree, queue)
    report.run("no commit is unimported", queue_checks.check_unimported, tree, queue)
    report.run("messages and subjects", queue_checks.check_messages, room, queue)
    scripts = Scripts(room, tree, queue, commits)
    # Verdicts are remembered: give none while half of checkpatch is silent.
    if report.run("checkpatch's SPDX check works", scripts.check_spdx_works):
        report.run("checkpatch --strict", scripts.check_patches)
    report.run("get_maintainer", scripts.check_maintainers)
