# SPDX-License-Identifier: GPL-2.0-only
"""tree, import and rebase: the two ways through the door, and how to catch up."""

from . import queue as queues, source
from .errors import Refusal
from .gitcmd import Git
from .importer import Importer
from .tree import BRANCH, Tree, say


def ensure_base(room, src):
    tree = Tree(room)
    if tree.exists():
        tree.resume()
        if not src or source.fits(room, src):
            return tree
        tree.refuse_dirty()
        tree.refuse_unimported()
        say(f"{tree.shown}: made from another source, make it anew")
    elif not src:
        tree.need()
    elif room.tree.exists() and not (room.tree / ".git" / "series-state").exists():
        raise Refusal(f"{tree.shown} is there but is not ours", "move it away")
    source.make(room, src)
    return Tree(room)


def make_tree(room, src):
    tree = Tree(room)
    with tree.lock():
        tree = ensure_base(room, src)
        queue = queues.load(room)
        head = tree.head_of(queue)
        tree.refuse_dirty()
        tree.refuse_unimported(head)
        tree.switch(head)
        tree.put("stamp", queue.digest(tree.base()))
    say(f"{tree.shown}: {len(queue.patches)} patches on base, series at {head[:12]}")


def _refuse_repo_dirty(room, paths):
    found = Git(room.root, isolated=False).raw(
        "status", "--porcelain", "--untracked-files=all", "--", *[f":(literal){p}" for p in sorted(paths)])
    if found:
        lines = found.decode("utf-8", "replace").splitlines()
        more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        raise Refusal(f"the repository has uncommitted changes where import writes: {lines[0][3:]}{more}",
                      "commit or stash them")


def _refuse_moved(tree, old):
    if tree.get("stamp") != old.digest(tree.base()) and tree.series() != tree.head_of(old):
        raise Refusal("the queue in the repository has moved on since the tree was made",
                      f"mk/series rebase --room {tree.room.name}: it puts the tree's commits on top")


def _refuse_lossy(tree, new, commits):
    """What export makes of the new queue must be the developer's trees, one by one."""
    chain = tree.chain(new)
    for ours, theirs, patch in zip(chain, commits, new.patches):
        differ = tree.git.fields("diff-tree", "-r", "-z", "--name-only", ours, theirs)
        if [p for p in differ if p != "MAINTAINERS"]:
            raise Refusal(f"{patch.name}: export would not give back {differ[0]}", "report a bug of mk/series")
    return chain


def import_range(room):
    tree = Tree(room)
    tree.need()
    with tree.lock():
        tree.resume()
        tree.refuse_dirty(untracked=True)
        if tree.series() == tree.base():
            raise Refusal(f"{tree.shown}: base..series is empty", "commit on the branch series first")
        old = queues.load(room)
        _refuse_moved(tree, old)
        new, commits = Importer(tree.git, tree.base(), BRANCH, room.maintainers).collect()
        inner = set(old.files) | set(new.files)
        _refuse_repo_dirty(room, {room.path(p) for p in inner} | {room.queue} | (
            {"MAINTAINERS"} if old.sections or new.sections else set()))
        chain = _refuse_lossy(tree, new, commits)
        changed = queues.save(room, old, new)
        tree.switch(chain[-1])
        tree.put("stamp", queues.load(room).digest(tree.base()))
    for path in changed:
        print(path)
    say(f"{len(new.patches)} patches, {len(changed)} files changed" + ("; commit them" if changed else ""))


def rebase(room):
    """Put the tree's own commits on what the repository exports now."""
    tree = Tree(room)
    tree.need()
    with tree.lock():
        tree.resume()
        tree.refuse_dirty()
        queue = queues.load(room)
        head, old = tree.head_of(queue), tree.exported()
        fork = tree.git.text("merge-base", old, BRANCH)
        tree.put("rebasing", {"head": head, "stamp": queue.digest(tree.base())})
        done = tree.git.call("rebase", "-q", "--no-autosquash", "--onto", head, fork, "series")
        if done.returncode:
            raise Refusal(f"{tree.shown}: the rebase stopped at a conflict",
                          f"resolve it there, git -C {tree.shown} rebase --continue, then make import")
        tree.catch_up()
    say(f"{tree.shown}: series is on top of the repository's queue; make import when ready")
