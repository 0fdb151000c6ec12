#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Launch digest of an SNP guest that QEMU starts from an OVMF image.

usage: measure.py OVMF CPUS SIGNATURE [KERNEL INITRD APPEND]
  SIGNATURE is EAX of the guest's CPUID leaf 1; with the last three the digest
  is that of kernel-hashes=on.

The firmware is measured first, then the pages that its own table names, in
that order, then the first state of each processor. Prints the digest as 96
hexadecimal digits.
"""
import hashlib
import struct
import sys
import uuid
from pathlib import Path

import digest

FOUR_GIB = 1 << 32
VMSA_GPA = 0xfffffffff000
# Tables at the end of the image, see OvmfPkg's ResetVector
FOOTER, METADATA, RESET, HASHES = (uuid.UUID(text).bytes_le for text in (
    "96b582de-1fb2-45f7-baea-a366c55a082d", "dc886566-984a-4798-a75e-5585a7bf67cc",
    "00f771de-1a7e-4fcb-890e-68c77e2fb44e", "7255371f-3a3b-4b04-927b-1da6efa8d454"))
HASH_TABLE, HASH_CMDLINE, HASH_INITRD, HASH_KERNEL = (uuid.UUID(text).bytes_le for text in (
    "9438d606-4f22-4cc9-b479-a793d411fd21", "97d02dd8-bd20-4c94-aa78-e7714d36ab2a",
    "44baf731-3a2f-4bd7-9af1-41e29169781d", "4de79437-abd2-427f-b835-d5b172d2045b"))
SECTIONS = {2: "secrets", 3: "cpuid"}
SECTION_HASHES = 0x10
FROM_END = 32                   # the footer ends there
HEAD = 18                       # length and name, behind an entry's data


def tables(image):
    """{name: data} of what stands in front of the footer."""
    end = len(image) - FROM_END
    size, name = struct.unpack_from("<H16s", image, end - HEAD)
    if name != FOOTER:
        raise ValueError("no table at the end of the image: this is no OVMF")
    found, at = {}, end - HEAD
    while at > end - size:
        length, name = struct.unpack_from("<H16s", image, at - HEAD)
        if not HEAD <= length <= size:
            raise ValueError(f"an entry of {length} bytes in the table of the image")
        found[name] = image[at - length:at - HEAD]
        at -= length
    return found


def sections(image, table):
    """(gpa, size, type) of each part that is prepared for the firmware."""
    if METADATA not in table:
        raise ValueError("the image has no description of an SNP launch")
    at = len(image) - struct.unpack("<I", table[METADATA])[0]
    mark, _, version, count = struct.unpack_from("<4sIII", image, at)
    if (mark, version) != (b"ASEV", 1):
        raise ValueError(f"description {mark} {version} of an SNP launch is not known")
    return [struct.unpack_from("<III", image, at + 16 + 12 * number) for number in range(count)]


def hash_page(table, words):
    """The page with the hashes of kernel, initrd and command line; `words` are these three."""
    kernel, initrd, append = words
    entries = b"".join(name + struct.pack("<H", 50) + hashlib.sha256(data).digest() for name, data in (
        (HASH_CMDLINE, append.encode() + b"\0"), (HASH_INITRD, initrd), (HASH_KERNEL, kernel)))
    base, size = struct.unpack("<II", table[HASHES])
    content = HASH_TABLE + struct.pack("<H", HEAD + len(entries)) + entries
    if len(content) > size:
        raise ValueError("the image has too little room for hashes")
    return content.rjust(base % digest.PAGE + len(content), b"\0").ljust(digest.PAGE, b"\0")


def vmsa(rip, signature):
    """A processor after reset, with its first instruction at `rip`, as KVM hands it to the firmware."""
    page = bytearray(digest.PAGE)

    def segment(offset, attributes, selector=0, base=0):
        struct.pack_into("<HHIQ", page, offset, selector, attributes, 0xffff, base)

    for offset in (0x00, 0x20, 0x30, 0x40, 0x50):       # ES, SS, DS, FS, GS
        segment(offset, 0x93)
    segment(0x10, 0x9b, 0xf000, rip & 0xffff0000)
    for offset, attributes in ((0x60, 0), (0x70, 0x82), (0x80, 0), (0x90, 0x8b)):       # GDTR, LDTR, IDTR, TR
        segment(offset, attributes)
    for offset, value in ((0xd0, 0x1000),               # EFER.SVME
                          (0x148, 0x40), (0x158, 0x10),  # CR4.MCE, CR0.ET
                          (0x160, 0x400), (0x168, 0xffff0ff0),  # DR7, DR6
                          (0x170, 2), (0x178, rip & 0xffff),    # RFLAGS, RIP
                          (0x268, 0x7040600070406),     # PAT
                          (0x310, signature),           # RDX
                          (0x3b0, 1), (0x3e8, 1)):      # SNP among the features, XCR0
        struct.pack_into("<Q", page, offset, value)
    struct.pack_into("<I", page, 0x408, 0x1f80)         # MXCSR
    struct.pack_into("<H", page, 0x410, 0x37f)          # FCW
    return bytes(page)


def pages(image, hashes):
    """(kind, gpa, content) of what QEMU passes on, in its order."""
    table, types = tables(image), digest.TYPES
    base = FOUR_GIB - len(image)
    for offset in range(0, len(image), digest.PAGE):
        yield types["normal"], base + offset, image[offset:offset + digest.PAGE]
    for start, size, kind in sections(image, table):
        for gpa in range(start, start + size, digest.PAGE):
            if kind == SECTION_HASHES and hashes:
                yield types["normal"], gpa, hash_page(table, hashes)
            else:
                yield types[SECTIONS.get(kind, "zero")], gpa, b""


def launch(image, cpus, signature, hashes=None):
    """The digest; `hashes` are kernel, initrd and command line."""
    value = digest.START
    for kind, gpa, content in pages(image, hashes):
        value = digest.extend(value, kind, gpa, content)
    others = struct.unpack("<I", tables(image)[RESET])[0]
    for number in range(cpus):
        state = vmsa(others if number else 0xfffffff0, signature)
        value = digest.extend(value, digest.TYPES["vmsa"], VMSA_GPA, state)
    return value


def main():
    words = sys.argv[1:]
    if len(words) not in (3, 6):
        sys.exit(__doc__)
    try:
        hashes = (Path(words[3]).read_bytes(), Path(words[4]).read_bytes(), words[5]) if words[3:] else None
        print(launch(Path(words[0]).read_bytes(), int(words[1]), int(words[2], 0), hashes).hex())
    except (OSError, ValueError, struct.error) as error:
        sys.exit(f"measure.py: {error}")


if __name__ == "__main__":
    main()
