# SPDX-License-Identifier: GPL-2.0-only
"""The command line of mk/series."""

import argparse
import os
import sys
from pathlib import Path

from . import fold, mail, rooms, verbs
from .bisect import Bisect
from .checks.run import check
from .errors import Refusal


def _parser():
    top = argparse.ArgumentParser(prog="mk/series", description="Carry the queue to a git tree and back.")
    top.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], help=argparse.SUPPRESS)
    verb = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def add(name, run, text):
        sub = verb.add_parser(name, help=text, description=text)
        sub.add_argument("--room", choices=rooms.ROOMS, default="linux")
        sub.set_defaults(run=run)
        return sub

    tree = add("tree", lambda r, a: verbs.make_tree(r, a.src), "export the queue to build/ROOM")
    tree.add_argument("--src", help="upstream's tree: a tarball, a folder or a git tree")
    add("import", lambda r, a: verbs.import_range(r), "bring base..series of build/ROOM back into the repository")
    add("rebase", lambda r, a: verbs.rebase(r), "put unimported commits on top of the repository's queue")
    into = add("fold", lambda r, a: fold.fold(r, a.into), "put edits of build/ROOM into the commits they belong to")
    into.add_argument("--into", help="the commit, when it is not certain")
    add("check", lambda r, a: check(r), "the queue's invariants, checkpatch, the tool's own tests")
    bisect = add("bisect", lambda r, a: Bisect(r, a.build, a.test).run(), "build and test every commit of the queue")
    bisect.add_argument("--build", default=os.environ.get("BUILD_CMD"), help="the command that builds a commit")
    bisect.add_argument("--test", default=os.environ.get("TEST_CMD"), help="the command that tests it")
    series = add("series", lambda r, a: mail.series(r, a.base, a.linux_git, a.version), "mails for a real git clone")
    series.add_argument("--base", default=os.environ.get("BASE"), help="the commit to start from")
    series.add_argument("--linux-git", default=os.environ.get("LINUX_GIT"), help="a clone of Linux")
    series.add_argument("--version", default=os.environ.get("V") or "1", help="the version of the series")
    return top


def main(argv=None):
    args = _parser().parse_args(argv)
    try:
        return args.run(rooms.room(args.room, args.root.resolve()), args) or 0
    except Refusal as error:
        print(f"mk/series {args.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"mk/series {args.verb}: interrupted; start it again to go on", file=sys.stderr)
        return 130
