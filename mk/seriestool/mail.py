# SPDX-License-Identifier: GPL-2.0-only
"""Mails for a real clone: a branch there by whoever sends, format-patch with cover letter, base and range-diff."""

import shutil
import time
from pathlib import Path

from . import patch as patches, queue as queues
from .errors import Refusal
from .export import Exporter
from .gitcmd import Git
from .tree import say


def _clone(path, base):
    if not path or not base:
        raise Refusal("BASE and LINUX_GIT are needed", "make series BASE=COMMIT LINUX_GIT=CLONE V=1")
    git = Git(Path(path).resolve(), isolated=False)
    if not git.ok("rev-parse", "--git-dir"):
        raise Refusal(f"LINUX_GIT={path} is no git clone", "give the path of a clone of Linux")
    commit = git.commit(base)
    if not commit:
        raise Refusal(f"BASE={base}: no such commit in {path}", f"git -C {path} fetch, or name another commit")
    return git, commit


def _sender(git):
    name, mail = (git.call("config", key).stdout.decode().strip() for key in ("user.name", "user.email"))
    if not name or not mail:
        raise Refusal(f"{git.top} does not know who sends", "git config user.name and user.email there")
    return f"{name} <{mail}>"


def _version(text):
    if not text.isdigit() or int(text) < 1:
        raise Refusal(f"V={text} is no version", "V=1, V=2, ...")
    return int(text)


def branch_name(version):
    return f"series-v{version}"


def _cover(room):
    cover = patches.parse(queues.read(room.patches / "cover.txt"), f"{room.queue}/cover.txt")
    return f"{cover.subject}\n\n{cover.body}"


def _previous(git, version):
    """Options for a range-diff against the version before, when its branch is still there."""
    old = branch_name(version - 1)
    if version == 1 or not git.commit(f"refs/heads/{old}"):
        return []
    start = git.call("config", f"branch.{old}.seriesBase").stdout.decode().strip()
    return [f"--range-diff={start}..{old}"] if start else []


def _make_branch(git, room, queue, base, version):
    name = branch_name(version)
    if git.commit(f"refs/heads/{name}"):
        raise Refusal(f"the branch {name} is there already in {git.top}",
                      f"V={version + 1}, or git -C {git.top} branch -D {name}")
    work = Exporter(git, base, queue, room.queue, _sender(git), int(time.time()) - 60 * len(queue.patches))
    head = work.chain()[-1]
    for line in work.offsets:
        say(f"note: {line}")
    git.raw("branch", "--no-track", name, head)
    git.raw("config", f"branch.{name}.seriesBase", base)
    git.raw("config", f"branch.{name}.description", _cover(room))
    return name


def series(room, base, clone, version):
    if not room.mail:
        raise Refusal(f"room {room.name} has no mail target", "its queue stays here")
    number = _version(version)
    git, commit = _clone(clone, base)
    queue = queues.load(room)
    if not queue.patches:
        raise Refusal(f"{room.queue}/series is empty", "import commits first")
    name = _make_branch(git, room, queue, commit, number)
    out = room.root / "build" / "series" / f"v{number}"
    shutil.rmtree(out, ignore_errors=True)
    options = ["format-patch", "-q", "--cover-letter", "--cover-from-description=subject", f"--base={commit}"]
    options += [f"-v{number}"] if number > 1 else []
    options += _previous(git, number) + [f"{commit}..{name}"]
    git.raw(*options, "-o", str(out))
    count = len(list(out.glob("*.patch")))
    print(f"{room.show(out)}: {count} mails; branch {name} in {git.top}")
    print("Left to whoever sends: read it, test it, then sign it and name the tools on that branch, nobody else may:")
    print(f"  git rebase --signoff {commit[:12]} {name}    # and Assisted-by: where it is due")
    print(f"  git {' '.join(options)} -o OUT && scripts/checkpatch.pl --strict OUT/*.patch")
    print("  git send-email --to/--cc as scripts/get_maintainer.pl says")
