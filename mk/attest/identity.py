#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Identity of an SNP guest: the ID block that its owner signs, and the page with signatures and keys.

usage: identity.py DIGEST FOLDER [POLICY [SVN]]
  DIGEST is the launch digest, as measure.py prints it; the policy is QEMU's
  default, 0x30000, unless named.

FOLDER gets id-key.pem and author-key.pem, unless they are there, and id-block
and id-auth in base64. QEMU takes their content:
  -object sev-snp-guest,...,id-block=...,id-auth=...,author-key-enabled=on
Prints the SHA-384 of both public keys, which reports name.
"""
import base64
import hashlib
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

POLICY = 0x30000
PAGE, KEY = 0x1000, 0x404
CURVE_P384, ECDSA_P384_SHA384, VERSION = 2, 1, 1
# Of the page: signature of the block, ID key, its signature by the author, author key
BLOCK_SIGNATURE, ID_KEY, ID_SIGNATURE, AUTHOR_KEY = 0x40, 0x240, 0x680, 0x880
# Of a report
SVN, FAMILY, IMAGE, KEYS, ID_DIGEST, AUTHOR_DIGEST = 0x04, 0x10, 0x20, 0x48, 0xe0, 0x110


def field(number):
    """A number as the firmware has it."""
    return number.to_bytes(72, "little")


def new_key():
    return ec.generate_private_key(ec.SECP384R1())


def public_key(key):
    numbers = key.public_key().public_numbers()
    return (struct.pack("<I", CURVE_P384) + field(numbers.x) + field(numbers.y)).ljust(KEY, b"\0")


def sign(key, data):
    numbers = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA384())))
    return b"".join(field(number) for number in numbers).ljust(512, b"\0")


def make_block(digest, policy=POLICY, svn=0, family=bytes(16), image=bytes(16)):
    return digest + family + image + struct.pack("<IIQ", VERSION, svn, policy)


def make_auth(block, id_key, author):
    page = bytearray(PAGE)
    struct.pack_into("<II", page, 0, ECDSA_P384_SHA384, ECDSA_P384_SHA384)
    for offset, content in ((BLOCK_SIGNATURE, sign(id_key, block)), (ID_KEY, public_key(id_key)),
                            (ID_SIGNATURE, sign(author, public_key(id_key))), (AUTHOR_KEY, public_key(author))):
        page[offset:offset + len(content)] = content
    return page


def key_digest(key):
    return hashlib.sha384(public_key(key)).digest()


def missing_in(report, block, id_key, author):
    """What a report should say of this identity and does not."""
    fields = {"security version": (SVN, block[0x54:0x58]), "family": (FAMILY, block[0x30:0x40]), "image": (IMAGE, block[0x40:0x50]),
              "ID key": (ID_DIGEST, key_digest(id_key)), "author key": (AUTHOR_DIGEST, key_digest(author))}
    wrong = [name for name, (offset, value) in fields.items() if report[offset:offset + len(value)] != value]
    return wrong + ([] if report[KEYS] & 1 else ["bit of the author key"])


def kept_key(path):
    if path.exists():
        return serialization.load_pem_private_key(path.read_bytes(), None)
    key = new_key()
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return key


def main():
    words = sys.argv[1:]
    if not 2 <= len(words) <= 4 or len(words[0]) != 96:
        sys.exit(__doc__)
    folder = Path(words[1])
    try:
        block = make_block(bytes.fromhex(words[0]), *(int(word, 0) for word in words[2:]))
        folder.mkdir(parents=True, exist_ok=True)
        keys = [kept_key(folder / name) for name in ("id-key.pem", "author-key.pem")]
        for name, content in (("id-block", block), ("id-auth", bytes(make_auth(block, *keys)))):
            (folder / name).write_text(base64.b64encode(content).decode() + "\n", encoding="ascii")
    except (OSError, ValueError, struct.error) as error:
        sys.exit(f"identity.py: {error}")
    for name, key in zip(("ID key", "author key"), keys):
        print(f"{name} {key_digest(key).hex()}")


if __name__ == "__main__":
    main()
