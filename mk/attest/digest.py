#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Launch digest of an SNP guest, computed without the machine.

usage: digest.py PAGE...
  PAGE is TYPE:GPA[:FILE[:VMPL1,VMPL2,VMPL3]] in the order of the launch.
  TYPE is normal, vmsa, zero, unmeasured, secrets or cpuid; GPA is hexadecimal
  or decimal; FILE is needed for normal and vmsa, and is split into pages of
  4 KiB with consecutive addresses; the permissions default to 0,0,0.

Prints the digest as 96 hexadecimal digits.

Worked example: no page at all gives 48 zero bytes; one zero page at address 0
gives sha384(48 zero bytes | 48 zero bytes | 70 00 | 03 | 00 * 5 | 00 * 8).
"""
import hashlib
import struct
import sys

PAGE = 4096
INFO_SIZE = 0x70
TYPES = {"normal": 1, "vmsa": 2, "zero": 3, "unmeasured": 4, "secrets": 5, "cpuid": 6}
HASHED = {TYPES["normal"], TYPES["vmsa"]}
START = bytes(48)


def extend(digest, kind, gpa, content=b"", perms=(0, 0, 0), imi=0):
    """The digest after one more page of 4 KiB."""
    contents = hashlib.sha384(content).digest() if kind in HASHED else bytes(48)
    vmpl1, vmpl2, vmpl3 = perms
    tail = struct.pack("<HBBBBBBQ", INFO_SIZE, kind, imi, vmpl3, vmpl2, vmpl1, 0, gpa)
    info = digest + contents + tail
    assert len(info) == INFO_SIZE
    return hashlib.sha384(info).digest()


def pages(spec):
    """The (kind, gpa, content, perms) of each 4 KiB page that an argument names."""
    word = spec.split(":")
    if len(word) < 2 or word[0] not in TYPES:
        raise ValueError(f"'{spec}' is not TYPE:GPA[:FILE[:PERMS]], TYPE one of {', '.join(TYPES)}")
    kind, gpa = TYPES[word[0]], int(word[1], 0)
    perms = tuple(int(p, 0) for p in word[3].split(",")) if len(word) > 3 else (0, 0, 0)
    if kind not in HASHED:
        yield kind, gpa, b"", perms
        return
    if len(word) < 3:
        raise ValueError(f"'{spec}' needs a FILE: its pages are hashed")
    with open(word[2], "rb") as file:
        data = file.read()
    if not data or len(data) % PAGE:
        raise ValueError(f"{word[2]}: {len(data)} bytes are not a multiple of {PAGE}")
    for offset in range(0, len(data), PAGE):
        yield kind, gpa + offset, data[offset:offset + PAGE], perms


def launch(specs):
    """The digest of a whole launch."""
    digest = START
    for spec in specs:
        for kind, gpa, content, perms in pages(spec):
            digest = extend(digest, kind, gpa, content, perms)
    return digest


def main():
    if len(sys.argv) > 1 and sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return
    try:
        print(launch(sys.argv[1:]).hex())
    except (OSError, ValueError) as error:
        sys.exit(f"digest.py: {error}")


if __name__ == "__main__":
    main()
