# SPDX-License-Identifier: GPL-2.0-only
"""What every file of the repository must be: small, licensed, and silent about machines and persons."""

import ast
import re

from ..gitcmd import Git

FILE_MAX = 400
FUNCTION_MAX = 80
HEAD_LINES = 8
NO_LENGTH = (".patch", ".csv", ".svg")

C_FUNCTION = re.compile(r"^\{\n(?P<body>(?:(?!\}).*\n)*?)\}", re.M)
SH_FUNCTION = re.compile(r"^(?P<name>[\w-]+) *\(\) *[{(]\n(?P<body>(?:(?![})]).*\n)*?)[})]", re.M)
URL = re.compile(r"\b[a-z][a-z0-9+.-]*://(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]+)")
HOSTS_ALLOWED = re.compile(r"(^|\.)(kernel\.org|w3\.org|gnu\.org|example\.(com|org)|localhost|invalid)$")
BARE_HOST = re.compile(r"\b(deb|security|ftp|snapshot|archive)\.(debian|ubuntu)\.(org|com)\b|\b(pypi|docker|ghcr|quay|github|gitlab)\.(org|io|com)\b")
MACHINE_PATH = re.compile(r"(?<![\w.$})-])/(work|home)/\w")
MAIL = re.compile(r"[\w.+-]+@(?P<host>[\w-]+(\.[\w-]+)+)\b")
MAIL_ALLOWED = re.compile(r"(^|\.)(invalid|example|vger\.kernel\.org|lists\.linux\.dev|kvack\.org|nongnu\.org)$")
TRAILER = re.compile(r"^(?:[A-Za-z][A-Za-z-]*-by|Cc|Link|Closes|Fixes|Message-I[dD]|Change-Id|Co-authored-by): ", re.M | re.I)


def ours(room):
    """Tracked and new files of the room, relative to the top of the repository."""
    git = Git(room.root, isolated=False)
    names = set(git.fields("ls-files", "-z", "-co", "--exclude-standard"))
    here = [n for n in names if n.startswith("qemu/") == bool(room.prefix)]
    return sorted(n for n in here if (room.root / n).is_file())


def texts(room):
    for name in ours(room):
        data = (room.root / name).read_bytes()
        if b"\0" not in data:
            yield name, data.decode("utf-8", "surrogateescape")


def _named_c(text, at):
    before = text[:at].rstrip().split("\n")
    found = re.findall(r"(\w+)\(", "\n".join(before[-6:]))
    return found[0] if len(found) == 1 else (re.findall(r"(\w+)\(", before[-1]) or found or ["?"])[0]


def functions(name, text):
    """[(function, lines of its body)] of a C, Python or shell file."""
    if name.endswith((".c", ".h", ".c.inc")):
        return [(_named_c(text, m.start()), m["body"].count("\n")) for m in C_FUNCTION.finditer(text)]
    if name.endswith(".py") or text.startswith("#!/usr/bin/python3"):
        nodes = [n for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
        return [(n.name, n.end_lineno - n.lineno) for n in nodes]
    if name.endswith(".sh") or re.match(r"#!/(usr/)?bin/(env )?(ba|da)?sh", text):
        return [(m["name"], m["body"].count("\n")) for m in SH_FUNCTION.finditer(text)]
    return []


def check_sizes(room):
    for name, text in texts(room):
        count = text.count("\n")
        if count > FILE_MAX and not name.endswith(NO_LENGTH):
            yield f"{name}: {count} lines, {FILE_MAX} allowed; way out: split it by noun"
        try:
            found = functions(name, text)
        except SyntaxError as error:
            yield f"{name}:{error.lineno}: no Python: {error.msg}; way out: mend it"
            continue
        for function, lines in found:
            if lines > FUNCTION_MAX:
                yield f"{name}: {function}(): {lines} lines, {FUNCTION_MAX} allowed; way out: split it by verb"


def check_spdx(room):
    wanted = room.licence if room.prefix else "GPL-2.0"
    for name, text in texts(room):
        head = "\n".join(text.split("\n")[:HEAD_LINES])
        if text.strip() and f"SPDX-License-Identifier: {wanted}" not in head:
            yield f"{name}: no SPDX line with {wanted} at the top; way out: add it"


def check_silence(room):
    for name, text in texts(room):
        upstream = False
        for number, line in enumerate(text.split("\n"), 1):
            # What a hunk takes away or leaves as it is are upstream's words.
            upstream = name.endswith(".patch") and (upstream or line.startswith("diff --git "))
            what = None if upstream and not line.startswith("+") else _spoken(line)
            if what:
                yield f"{name}:{number}: names {what}; way out: leave it out"


def _spoken(line):
    for found in URL.finditer(line):
        if not HOSTS_ALLOWED.search(found["host"]):
            return f"the host {found['host']}"
    for pattern, what in ((BARE_HOST, "the host"), (MACHINE_PATH, "a path of some machine:")):
        if found := pattern.search(line):
            return f"{what} {found[0]}"
    for found in MAIL.finditer(line):
        if not MAIL_ALLOWED.search(found["host"]):
            return f"the address {found[0]}"
    return None
