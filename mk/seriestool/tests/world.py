# SPDX-License-Identifier: GPL-2.0-only
"""A tiny upstream tree, a repository beside it, and a developer's moves."""

import atexit
import contextlib
import io
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from seriestool import cli, rooms, source
from seriestool.errors import Refusal
from seriestool.gitcmd import Git
from seriestool.tree import Tree

MEMORY = "/dev/shm"  # git waits for the disk otherwise
TEMPLATES = {}       # made once, copied for each test
LICENCE = "// SPDX-License-Identifier: GPL-2.0-only\n"
UPSTREAM = {
    "Kbuild": "obj-y += virt/\n",
    ".gitignore": "*.o\n/*\n!/debian/\n",
    "virt/old.c": "".join(f"int line{n};\n" for n in range(1, 31)),
    "virt/big.c": "".join(f"int big{n};\n" for n in range(1, 31)),
    # Not wholly sorted, as upstream's is not: BETA stands after GAMMA.
    "MAINTAINERS": "List of maintainers\n\n"
                   + "\n".join(f"{t}\nL:\t{t.lower()}@vger.kernel.org\nF:\tvirt/{t.lower()}.c\n"
                               for t in ("ALPHA", "GAMMA", "BETA", "THE REST")),
}
# Stand-ins for upstream's scripts: one objects to a word, one to every licence, one knows a maintainer.
SCRIPTS = {
    "scripts/checkpatch.pl": 'while (<STDIN>) { if (/UGLY/) { print "-:$.: WARNING:UGLY_WORD: ugly\\n"; $bad = 1 } } exit($bad);\n',
    "scripts/spdxcheck.py": "#!/bin/sh\ncat\n",
    "scripts/get_maintainer.pl": 'print "kvm\\@vger.kernel.org\\n";\n',
}
SECTION = "BETA TWO\nL:\tkvm@vger.kernel.org\nF:\tvirt/new.c\n"


def memory():
    return MEMORY if Path(MEMORY).is_dir() else None


def write(top, files):
    for name, text in files.items():
        path = Path(top) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def git(top, *args):
    identity = ["-c", "user.name=tester", "-c", "user.email=tester@invalid"]
    done = subprocess.run(["git", "-C", str(top), *identity, *args], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"git {args}: {done.stderr}")
    return done.stdout.strip()


class World(unittest.TestCase):
    """Room linux on a tree of five files; cli() is the tool as a user meets it."""

    room_name = "linux"

    def setUp(self):
        self.place(Path(tempfile.mkdtemp(dir=memory())))
        self.addCleanup(shutil.rmtree, self.top)
        if self.room_name not in TEMPLATES:
            self.make()
            TEMPLATES[self.room_name] = Path(tempfile.mkdtemp(dir=memory()))
            atexit.register(shutil.rmtree, TEMPLATES[self.room_name])
            shutil.copytree(self.top, TEMPLATES[self.room_name], dirs_exist_ok=True)
            return
        shutil.copytree(TEMPLATES[self.room_name], self.top, dirs_exist_ok=True)
        self.tree.put("source", source.identity(self.src))

    def place(self, top):
        self.top, self.src, self.repo = top, top / "upstream", top / "repo"
        self.room = rooms.room(self.room_name, self.repo)
        self.tree = Tree(self.room)
        self.git = Git(self.room.tree)

    def make(self):
        write(self.src, {**UPSTREAM, **SCRIPTS, "meson.build": "x\n"})
        os.chmod(self.src / "scripts/spdxcheck.py", 0o755)
        write(self.repo, {".gitignore": "/build/\n", f"{self.room.queue}/series": "# SPDX-License-Identifier: GPL-2.0-only\n",
                          f"{self.room.queue}/cover.txt": "Subject: Cover\n\nWords.\n"})
        git(self.repo, "init", "-q")
        self.commit_repo()
        self.cli("tree", "--src", str(self.src))

    def cli(self, verb, *args, ok=True):
        """Run a verb; return what it said."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = cli.main(["--root", str(self.repo), verb, "--room", self.room_name, *args])
        self.assertEqual(status == 0, ok, out.getvalue())
        return out.getvalue()

    def assert_refused(self, verb, *words, args=()):
        """The verb fails; the message has all the words and a way out."""
        said = self.cli(verb, *args, ok=False)
        for word in (*words, "way out:"):
            self.assertIn(word, said)
        return said

    def commit_repo(self, message="repo"):
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-q", "--allow-empty", "-m", message)

    def commit_tree(self, subject, files, body="Because."):
        write(self.room.tree, files)
        git(self.room.tree, "add", "-A")
        git(self.room.tree, "commit", "-q", "-m", f"{subject}\n\n{body}")
        return git(self.room.tree, "rev-parse", "HEAD")

    def upstream_text(self, name, old, new):
        text = UPSTREAM[name]
        self.assertIn(old, text)
        return text.replace(old, new)

    def standard_series(self):
        """Two commits: a file of ours with a hunk, then a hunk and a section. Imported and committed."""
        self.commit_tree("KVM: Add new", {"virt/new.c": LICENCE + "int new;\n",
                                          "virt/old.c": self.upstream_text("virt/old.c", "int line5;\n", "int five;\n")})
        self.commit_tree("KVM: Use new", {"virt/big.c": self.upstream_text("virt/big.c", "int big9;\n", "int nine;\n"),
                                          "MAINTAINERS": self.with_section()})
        self.cli("import")
        self.commit_repo()

    @staticmethod
    def with_section():
        return UPSTREAM["MAINTAINERS"].replace("F:\tvirt/beta.c\n", "F:\tvirt/beta.c\n\n" + SECTION)

    def ids(self):
        return git(self.room.tree, "rev-list", "base..series").split()

    def repo_status(self):
        return git(self.repo, "status", "--porcelain")


__all__ = ["LICENCE", "Refusal", "SECTION", "UPSTREAM", "World", "git", "write"]
