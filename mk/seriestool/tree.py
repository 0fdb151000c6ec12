# SPDX-License-Identifier: GPL-2.0-only
"""build/<room>: the git tree that mirrors the queue, and the guards around it."""

import contextlib
import fcntl
import json
import os
import sys

from .errors import Refusal
from .export import Exporter
from .gitcmd import Git

EXPORTED = "refs/series/exported"
BRANCH = "refs/heads/series"


def say(text):
    print(text, file=sys.stderr, flush=True)


class Tree:
    def __init__(self, room):
        self.room = room
        self.git = Git(room.tree)
        self.shown = room.show(room.tree)

    # State that must outlive an interrupt.

    def get(self, name):
        path = self.room.state / name
        return json.loads(path.read_text()) if path.exists() else None

    def put(self, name, value):
        path = self.room.state / name
        if value is None:
            path.unlink(missing_ok=True)
            return
        new = path.with_suffix(".new")
        new.write_text(json.dumps(value) + "\n")
        os.replace(new, path)

    def exists(self):
        return (self.room.state / "source").exists()

    def need(self):
        if not self.exists():
            raise Refusal(f"{self.shown} is not there yet", f"mk/series tree --room {self.room.name} --src DIR")

    @contextlib.contextmanager
    def lock(self):
        os.makedirs(self.room.root / "build", exist_ok=True)
        path = self.room.root / "build" / f".{self.room.name}.lock"
        with open(path, "w", encoding="ascii") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"wait for another mk/series on {self.shown}")
                fcntl.flock(f, fcntl.LOCK_EX)
            yield

    # What the tree holds.

    def base(self):
        return self.git.commit("refs/tags/base")

    def series(self):
        return self.git.commit(BRANCH)

    def exported(self):
        return self.git.commit(EXPORTED)

    def on_series(self):
        return self.git.call("symbolic-ref", "-q", "HEAD").stdout.decode().strip() == BRANCH

    def dirty(self, untracked=False):
        mode = "--untracked-files=" + ("normal" if untracked else "no")
        return [line[3:] for line in self.git.raw("status", "--porcelain", mode).decode("utf-8", "replace").splitlines()]

    # Guards.

    def refuse_dirty(self, untracked=False):
        if not self.on_series():
            raise Refusal(f"{self.shown} is not on the branch series",
                          f"end what is under way there, then git -C {self.shown} checkout series")
        found = self.dirty(untracked)
        if found:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            raise Refusal(f"{self.shown} has uncommitted changes: {found[0]}{more}",
                          f"commit them on the branch series (mk/series fold puts them where they belong), "
                          f"or git -C {self.shown} stash")

    def refuse_unimported(self, ready=None):
        """ready: what export makes of the repository now; holding exactly that is no loss."""
        if self.series() in (self.exported(), ready):
            return
        raise Refusal(f"{self.shown} holds commits that are not imported",
                      f"make import (room {self.room.name}), or drop them: "
                      f"git -C {self.shown} reset --hard {EXPORTED}")

    # Export.

    def chain(self, queue):
        """The commits that the queue makes on this base; nothing is checked out."""
        key = queue.digest(self.base())
        known = self.get("chain")
        if known and known["key"] == key and all(self.git.ok("cat-file", "-e", c) for c in known["ids"][-1:]):
            return known["ids"]
        work = Exporter(self.git, self.base(), queue, self.room.queue)
        ids = work.chain()
        for line in work.offsets:
            say(f"note: {line}; make import rewrites the line numbers")
        self.put("chain", {"key": key, "ids": ids})
        return ids

    def head_of(self, queue):
        return (self.chain(queue) or [self.base()])[-1]

    def switch(self, head):
        """Move branch and work tree to head; only files that differ are written."""
        old = self.series()
        if old != head or self.get("pending"):
            self.put("pending", head)
            self.git.raw("read-tree", "-m", "-u", "HEAD", head)
            self.git.raw("update-ref", "-m", "series: export", BRANCH, head)
            self.put("pending", None)
        self.git.raw("update-ref", EXPORTED, head)

    def catch_up(self):
        """A rebase onto the repository's queue counts when the branch holds that queue, not before: it may be aborted."""
        goal = self.get("rebasing")
        if goal and self.git.ok("merge-base", "--is-ancestor", goal["head"], BRANCH):
            self.git.raw("update-ref", EXPORTED, goal["head"])
            self.put("stamp", goal["stamp"])
            self.put("rebasing", None)

    def resume(self):
        """Finish what was interrupted."""
        if not self.git.ok("cat-file", "-e", "refs/tags/base:MAINTAINERS"):
            raise Refusal(f"{self.shown} has lost the objects that it borrowed from {self.get('source')[1]}",
                          f"bring that repository back, or remove {self.shown} and make tree")
        self.catch_up()
        head = self.get("pending")
        if not head:
            return
        say(f"{self.shown}: finish the interrupted switch to {head[:12]}")
        lock = os.path.join(self.git.git_dir(), "index.lock")
        if os.path.exists(lock):
            os.unlink(lock)
        self.git.raw("reset", "-q", "--hard", head)
        self.git.raw("update-ref", EXPORTED, head)
        self.put("pending", None)
