# SPDX-License-Identifier: GPL-2.0-only
"""The queue as it stands in the repository: read it, write it."""

import hashlib
import os
from dataclasses import dataclass, field

from . import maintainers, patch as patches
from .errors import Refusal
from .gitcmd import encode

MODES = {"100644": 0o644, "100755": 0o755}


@dataclass
class Queue:
    patches: list = field(default_factory=list)
    files: dict = field(default_factory=dict)     # path -> (mode, bytes): what enters whole
    sections: dict = field(default_factory=dict)  # title -> text: ours in MAINTAINERS
    notes: dict = field(default_factory=dict)     # patch name -> lines above it in series

    def digest(self, *salt):
        """One hash of all that export depends on."""
        h = hashlib.sha256(repr(salt).encode())
        for p in self.patches:
            h.update(encode(repr((p.message, p.adds, p.sections, p.hunks))))
        for path in sorted(self.files):
            h.update(encode(repr((path, self.files[path]))))
        h.update(encode(repr(sorted(self.sections.items()))))
        return h.hexdigest()


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as f:
        return f.read()


def _write(path, data, mode=0o644):
    """Leave a file alone when it is right already, so that its time stands."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.islink(path) and os.path.exists(path):
        with open(path, "rb") as f:
            if f.read() == data and os.access(path, os.X_OK) == bool(mode & 0o100):
                return False
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
    return True


def series_lines(text):
    """[(comment lines above, patch name)], and the lines after the last name."""
    out, above = [], []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            above.append(line)
        else:
            out.append((above, line.strip()))
            above = []
    return out, above


def _load_file(room, path, patch_name):
    real = room.top / path
    if real.is_symlink() or not real.is_file():
        raise Refusal(f"{patch_name}: Adds: {path}: no such file in the repository",
                      f"add {room.path(path)} or drop the line")
    mode = "100755" if os.access(real, os.X_OK) else "100644"
    return mode, real.read_bytes()


def _load_sections(room, queue):
    named = [t for p in queue.patches for t in p.sections]
    if not named:
        return
    ours = maintainers.sections(read(room.top / "MAINTAINERS"))
    for title in named:
        if title not in ours:
            raise Refusal(f"Section: {title}: MAINTAINERS has no such section of ours",
                          "add it to MAINTAINERS or drop the line")
        queue.sections[title] = ours[title]


def load(room):
    queue, names = Queue(), set()
    listed = series_lines(read(room.patches / "series"))[0] if (room.patches / "series").exists() else []
    for above, name in listed:
        path = room.patches / name
        shown = f"{room.queue}/{name}"
        if name in names or not path.is_file():
            raise Refusal(f"{room.queue}/series: {name} is {'named twice' if name in names else 'missing'}",
                          "name every patch file once")
        names.add(name)
        queue.notes[name] = above
        one = patches.parse(read(path), shown)
        if one.name != name:
            raise Refusal(f"{shown}: the subject asks for the name {one.name}",
                          "rename the file and its line in series")
        queue.patches.append(one)
        for add in one.adds:
            if add in queue.files:
                raise Refusal(f"{shown}: Adds: {add}: another patch adds it already",
                              "a new file enters whole, in one patch")
            queue.files[add] = _load_file(room, add, shown)
    _load_sections(room, queue)
    return queue


def _series_text(room, queue):
    path = room.patches / "series"
    listed, tail = series_lines(read(path)) if path.exists() else ([], [])
    head = [f"# SPDX-License-Identifier: {room.licence}"]
    above = {name: lines for lines, name in listed}
    if listed:
        head, above[listed[0][1]] = _split_head(listed[0][0])
    elif tail:
        head, tail = tail, []
    out = list(head)
    for p in queue.patches:
        out += above.get(p.name, []) + [p.name]
    return "\n".join(out + tail) + "\n"


def _split_head(lines):
    """The file's own heading ends at the first empty line; what follows belongs to the patch."""
    if "" in lines:
        at = lines.index("")
        return lines[:at], lines[at:]
    return lines, []


def _prune(room, path):
    os.unlink(path)
    folder = os.path.dirname(path)
    while folder != str(room.root) and not os.listdir(folder):
        os.rmdir(folder)
        folder = os.path.dirname(folder)


def save(room, old, new):
    """Make the repository hold new instead of old; return the paths that changed."""
    changed = []
    for path, (mode, data) in new.files.items():
        if _write(str(room.top / path), data, MODES[mode]):
            changed.append(room.path(path))
    wanted = {p.name: encode(patches.dump(p, room.licence)) for p in new.patches}
    for name, data in wanted.items():
        if _write(str(room.patches / name), data):
            changed.append(f"{room.queue}/{name}")
    if _write(str(room.patches / "series"), encode(_series_text(room, new))):
        changed.append(f"{room.queue}/series")
    gone = [room.top / p for p in old.files if p not in new.files]
    gone += [f for f in room.patches.glob("*.patch") if f.name not in wanted]
    for path in gone:
        if os.path.lexists(path):
            _prune(room, str(path))
            changed.append(room.show(path))
    if new.sections or old.sections:
        changed += _save_sections(room, new)
    return changed


def _save_sections(room, new):
    path = room.top / "MAINTAINERS"
    head = maintainers.preamble(read(path)) if path.exists() else f"# SPDX-License-Identifier: {room.licence}\n"
    return ["MAINTAINERS"] if _write(str(path), encode(maintainers.dump(head, new.sections))) else []


def snapshot(room, queue):
    """{repository path: bytes} of all that save() would write: what round trips compare."""
    out = {room.path(p): data for p, (_, data) in queue.files.items()}
    for p in queue.patches:
        out[f"{room.queue}/{p.name}"] = encode(patches.dump(p, room.licence))
    out[f"{room.queue}/series"] = encode(_series_text(room, queue))
    if queue.sections:
        head = maintainers.preamble(read(room.top / "MAINTAINERS"))
        out[room.path("MAINTAINERS")] = encode(maintainers.dump(head, queue.sections))
    return out
