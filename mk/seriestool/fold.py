# SPDX-License-Identifier: GPL-2.0-only
"""Put uncommitted changes of build/<room> into the commits that they belong to.

No file of the work tree is written: the commits are rewritten and the work tree already is the result,
so that an incremental build notices nothing.
"""

from .errors import Refusal
from .gitcmd import decode, encode
from .tree import BRANCH, Tree, say

FOLD_REF = "refs/series/fold"


class Folder:
    def __init__(self, tree, into):
        self.tree, self.git = tree, tree.git
        self.commits = self.git.lines("rev-list", "--reverse", f"{tree.base()}..{BRANCH}")
        self.into = self._commit_named(into) if into else None
        self.touchers = {}
        for commit in self.commits:
            for _, path in self._changes(commit):
                self.touchers.setdefault(path, []).append(commit)

    def _commit_named(self, name):
        commit = self.git.commit(name)
        if commit not in self.commits:
            raise Refusal(f"--into {name}: not a commit of base..series", "git log base..series names them")
        return commit

    def _changes(self, commit):
        """[(fast-import line, path)] of one commit."""
        found = self.git.fields("diff-tree", "-r", "-z", "--no-renames", "--root", f"{commit}^", commit)
        return [(self._line(*meta.split()[1:4:2], path), path) for meta, path in zip(found[::2], found[1::2])]

    @staticmethod
    def _line(mode, blob, path):
        return f"M {mode} {blob} {path}\n" if mode != "000000" else f"D {path}\n"

    def _target(self, path):
        known = self.touchers.get(path, [])
        if self.into:
            if known and self.commits.index(known[-1]) > self.commits.index(self.into):
                raise Refusal(f"{path}: {known[-1][:12]} changes it after {self.into[:12]}",
                              f"git commit --fixup={self.into[:12]} and git rebase -i --autosquash base")
            return self.into
        if len(known) == 1:
            return known[0]
        names = ", ".join(c[:12] for c in known) or "no commit"
        raise Refusal(f"{path}: changed by {names} of the series, so the place is not certain",
                      "mk/series fold --into COMMIT")

    def plan(self):
        """{commit: {path: fast-import line}} of the work tree's changes."""
        self.git.raw("add", "-u")
        found = self.git.fields("diff-index", "--cached", "-z", "--no-renames", "HEAD")
        if not found:
            raise Refusal(f"{self.tree.shown} has no changes to fold", "edit first")
        out = {}
        for meta, path in zip(found[::2], found[1::2]):
            mode, blob = meta.split()[1:4:2]
            out.setdefault(self._target(path), {})[path] = self._line(mode, blob, path)
        return out

    def rewrite(self, plan):
        first = min(self.commits.index(c) for c in plan)
        stream = []
        for number, commit in enumerate(self.commits[first:]):
            lines = {path: line for line, path in self._changes(commit)}
            lines.update(plan.get(commit, {}))
            stream.append(self._header(commit))
            stream += [encode(f"from {commit}^\n")] if not number else []
            stream += [encode(line) for line in lines.values()]
        self.git.raw("fast-import", "--quiet", "--force", data=b"".join(stream))
        head = self.git.commit(FOLD_REF)
        self.git.raw("update-ref", "-d", FOLD_REF)
        return head

    def _header(self, commit):
        meta = self.git.text("log", "-1", "--format=author %an <%ae> %at +0000%ncommitter %cn <%ce> %ct +0000", commit)
        message = self.git.raw("log", "-1", "--format=%B", commit).rstrip(b"\n") + b"\n"
        return encode(f"commit {FOLD_REF}\n{meta}\ndata {len(message)}\n") + message + b"\n"


def fold(room, into=None):
    tree = Tree(room)
    tree.need()
    with tree.lock():
        tree.resume()
        if not tree.on_series():
            tree.refuse_dirty()
        folder = Folder(tree, into)
        plan = folder.plan()
        wanted = tree.git.text("write-tree")
        head = folder.rewrite(plan)
        if tree.git.text("rev-parse", f"{head}^{{tree}}") != wanted:
            raise Refusal("fold would not give the tree as it stands", "report a bug of mk/series")
        tree.git.raw("update-ref", "-m", "series: fold", BRANCH, head)
    for commit, paths in plan.items():
        subject = decode(tree.git.raw("log", "-1", "--format=%s", commit)).strip()
        say(f"{subject}: {', '.join(paths)}")
