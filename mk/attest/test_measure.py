#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The programs of a guest's owner, without the machine: the launch digest from a firmware image, the ID block from the digest.

Worked example: an image of one page whose table names a secrets page and a
zero page, started with two processors.
"""
import base64
import hashlib
import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import digest  # noqa: E402
import identity  # noqa: E402
import measure  # noqa: E402

SIGNATURE, OTHERS = 0xa00f11, 0x80b004


def entry(name, data):
    return data + struct.pack("<H16s", len(data) + 18, name)


def image(mark=b"ASEV", footer=measure.FOOTER, sections=((0x2000, 0x1000, 2), (0x3000, 0x1000, 1))):
    """One page: a description of the launch at its start, the table in front of its last 32 bytes."""
    described = struct.pack("<4sIII", mark, 16 + 12 * len(sections), 1, len(sections)) + b"".join(struct.pack("<III", *s) for s in sections)
    entries = (entry(measure.RESET, struct.pack("<I", OTHERS)) + entry(measure.METADATA, struct.pack("<I", digest.PAGE)) +
               entry(measure.HASHES, struct.pack("<II", 0x4c00, 0x400)))
    table = entries + struct.pack("<H16s", len(entries) + 18, footer)
    return described.ljust(digest.PAGE - 32 - len(table), b"\0") + table + bytes(32)


class MeasureTest(unittest.TestCase):
    def test_worked_example(self):
        wanted = digest.extend(digest.START, 1, 0xfffff000, image())
        wanted = digest.extend(digest.extend(wanted, 5, 0x2000), 3, 0x3000)
        wanted = digest.extend(wanted, 2, measure.VMSA_GPA, measure.vmsa(0xfffffff0, SIGNATURE))
        wanted = digest.extend(wanted, 2, measure.VMSA_GPA, measure.vmsa(OTHERS, SIGNATURE))
        self.assertEqual(measure.launch(image(), 2, SIGNATURE), wanted)

    def test_first_instruction(self):
        state = measure.vmsa(OTHERS, SIGNATURE)
        self.assertEqual(struct.unpack_from("<HHIQ", state, 0x10), (0xf000, 0x9b, 0xffff, 0x800000))
        self.assertEqual(struct.unpack_from("<Q", state, 0x178)[0], 0xb004)

    def test_hashes_of_what_is_booted(self):
        with_hashes = image(sections=((0x4000, 0x1000, 0x10),))
        kernel, initrd, append = b"kernel", b"initrd", "append"
        page = measure.hash_page(measure.tables(with_hashes), (kernel, initrd, append))
        self.assertEqual(page.find(measure.HASH_TABLE), 0xc00)
        self.assertEqual(struct.unpack_from("<H", page, 0xc10)[0], 18 + 3 * 50)
        for data in (kernel, initrd, b"append\0"):
            self.assertIn(hashlib.sha256(data).digest(), page)
        values = {measure.launch(with_hashes, 1, SIGNATURE, words) for words in
                  (None, (kernel, initrd, append), (kernel, initrd, append + " "), (kernel, initrd + b" ", append))}
        self.assertEqual(len(values), 4)

    def test_everything_counts(self):
        values = {measure.launch(image(), *words) for words in ((1, SIGNATURE), (2, SIGNATURE), (1, SIGNATURE + 1))}
        self.assertEqual(len(values), 3)

    def test_what_is_no_firmware_is_refused(self):
        for content, word in ((bytes(digest.PAGE), "no table"), (image(mark=b"TDVF"), "not known"), (image(footer=bytes(16)), "no table")):
            with self.assertRaisesRegex(ValueError, word):
                measure.launch(content, 1, SIGNATURE)


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_program(self, name, *words):
        return subprocess.run([HERE / name, *words], capture_output=True, text=True, check=False)

    def test_measure_and_sign(self):
        firmware = self.folder / "firmware"
        firmware.write_bytes(image())
        measured = self.run_program("measure.py", firmware, "2", hex(SIGNATURE)).stdout.strip()
        self.assertEqual(measured, measure.launch(image(), 2, SIGNATURE).hex())
        first, second = (self.run_program("identity.py", measured, self.folder / "out", "0x30000", "5").stdout for _ in range(2))
        self.assertEqual(first, second)
        self.assertIn("ID key ", first)
        block = base64.b64decode((self.folder / "out/id-block").read_text())
        self.assertEqual(block, identity.make_block(bytes.fromhex(measured), 0x30000, 5))
        self.assertEqual(len(base64.b64decode((self.folder / "out/id-auth").read_text())), identity.PAGE)
        self.assertEqual(os.stat(self.folder / "out/id-key.pem").st_mode & 0o777, 0o600)

    def test_wrong_words_are_refused(self):
        for name, words in (("measure.py", ("/nonexistent", "1", "0")), ("measure.py", ("1",)), ("identity.py", ("abc", self.folder)),
                            ("identity.py", ("x" * 96, self.folder))):
            self.assertEqual(self.run_program(name, *words).returncode, 1)


if __name__ == "__main__":
    unittest.main()
