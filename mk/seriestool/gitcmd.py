# SPDX-License-Identifier: GPL-2.0-only
"""Run git. An isolated Git ignores the machine's configuration, so that ids and patches do not depend on it."""

import os
import subprocess

from .errors import Refusal

IDENT = "series <series@invalid>"
EPOCH = 1767225600  # fixed, so that commit ids are reproducible


def decode(data):
    return data.decode("utf-8", "surrogateescape")


def encode(text):
    return text.encode("utf-8", "surrogateescape")


def _environment(isolated):
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env.update(LC_ALL="C.UTF-8", GIT_TERMINAL_PROMPT="0")
    if isolated:
        env.update(GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL=os.devnull,
                   GIT_LITERAL_PATHSPECS="1")
    return env


class Git:
    def __init__(self, top, isolated=True, index=None):
        self.top = str(top)
        self.isolated = isolated
        self.env = _environment(isolated)
        if index:
            self.env["GIT_INDEX_FILE"] = str(index)

    def with_index(self, index):
        return Git(self.top, self.isolated, index)

    def call(self, *args, data=None, env=None):
        """Run git and return the finished process, whatever its status."""
        cmd = ["git", "-C", self.top]
        if self.isolated:
            cmd += ["-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null"]
        return subprocess.run(cmd + list(args), input=data, capture_output=True,
                              env={**self.env, **(env or {})}, check=False)

    def raw(self, *args, data=None, env=None):
        done = self.call(*args, data=data, env=env)
        if done.returncode:
            raise Refusal(f"git {' '.join(args[:4])} failed in {self.top}: "
                          f"{decode(done.stderr).strip() or 'no message'}")
        return done.stdout

    def text(self, *args, data=None, env=None):
        return decode(self.raw(*args, data=data, env=env)).strip()

    def lines(self, *args):
        return self.text(*args).splitlines()

    def fields(self, *args):
        """The answer of a command that separates by NUL."""
        return [f for f in decode(self.raw(*args)).split("\0") if f]

    def ok(self, *args):
        return self.call(*args).returncode == 0

    def commit(self, name):
        """The commit id that name stands for, or None."""
        done = self.call("rev-parse", "-q", "--verify", name + "^{commit}")
        return decode(done.stdout).strip() or None if not done.returncode else None

    def git_dir(self):
        return os.path.join(self.top, self.text("rev-parse", "--git-dir"))
