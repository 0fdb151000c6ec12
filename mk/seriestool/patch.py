# SPDX-License-Identifier: GPL-2.0-only
"""One patch of the queue: a message, the files that it adds, hunks on upstream files."""

import re
from dataclasses import dataclass, field

from .errors import Refusal

HEADERS = ("SPDX-License-Identifier", "Subject", "Adds", "Section")
SLUG_MAX = 64


@dataclass
class Patch:
    subject: str
    body: str = ""
    adds: list = field(default_factory=list)
    sections: list = field(default_factory=list)
    hunks: str = ""

    @property
    def message(self):
        return self.subject + "\n" + (f"\n{self.body}\n" if self.body else "")

    @property
    def name(self):
        """The file name follows from the subject, so that import needs no second opinion."""
        words = re.sub(r"[^A-Za-z0-9_]+", "-", self.subject).strip("-").lower()
        return words[:SLUG_MAX].strip("-") + ".patch"

    @property
    def touched(self):
        """The upstream paths that the hunks change."""
        return touched_paths(self.hunks, self.name)


def touched_paths(hunks, name):
    paths = []
    for line in re.findall(r"^diff --git (.*)$", hunks, re.M):
        half = (len(line) - 1) // 2
        left, right = line[:half], line[half + 1:]
        if left[:2] != "a/" or right[:2] != "b/" or left[2:] != right[2:]:
            raise Refusal(f"{name}: cannot read 'diff --git {line}'",
                          "no renames and no odd characters in a path")
        paths.append(left[2:])
    return paths


def _headers(lines, name):
    found = {key: [] for key in HEADERS}
    for line in lines:
        key, sep, value = line.partition(": ")
        if not sep or key not in found:
            raise Refusal(f"{name}: no such header: {line!r}",
                          f"headers are {', '.join(HEADERS)}; an empty line ends them")
        found[key].append(value.strip())
    if len(found["Subject"]) != 1:
        raise Refusal(f"{name}: needs exactly one 'Subject: ' line", "add it at the top")
    return found


def parse(text, name):
    head, _, rest = text.partition("\n\n")
    found = _headers(head.rstrip("\n").split("\n"), name)
    rest = "\n" + rest
    body, mark, hunks = rest.partition("\n---\n")
    hunks = hunks.lstrip("\n")
    if hunks and not hunks.startswith("diff --git "):
        raise Refusal(f"{name}: text between '---' and the first 'diff --git'",
                      "move it above the '---' line")
    if not mark and re.search(r"^diff --git ", rest, re.M):
        raise Refusal(f"{name}: hunks without a '---' line above them", "add the line")
    return Patch(found["Subject"][0], body.strip("\n"), found["Adds"], found["Section"], hunks)


def dump(patch, licence):
    head = [f"SPDX-License-Identifier: {licence}", f"Subject: {patch.subject}"]
    head += [f"Adds: {path}" for path in patch.adds]
    head += [f"Section: {title}" for title in patch.sections]
    text = "\n".join(head) + "\n"
    if patch.body:
        text += f"\n{patch.body}\n"
    if patch.hunks:
        text += f"\n---\n\n{patch.hunks}"
    return text
