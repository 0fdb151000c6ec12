#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Launch digests and attestation reports of the machine against openssl and hashlib.

QEMU names the emulator; without it build/qemu/out/qemu-system-x86_64 is used.
Worked example: a guest launched from one page, its secrets and a VMSA reports
the digest that digest.py computes, under a signature that openssl accepts
with the machine's chain, and accepts no more once a single bit has changed.
"""
import hashlib
import os
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import digest  # noqa: E402
import psp  # noqa: E402

QEMU = os.environ.get("QEMU", os.path.join(HERE, "../../build/qemu/out/qemu-system-x86_64"))
CODE = bytes(range(256)) * 16
VMSA_GPA = 0xfffffffff000
MEASUREMENT, REPORT_DATA, HOST_DATA = 0x90, 0x50, 0xc0
INVALID_PARAM, BAD_MEASUREMENT = 0x16, 0x0b
RESULT_INVALID = 0x16


def launch(machine, host_data=bytes(32), **context):
    """A guest of three pages and the digest that it must have."""
    guest = psp.Guest(machine, **context)
    pages = [(digest.TYPES["normal"], 0x100000, CODE), (digest.TYPES["secrets"], 0x200000, bytes(psp.PAGE)),
             (digest.TYPES["vmsa"], VMSA_GPA, CODE[::-1])]
    value = digest.START
    for kind, gpa, content in pages:
        where = guest.update(kind, gpa, content)
        value = digest.extend(value, kind, gpa, content)
        if kind == digest.TYPES["secrets"]:
            guest.learn_keys(where)
    guest.finish(host_data)
    return guest, value


class DigestTest(unittest.TestCase):
    """The program itself, on values written out by hand."""

    def test_nothing_measures_to_zero(self):
        self.assertEqual(digest.launch([]), bytes(48))

    def test_one_zero_page(self):
        info = bytes(96) + bytes.fromhex("7000 03 00 00 00 00 00") + bytes(8)
        self.assertEqual(digest.launch(["zero:0"]), hashlib.sha384(info).digest())

    def test_order_and_address_count(self):
        self.assertNotEqual(digest.launch(["zero:0", "cpuid:0"]), digest.launch(["cpuid:0", "zero:0"]))
        self.assertNotEqual(digest.launch(["zero:0"]), digest.launch(["zero:0x1000"]))

    def test_unknown_type_is_refused(self):
        with self.assertRaisesRegex(ValueError, "TYPE"):
            digest.launch(["nothing:0"])


class LaunchTest(unittest.TestCase):
    """Every page type of a launch, against the independent program."""

    def test_each_type(self):
        for name, kind in digest.TYPES.items():
            with self.subTest(type=name), psp.Machine(QEMU) as machine:
                machine.init()
                guest = psp.Guest(machine)
                content = bytes(psp.PAGE) if name == "cpuid" else CODE
                guest.update(kind, 0x1000, content, perms=(1, 3, 15))
                secrets = guest.update(digest.TYPES["secrets"], 0x2000)
                guest.learn_keys(secrets)
                guest.finish()
                value = digest.extend(digest.START, kind, 0x1000, content, (1, 3, 15))
                value = digest.extend(value, digest.TYPES["secrets"], 0x2000)
                _, report = guest.report()
                self.assertEqual(report[MEASUREMENT:MEASUREMENT + 48].hex(), value.hex())


class LaunchedCase(unittest.TestCase):
    """A machine and a guest that it has launched; what is claimed of them is the heirs'."""

    def setUp(self):
        self.machine = psp.Machine(QEMU)
        self.addCleanup(self.machine.__exit__)
        self.machine.init()
        self.guest, _ = launch(self.machine)


class MessageTest(LaunchedCase):
    """The sealed channel: what is not sealed right is not answered."""

    def test_sequence_goes_on(self):
        self.guest.report()
        self.assertEqual(self.guest.sequence, 2)
        self.guest.report()
        self.assertEqual(self.guest.sequence, 4)

    def test_replay_is_refused(self):
        message = self.guest.seal(psp.REPORT_REQ, bytes(0x60))
        self.assertEqual(self.guest.send(message)[0], 0)
        self.assertEqual(self.guest.send(message)[0], INVALID_PARAM)

    def test_changed_message_is_refused(self):
        for offset in (psp.HEADER, 0x38, 0):
            message = bytearray(self.guest.seal(psp.REPORT_REQ, bytes(0x60)))
            message[offset] ^= 1
            self.assertEqual(self.guest.send(bytes(message))[0], BAD_MEASUREMENT)
        self.guest.report()

    def test_unknown_message_is_refused(self):
        self.assertEqual(self.guest.send(self.guest.seal(99, bytes(16)))[0], INVALID_PARAM)

    def test_more_privileged_level_is_refused(self):
        request = bytes(64) + struct.pack("<II", 0, 0) + bytes(24)
        plain = self.guest.request(psp.REPORT_REQ, request, key=1)
        self.assertEqual(struct.unpack_from("<I", plain)[0], RESULT_INVALID)

    def test_derived_key_follows_what_it_is_bound_to(self):
        def key(fields):
            plain = self.guest.request(3, struct.pack("<IIQIIQ", 0, 0, fields, 0, 0, 0))
            self.assertEqual(struct.unpack_from("<I", plain)[0], 0)
            return plain[32:64]
        self.assertEqual(key(8), key(8))
        self.assertNotEqual(key(0), key(8))


class AttestationTest(unittest.TestCase):
    """The report under the machine's chain, judged by openssl."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.dir.cleanup)
        with psp.Machine(QEMU, f",export={cls.dir.name}") as machine:
            machine.init()
            guest, cls.digest = launch(machine, host_data=bytes([7]) * 32)
            status, cls.report = guest.report(bytes(range(64)))
        assert status == 0
        subprocess.run([os.path.join(HERE, "chain"), cls.dir.name], check=True)

    def verify(self, report, *args):
        path = os.path.join(self.dir.name, "report")
        with open(path, "wb") as file:
            file.write(report)
        return subprocess.run([os.path.join(HERE, "verify"), self.dir.name, path, *args],
                              capture_output=True, text=True, check=False)

    def test_report_verifies(self):
        result = self.verify(self.report, self.digest.hex())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.report[REPORT_DATA:REPORT_DATA + 64], bytes(range(64)))
        self.assertEqual(self.report[HOST_DATA:HOST_DATA + 32], bytes([7]) * 32)

    def test_one_changed_bit_fails(self):
        for offset in (0, MEASUREMENT, 0x29f, 0x2a0, 0x2a0 + 72):
            changed = bytearray(self.report)
            changed[offset] ^= 1
            self.assertNotEqual(self.verify(bytes(changed)).returncode, 0, f"bit 0 of byte {offset:#x}")

    def test_other_digest_fails(self):
        self.assertIn("expected", self.verify(self.report, "00" * 48).stderr)

    def test_other_chip_fails(self):
        with tempfile.TemporaryDirectory() as other:
            with psp.Machine(QEMU, f",seed=another,export={other}"):
                pass
            with open(os.path.join(other, "vcek.pub"), encoding="ascii") as a, \
                    open(os.path.join(self.dir.name, "vcek.pub"), encoding="ascii") as b:
                self.assertNotEqual(a.read(), b.read())


if __name__ == "__main__":
    unittest.main()
