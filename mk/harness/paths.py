# SPDX-License-Identifier: GPL-2.0-only
"""Where things are, and how an error is told."""
import contextlib
import fcntl
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


class UserError(Exception):
    """One clear line that names the thing and the way out."""


def relative(path):
    path = Path(path)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def tree(name):
    """The source tree of a host kernel: stock, series or bisect."""
    return BUILD / ("linux" if name == "series" else f"linux-{name}")


@contextlib.contextmanager
def only_one(folder):
    """Two runs in one folder would overwrite each other's initramfs and logs: wait for the other."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another run in {relative(folder)}", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run_main(main):
    try:
        sys.exit(main())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
