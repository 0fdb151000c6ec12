# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's own scripts on every patch: checkpatch and get_maintainer."""

import hashlib
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from ..errors import Refusal
from ..gitcmd import decode

REPORT = re.compile(r"^[^:\n]*:(?P<line>\d+): (?P<grade>ERROR|WARNING|CHECK):(?:(?P<type>[A-Z0-9_]+):)? ?(?P<text>.*)$", re.M)
FIRST_PATH = "/usr/bin:/bin"  # the machine's python3, not one that a version manager put first


class Scripts:
    def __init__(self, room, tree, queue, commits):
        self.room, self.tree, self.queue, self.commits = room, tree, queue, commits
        self.env = {**os.environ, "PATH": FIRST_PATH + ":" + os.environ.get("PATH", "")}

    def mail(self, commit):
        """The commit as a mail, without what changes from run to run."""
        text = self.tree.git.raw("format-patch", "--stdout", "-1", "--no-signature", "--no-renames",
                                 "--zero-commit", "--subject-prefix=PATCH", commit)
        return re.sub(rb"^(Date: ).*$", rb"\1Thu, 1 Jan 2026 00:00:00 +0000", text, count=1, flags=re.M)

    def _run(self, *cmd, data=None):
        return subprocess.run(cmd, cwd=self.room.tree, env=self.env, input=data, capture_output=True, check=False)

    def _cached(self, commit, script, *options):
        """What the script says of the commit's mail; known by mail, script and options."""
        mail, path = self.mail(commit), f"scripts/{script}.pl"
        blob = self.tree.git.raw("rev-parse", f"{self.tree.base()}:{path}")
        known = self.tree.room.state / script / hashlib.sha256(mail + blob + repr(options).encode()).hexdigest()
        if not known.exists():
            done = self._run("perl", path, *options, data=mail)
            if done.returncode and not REPORT.search(decode(done.stdout)):
                raise Refusal(f"{script} broke: {decode(done.stderr).strip()[-300:]}", "run it by hand on this patch")
            known.parent.mkdir(exist_ok=True)
            known.with_suffix(".new").write_bytes(done.stdout)
            os.replace(known.with_suffix(".new"), known)
        return decode(known.read_bytes())

    def _each(self, ask):
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(zip(self.queue.patches, pool.map(ask, self.commits)))

    # checkpatch

    def _reports(self, commit):
        options = ["--strict", "--terse", "--no-summary", "--no-signoff"]
        options += ["--show-types", "-"] if self.room.name == "linux" else ["-"]
        found = list(REPORT.finditer(self._cached(commit, "checkpatch", *options)))
        place = positions(decode(self.mail(commit))) if found else {}
        return [(m["type"] or _type_of(m["text"]), f"{place.get(int(m['line']), 'message')}: {m['grade']}: {m['text']}")
                for m in found]

    def check_spdx_works(self):
        """checkpatch is silent when its SPDX checker cannot start: try that it objects."""
        if self.room.name != "linux":
            return
        done = self._run("scripts/spdxcheck.py", "-", data=b"// SPDX-License-Identifier: No-Such-Licence\n")
        if b"No-Such-Licence" not in done.stdout:
            yield "the kernel's spdxcheck.py does not run; way out: install python3-ply and python3-git (make deps)"

    def check_patches(self):
        notes = Notes(self.room)
        for patch, reports in self._each(self._reports):
            bad = [f"  {kind} {text}" for kind, text in reports if not notes.accept(patch.name, kind)]
            if bad:
                yield (f"{self.room.queue}/{patch.name}: {len(bad)} reports; way out: mend them, or give the reason in "
                       f"{self.room.queue}/checkpatch.notes")
            yield from bad
        for line in notes.unused():
            yield f"{self.room.queue}/checkpatch.notes: no such report any more: {line}; way out: drop the line"

    # get_maintainer

    def check_maintainers(self):
        def ask(commit):
            return self._cached(commit, "get_maintainer", "--no-git", "--no-git-fallback")

        for patch, said in self._each(ask):
            if "@" not in said:
                yield f"{self.room.queue}/{patch.name}: get_maintainer names nobody; way out: run it by hand on this patch"


def positions(mail):
    """{line of the mail: 'file:line'} of the lines that the mail's hunks show."""
    out, path, at = {}, None, None
    for number, line in enumerate(mail.split("\n"), 1):
        if line.startswith("diff --git "):
            path, at = line.rpartition(" b/")[2], None
        elif path and (start := re.match(r"@@ -\S+ \+(\d+)", line)):
            at = int(start[1])
        elif at is not None and line[:1] in " +-":
            out[number] = f"{path}:{at}"
            at += line[:1] != "-"
    return out


class Notes:
    """checkpatch.notes: 'PATCH TYPE reason', PATCH may be '*'. A reason is needed, an idle note is refused."""

    def __init__(self, room):
        self.lines, self.used = {}, set()
        path = room.patches / "checkpatch.notes"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for line in text.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            parts = line.split(None, 2)
            if len(parts) < 3:
                raise Refusal(f"{room.queue}/checkpatch.notes: {line!r}", "PATCH TYPE reason, on one line")
            self.lines[parts[0], parts[1]] = line

    def accept(self, patch, kind):
        for key in ((patch, kind), ("*", kind)):
            if key in self.lines:
                self.used.add(key)
                return True
        return False

    def unused(self):
        return [line for key, line in self.lines.items() if key not in self.used]


def _type_of(text):
    """An old checkpatch names no types: make one of the words."""
    return "_".join(re.findall(r"[A-Za-z0-9]+", text)[:5]).upper()
