# SPDX-License-Identifier: GPL-2.0-only
"""The queue's own invariants: rooms, round trip, messages."""

import re

from .. import maintainers, queue as queues
from ..errors import Refusal
from ..importer import Importer
from .files import TRAILER, ours

SUBJECT_MAX = 75
TOPIC = r"(KVM: (n?[A-Z]{3,}|[a-z][\w/ ]*)|x86(/\w+)*|mm(: \w+|/\w+)?|crypto: ccp|MAINTAINERS|Documentation(: [\w/ ]+)?)"
LINUX_SUBJECT = re.compile(rf"^{TOPIC}: [A-Z]\S* .*(?<!\.)$")
QUEUE_FILES = ("series", "cover.txt", "checkpatch.notes")


def check_rooms(room, tree, queue):
    """A folder that exists upstream holds files of the series and nothing else."""
    tops = set(tree.git.fields("ls-tree", "-z", "-d", "--name-only", tree.base()))
    for name in ours(room):
        inner = name[len(room.prefix) + 1:] if room.prefix else name
        top, sep, _ = inner.partition("/")
        if sep and top in tops and inner not in queue.files:
            yield f"{name}: lies in a folder of {room.name} and no patch adds it; way out: an Adds line, or move it"


def check_folder(room, queue):
    """The folder of the queue holds what series names."""
    known = {p.name for p in queue.patches} | set(QUEUE_FILES)
    for path in sorted(room.patches.iterdir()):
        if path.name not in known:
            yield f"{room.queue}/{path.name}: series does not name it; way out: add the line or remove the file"
    for name in QUEUE_FILES[:2]:
        if not (room.patches / name).exists():
            yield f"{room.queue}/{name} is missing; way out: write it"
    path = room.top / "MAINTAINERS"
    titles = maintainers.sections(queues.read(path)) if room.maintainers and path.exists() else ()
    for title in titles:
        if title not in queue.sections:
            yield f"MAINTAINERS: no patch has 'Section: {title}'; way out: add the line to one patch"


def check_round_trip(room, tree, queue):
    """Export, import: every byte of the repository's part comes back."""
    if not queue.patches:
        return
    head = tree.head_of(queue)
    back, _ = Importer(tree.git, tree.base(), head, room.maintainers).collect()
    for path, data in queues.snapshot(room, back).items():
        real = room.root / path
        if not real.exists() or real.read_bytes() != data:
            yield f"{path}: is not what export and import give; way out: make tree and make import rewrite it"
    for path in set(queue.files) - set(back.files):
        yield f"{room.path(path)}: does not come back; way out: report a bug of mk/series"


def check_unimported(tree, queue):
    if tree.series() not in (tree.exported(), tree.head_of(queue)):
        yield f"{tree.shown} holds commits that are not imported; way out: make import, or make tree after a reset"


def check_messages(room, queue):
    for patch in queue.patches:
        where = f"{room.queue}/{patch.name}"
        if len(patch.subject) > SUBJECT_MAX:
            yield f"{where}: subject of {len(patch.subject)} characters, {SUBJECT_MAX} allowed; way out: shorten it"
        if room.name == "linux" and not LINUX_SUBJECT.match(patch.subject):
            yield f"{where}: subject is not 'KVM: <topic>: Verb ...'; way out: reword it"
        if not patch.body.strip():
            yield f"{where}: no message under the subject; way out: say what changes, then why"
        if found := TRAILER.search(patch.body):
            yield f"{where}: trailer {found[0]!r}; way out: leave trailers to whoever sends"
    cover = room.patches / "cover.txt"
    if cover.exists() and (found := TRAILER.search(queues.read(cover))):
        yield f"{room.queue}/cover.txt: trailer {found[0]!r}; way out: leave trailers to whoever sends"


def load_and_export(room, tree):
    """The queue and its commits; a hook gone stale is refused here."""
    if not tree.exists():
        raise Refusal(f"{tree.shown} is not there yet", f"make tree ROOM={room.name}")
    queue = queues.load(room)
    return queue, tree.chain(queue)
