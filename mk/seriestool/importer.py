# SPDX-License-Identifier: GPL-2.0-only
"""From commits to the queue: pure, nothing is written here."""

import re

from . import maintainers
from .errors import Refusal
from .gitcmd import decode
from .patch import Patch
from .queue import MODES, Queue

DIFF = ("-p", "-U3", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--diff-algorithm=myers",
        "--indent-heuristic", "--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/", "--full-index")


class Importer:
    def __init__(self, git, base, head, maintainers_by_section):
        self.git, self.base, self.head = git, base, head
        self.by_section = maintainers_by_section
        self.queue = Queue()
        self.added_by = {}

    def collect(self):
        commits = self.git.lines("rev-list", "--reverse", f"{self.base}..{self.head}")
        if self.git.text("merge-base", self.base, self.head) != self.git.commit(self.base):
            raise Refusal("the series does not start at base", "git rebase it onto the tag base")
        for commit in commits:
            self._one(commit)
        self._refuse_same_names()
        return self.queue, commits

    def _one(self, commit):
        parents = self.git.text("rev-list", "--parents", "-n1", commit).split()[1:]
        if len(parents) != 1:
            raise Refusal(f"{commit[:12]} is a merge", "git rebase makes the series linear")
        message = decode(self.git.raw("log", "-1", "--format=%B", commit)).strip()
        subject, _, body = message.partition("\n")
        if "\n---\n" in f"\n{body}\n" or "\ndiff --git " in body:
            raise Refusal(f"{commit[:12]} {subject}: the message holds a line '---' or a diff", "reword it")
        body = "\n".join(line.rstrip() for line in body.strip("\n").split("\n"))
        patch = Patch(subject, body)
        self._sort_changes(patch, parents[0], commit)
        self.queue.patches.append(patch)

    def _sort_changes(self, patch, parent, commit):
        """Each changed path is an added file, a section of MAINTAINERS, or a hunk."""
        hunked = []
        for status, mode, blob, path in self._raw(parent, commit):
            label = f"{commit[:12]} {patch.subject}: {path}"
            if path in self.added_by:
                raise Refusal(f"{label}: changed after {self.added_by[path]} added it",
                              "a new file enters whole, in one patch: mk/series fold, or two files")
            if status == "A":
                self._add(patch, label, mode, blob, path)
            elif path == "MAINTAINERS" and self.by_section:
                self._extract(patch, parent, commit)
            else:
                hunked.append(path)
        if hunked:
            patch.hunks = self._hunks(parent, commit, hunked)
        if not (patch.adds or patch.sections or patch.hunks):
            raise Refusal(f"{commit[:12]} {patch.subject}: changes nothing", "drop the commit")

    def _raw(self, parent, commit):
        found = self.git.fields("diff-tree", "-r", "-z", "--no-renames", parent, commit)
        for meta, path in zip(found[::2], found[1::2]):
            _, mode, _, blob, status = meta.split()
            yield status, mode, blob, path

    def _add(self, patch, label, mode, blob, path):
        if self.git.text("ls-tree", self.base, "--", path):
            raise Refusal(f"{label}: exists upstream, cannot be added", "change it by a hunk")
        if mode not in MODES:
            raise Refusal(f"{label}: not a plain file (mode {mode})", "add plain files only")
        if "/" not in path:
            raise Refusal(f"{label}: lies in no folder of the tree", "add it in a folder")
        self.added_by[path] = commit_word(label)
        self.queue.files[path] = (mode, self.git.raw("cat-file", "blob", blob))
        patch.adds.append(path)

    def _extract(self, patch, parent, commit):
        old, new = (decode(self.git.raw("cat-file", "blob", f"{c}:MAINTAINERS")) for c in (parent, commit))
        added = maintainers.extract(old, new)
        self.queue.sections.update(added)
        patch.sections += sorted(added, key=str.upper)

    def _hunks(self, parent, commit, paths):
        text = decode(self.git.raw("diff-tree", *DIFF, parent, commit, "--", *paths))
        if re.search(r"^(GIT binary patch|Binary files )", text, re.M):
            raise Refusal(f"{commit[:12]}: a binary change", "keep binaries out of the series")
        return re.sub(r"^index [0-9a-f]+\.\.[0-9a-f]+.*\n", "", text, flags=re.M)

    def _refuse_same_names(self):
        seen = {}
        for patch in self.queue.patches:
            if patch.name in seen:
                raise Refusal(f"two subjects make the one file name {patch.name}: "
                              f"{seen[patch.name]!r} and {patch.subject!r}", "reword one of them")
            seen[patch.name] = patch.subject


def commit_word(label):
    """The short id at the head of a label."""
    return label.split(" ", 1)[0]
