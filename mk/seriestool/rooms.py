# SPDX-License-Identifier: GPL-2.0-only
"""The two rooms: which part of the repository is which tree's."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Room:
    name: str
    root: Path          # top of the repository
    prefix: str         # where the tree's top lies in the repository
    queue: str          # the folder of series, cover.txt and the patches
    licence: str
    maintainers: bool   # merge MAINTAINERS by section
    mail: bool          # there is somebody to send the series to

    @property
    def top(self):
        return self.root / self.prefix

    @property
    def patches(self):
        return self.root / self.queue

    @property
    def tree(self):
        return self.root / "build" / self.name

    @property
    def state(self):
        return self.tree / ".git" / "series-state"

    def path(self, inner):
        """Where a path of the tree lies in the repository."""
        return f"{self.prefix}/{inner}" if self.prefix else inner

    def show(self, path):
        """A path as the user sees it from the top of the repository."""
        try:
            return str(Path(path).relative_to(self.root))
        except ValueError:
            return str(path)


def room(name, root):
    if name == "linux":
        return Room("linux", root, "", "patches/linux", "GPL-2.0-only", True, True)
    return Room("qemu", root, "qemu", "qemu/patches", "GPL-2.0-or-later", False, False)


ROOMS = ("linux", "qemu")
