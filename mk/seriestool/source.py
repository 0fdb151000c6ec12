# SPDX-License-Identifier: GPL-2.0-only
"""Make build/<room> from upstream's tree: a tarball, an unpacked tree, or a git tree."""

import os
import shutil
import subprocess
from pathlib import Path

from .errors import Refusal
from .gitcmd import EPOCH, Git
from .tree import BRANCH, EXPORTED, Tree, say

BUILT = ("vmlinux", ".config", "include/generated", "build.ninja", "config-host.mak")
LANDMARK = {"linux": "Kbuild", "qemu": "meson.build"}


def identity(src):
    """Tells one source from another without reading it all."""
    if (src / ".git").exists():
        return ["git", str(src), Git(src).text("rev-parse", "HEAD")]
    st = os.stat(src if src.is_file() else src / "MAINTAINERS")
    return ["file" if src.is_file() else "tree", str(src), st.st_size, st.st_mtime_ns]


def _refuse_odd(room, src):
    if not src.exists():
        raise Refusal(f"{src}: no such tree or tarball", "give the path of upstream's tree")
    if src.is_dir() and not (src / LANDMARK[room.name]).exists():
        raise Refusal(f"{src} is no {room.name} tree: it has no {LANDMARK[room.name]}", "give its top folder")
    if (src / ".git").exists():
        if Git(src).raw("status", "--porcelain", "--untracked-files=no"):
            raise Refusal(f"{src} has uncommitted changes", "commit or stash them there")
        return
    found = [name for name in BUILT if src.is_dir() and (src / name).exists()]
    if found:
        raise Refusal(f"{src} is not pristine: it has {found[0]}", "make mrproper there, or give a tarball")


def _run(*cmd):
    done = subprocess.run(cmd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refusal(f"{' '.join(map(str, cmd[:3]))} failed: {done.stderr.strip()[-400:]}",
                      "look at the file and at the free disk space")
    return done.stdout


def _unpack(room, src, new):
    say(f"{room.name}: unpack {src}")
    new.mkdir(parents=True)
    if src.is_dir():
        _run("cp", "-a", "--reflink=auto", f"{src}/.", str(new))
    else:
        _run("tar", "-xf", str(src), "-C", str(new), "--strip-components=1", "--no-same-owner")
    if not (new / LANDMARK[room.name]).exists():
        raise Refusal(f"{src} holds no {room.name} tree", f"a tarball with {LANDMARK[room.name]} one level down")


def _init(git):
    git.raw("init", "-q", "-b", "series")
    for key, value in (("user.name", "series"), ("user.email", "series@invalid"), ("gc.auto", "0"),
                       ("commit.gpgsign", "false"), ("core.autocrlf", "false"), ("core.fileMode", "true"),
                       ("advice.detachedHead", "false"), ("rebase.autosquash", "true")):
        git.raw("config", key, value)


def _commit_base(git, tree):
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER")
           for key, value in (("NAME", "series"), ("EMAIL", "series@invalid"), ("DATE", f"{EPOCH} +0000"))}
    base = git.text("commit-tree", tree, "-m", "base", env=who)
    for ref in ("refs/tags/base", BRANCH, EXPORTED):
        git.raw("update-ref", ref, base)


def _from_git(git, src):
    """Borrow the objects of src: copying and packing them would take minutes."""
    say(f"{git.top}: take HEAD of {src}, borrow its objects")
    _init(git)
    theirs = Git(src)
    with open(os.path.join(git.git_dir(), "objects/info/alternates"), "w", encoding="utf-8") as f:
        f.write(theirs.text("rev-parse", "--path-format=absolute", "--git-path", "objects") + "\n")
    git.raw("read-tree", "-m", "-u", theirs.text("rev-parse", "HEAD^{tree}"))


def _from_files(room, git, src, new):
    """Packing while adding (a low big-file threshold) spares a hundred thousand small files."""
    _unpack(room, src, new)
    _init(git)
    say(f"{room.name}: commit base (half a minute for a whole kernel)")
    git.raw("-c", "core.bigFileThreshold=1", "-c", "core.compression=1", "add", "-Af", ".")


def _unhide(git, new):
    """A package may ignore everything (a line '/*'); then git would never show a file of ours that nobody added."""
    path = new / ".gitignore"
    if not path.exists():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if line.strip() != b"/*"]
    if kept != lines:
        path.write_bytes(b"".join(kept))
        git.raw("add", "-f", ".gitignore")


def make(room, src):
    """Build aside and rename, so that an interrupt leaves either nothing or all."""
    src = Path(src).resolve()
    _refuse_odd(room, src)
    new = room.tree.with_name(f".{room.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    git = Git(new)
    if (src / ".git").exists():
        new.mkdir(parents=True)
        _from_git(git, src)
    else:
        _from_files(room, git, src, new)
    _unhide(git, new)
    _commit_base(git, git.text("write-tree"))
    (new / ".git" / "series-state").mkdir()
    old = room.tree.with_name(f".{room.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if room.tree.exists():
        os.rename(room.tree, old)
    os.rename(new, room.tree)
    Tree(room).put("source", identity(src))
    shutil.rmtree(old, ignore_errors=True)


def fits(room, src):
    """The tree that stands was made from this source."""
    src = Path(src).resolve()
    _refuse_odd(room, src)
    return Tree(room).get("source") == identity(src)
