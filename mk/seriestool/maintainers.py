# SPDX-License-Identifier: GPL-2.0-only
"""MAINTAINERS by section: ours alone in the repository, merged into upstream's on export."""

import re

from .errors import Refusal

SECTION = re.compile(r"(?:\A|(?<=\n\n))(?P<title>[^\n]+)\n(?=[A-Z]:\s)(?:[^\n]+\n)+")
LAST = "THE REST"  # stands at the end whatever its name


def spans(text):
    """[(title, start, end)] of every section, in the order of the file."""
    return [(m["title"], m.start(), m.end()) for m in SECTION.finditer(text)]


def sections(text):
    return {title: text[start:end] for title, start, end in spans(text)}


def preamble(text):
    found = spans(text)
    return text[:found[0][1]] if found else text


def merge(text, section):
    """Upstream's text with one section of ours after its alphabetical predecessor."""
    title = section.split("\n", 1)[0]
    before = [s for s in spans(text) if s[0].upper() <= title.upper() and s[0] != LAST]
    if before:
        end = max(before, key=lambda s: s[0].upper())[2]
        return text[:end] + "\n" + section + text[end:]
    first = spans(text)
    at = first[0][1] if first else len(text)
    return text[:at] + section + "\n" + text[at:]


def extract(old, new):
    """The sections that new has over old; refuse any other difference."""
    known = sections(old)
    added = {t: s for t, s in sections(new).items() if t not in known}
    rest = new
    for text in added.values():
        cut = "\n" + text if "\n" + text in rest else text + "\n"
        rest = rest.replace(cut, "", 1)
    if rest != old:
        raise Refusal("MAINTAINERS: a change other than whole new sections",
                      "name our files in a section of their own, entered whole in one patch")
    return added


def dump(head, ours):
    """The repository's MAINTAINERS: what stands above, then our sections in order."""
    parts = [ours[t] for t in sorted(ours, key=str.upper)]
    return head.rstrip("\n") + "\n" + "".join("\n" + p for p in parts)
