# SPDX-License-Identifier: GPL-2.0-only
"""From the queue to commits: no work tree is needed, so it serves any git repository."""

import re
import tempfile
from pathlib import Path

from . import maintainers
from .errors import Refusal
from .gitcmd import EPOCH, IDENT, decode, encode

WORK_REF = "refs/series/work"


class Exporter:
    """Apply the patches one by one to a small index that holds only the paths they touch."""

    def __init__(self, git, base, queue, where, ident=IDENT, epoch=EPOCH):
        self.git, self.base, self.queue, self.where = git, base, queue, where
        self.ident, self.epoch = ident, epoch
        self.offsets = []
        self.out = []

    def chain(self):
        """The commit ids of the whole queue on base, first patch first."""
        if not self.queue.patches:
            return []
        self._refuse_known_adds()
        with tempfile.TemporaryDirectory(dir=self.git.git_dir()) as tmp:
            self.index = self.git.with_index(Path(tmp) / "index")
            self._fill_index()
            for number, patch in enumerate(self.queue.patches, 1):
                self._commit(number, patch, self._changes(patch))
            return self._import(Path(tmp) / "marks")

    def _name(self, patch):
        return f"{self.where}/{patch.name}"

    def _upstream(self, paths):
        """The ls-tree lines of those paths that exist at base."""
        found = []
        paths = sorted(paths)
        for at in range(0, len(paths), 500):
            found += self.git.fields("ls-tree", "-z", "--full-tree", self.base, "--", *paths[at:at + 500])
        return found

    def _refuse_known_adds(self):
        known = {line.split("\t", 1)[1] for line in self._upstream(self.queue.files)}
        for patch in self.queue.patches:
            for path in patch.adds:
                if path in known:
                    raise Refusal(f"{self._name(patch)}: Adds: {path}: exists upstream",
                                  "change it by a hunk, or give the new file another name")
                if "/" not in path:
                    raise Refusal(f"{self._name(patch)}: Adds: {path}: lies in no folder of the tree",
                                  "add it in a folder")

    def _fill_index(self):
        wanted = {}
        for patch in self.queue.patches:
            for path in patch.touched + (["MAINTAINERS"] if patch.sections else []):
                wanted.setdefault(path, patch)
        lines = self._upstream(wanted)
        known = {line.split("\t", 1)[1] for line in lines}
        for path, patch in wanted.items():
            if path in self.queue.files:
                raise Refusal(f"{self._name(patch)}: hunk on {path}, a file of ours",
                              "edit the file itself; it enters whole, in the patch that adds it")
            if path not in known:
                raise Refusal(f"{self._name(patch)}: hunk on {path}, which upstream has not",
                              "put the file in the repository and name it with Adds")
        self.index.raw("update-index", "-z", "--index-info",
                       data=encode("".join(line + "\0" for line in lines)))

    def _apply(self, patch):
        done = self.index.call("apply", "--cached", "-v", "--whitespace=nowarn", "-",
                               data=encode(patch.hunks))
        said = decode(done.stderr)
        if done.returncode:
            failed = re.findall(r"^error: (.*)$", said, re.M)
            raise Refusal(f"{self._name(patch)} does not apply: {'; '.join(failed) or said.strip()}",
                          "refresh the hunk against this base (no fuzz is allowed)")
        for line in re.findall(r"^Hunk #.*\(offset .*$", said, re.M):
            self.offsets.append(f"{self._name(patch)}: {line}")

    def _merge_sections(self, patch):
        text = decode(self.index.raw("cat-file", "blob", ":MAINTAINERS"))
        for title in patch.sections:
            if title in maintainers.sections(text):
                raise Refusal(f"{self._name(patch)}: Section: {title}: exists upstream", "give it another title")
            text = maintainers.merge(text, self.queue.sections[title])
        blob = self.index.text("hash-object", "-w", "--stdin", data=encode(text))
        self.index.raw("update-index", "--cacheinfo", f"100644,{blob},MAINTAINERS")

    def _changes(self, patch):
        """fast-import lines for what the patch does."""
        paths = set(patch.touched)
        if patch.hunks:
            self._apply(patch)
        if patch.sections:
            self._merge_sections(patch)
            paths.add("MAINTAINERS")
        kept = {}
        for line in self.index.fields("ls-files", "-s", "-z", "--", *sorted(paths)) if paths else ():
            meta, path = line.split("\t", 1)
            kept[path] = "M {0} {1} {path}\n".format(*meta.split(), path=path)
        out = [encode(kept.get(path, f"D {path}\n")) for path in sorted(paths)]
        for path in patch.adds:
            mode, data = self.queue.files[path]
            out.append(encode(f"M {mode} inline {path}\ndata {len(data)}\n") + data + b"\n")
        if not out:
            raise Refusal(f"{self._name(patch)} changes nothing", "give it hunks or Adds lines, or drop it")
        return out

    def _commit(self, number, patch, changes):
        message = encode(patch.message)
        when = f"{self.ident} {self.epoch + 60 * number} +0000"
        self.out.append(encode(f"commit {WORK_REF}\nmark :{number}\nauthor {when}\ncommitter {when}\n"
                               f"data {len(message)}\n") + message + b"\n")
        if number == 1:
            self.out.append(encode(f"from {self.base}\n"))
        self.out += changes

    def _import(self, marks):
        """Make the commits; the name of the work ref does not outlive the call."""
        self.git.raw("fast-import", "--quiet", "--force", f"--export-marks={marks}", data=b"".join(self.out))
        self.git.raw("update-ref", "-d", WORK_REF)
        ids = dict(line.split() for line in marks.read_text().splitlines())
        return [ids[f":{n}"] for n in range(1, len(self.queue.patches) + 1)]
