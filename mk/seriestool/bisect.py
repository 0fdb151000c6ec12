# SPDX-License-Identifier: GPL-2.0-only
"""Build and test every commit of the queue, in a work tree of its own, and remember what passed."""

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from . import queue as queues
from .errors import Refusal
from .gitcmd import Git
from .tree import Tree

BUILD = {"linux": "mk/kernel bisect plain && mk/selftests bisect && mk/image kernel bisect plain", "qemu": "mk/qemu bisect"}
TEST = {"linux": "mk/bisect-test", "qemu": ""}
INPUTS = ("configs/*.config", "mk/kernel", "mk/selftests", "mk/image", "mk/guest/**/*", "mk/qemu", "mk/bisect-test", "mk/tests/*.toml")
TAIL = 20


class Bisect:
    def __init__(self, room, build, test):
        self.room, self.tree = room, Tree(room)
        self.commands = [c for c in (BUILD[room.name] if build is None else build,
                                     TEST[room.name] if test is None else test) if c]
        self.work = room.root / "build" / f"{room.name}-bisect"
        self.logs = room.root / "build" / "log" / "bisect"
        self.done = self.tree.room.state / "bisect"

    def commits(self):
        self.tree.need()
        with self.tree.lock():
            queue = queues.load(self.room)
            if not queue.patches:
                raise Refusal(f"{self.room.queue}/series is empty", "import commits first")
            return list(zip(self.tree.chain(queue), (p.subject for p in queue.patches)))

    def key(self, commit):
        """What a verdict depends on: the commit, the commands, the configuration."""
        h = hashlib.sha256(repr((commit, self.commands)).encode())
        for pattern in INPUTS:
            for path in sorted(filter(Path.is_file, self.room.root.glob(pattern))):
                h.update(path.read_bytes())
        return h.hexdigest()

    def checkout(self, commit):
        """Move the work tree, writing only what differs, so that the build stays incremental."""
        there = Git(self.work)
        if not (self.work / ".git").exists() or not there.commit(commit):
            # Absent, or left over from a tree that has been made anew since.
            shutil.rmtree(self.work, ignore_errors=True)
            self.tree.git.raw("worktree", "prune")
            self.tree.git.raw("worktree", "add", "-f", "--detach", str(self.work), commit)
        there.raw("checkout", "-q", "-f", "--detach", commit)

    def one(self, number, commit):
        """Run the commands on one commit; return the log's name when one fails."""
        known = self.done / self.key(commit)
        if known.exists():
            return None, " (known)"
        self.checkout(commit)
        log = self.logs / f"{number:03}-{commit[:12]}.log"
        env = {**os.environ, "COMMIT": commit, "BISECT_TREE": str(self.work)}
        start = time.monotonic()
        with open(log, "wb") as out:
            for command in self.commands:
                out.write(f"+ {command}\n".encode())
                out.flush()
                if subprocess.run(command, shell=True, cwd=self.room.root, env=env, stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=subprocess.STDOUT, check=False).returncode:
                    return log, ""
        known.touch()
        return None, f" ({time.monotonic() - start:.0f} s)"

    def run(self):
        commits = self.commits()
        for folder in (self.logs, self.done):
            folder.mkdir(parents=True, exist_ok=True)
        failed = 0
        for number, (commit, subject) in enumerate(commits, 1):
            log, note = self.one(number, commit)
            print(f"[{'FAIL' if log else 'PASS'}] {commit[:12]} {subject}{note}", flush=True)
            failed += bool(log)
            for line in tail(log) if log else ():
                print(f"       {line}", flush=True)
            if log:
                print(f"       way out: the whole log is {self.room.show(log)}", flush=True)
        print(f"{len(commits) - failed} passed, {failed} failed")
        return 1 if failed else 0


def tail(log):
    return log.read_text(errors="replace").splitlines()[-TAIL:]
