#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the owner of a guest does: the SEV session with its secret, and the SNP identity block.

QEMU names the emulator, as in test_attest.py. The owner's side is written
here with python3-cryptography and hashlib, so that the machine is not tested
against itself.
"""
import hashlib
import hmac
import os
import struct
import unittest

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import digest
import identity
import psp
from test_attest import CODE, QEMU

INIT, PDH_EXPORT, ACTIVATE, START, UPDATE, MEASURE, SECRET = 0x01, 0x08, 0x21, 0x30, 0x31, 0x33, 0x34
CERT = 0x824
POLICY_FAILURE, BAD_SIGNATURE, BAD_MEASUREMENT = 0x07, 0x0a, 0x0b
DATA, HEADER, PACKET, OUT, OWNER, SESSION = 0x700000, 0x701000, 0x702000, 0x703000, 0x710000, 0x711000


def kdf(key, label, context=b""):
    message = struct.pack("<I", 1) + label + b"\0" + context + struct.pack("<I", 128)
    return hmac.digest(key, message, "sha256")[:16]


def counter_mode(key, start, data):
    cipher = Cipher(algorithms.AES(key), modes.CTR(start)).encryptor()
    return cipher.update(data) + cipher.finalize()


class SessionTest(unittest.TestCase):
    """A SEV guest whose owner agrees on keys, checks the measurement and sends a secret."""

    def setUp(self):
        self.machine = psp.Machine(QEMU)
        self.addCleanup(self.machine.__exit__)
        self.machine.must(INIT, bytes(20))
        self.tek, self.tik, self.nonce, self.iv = (os.urandom(16) for _ in range(4))
        self.owner = ec.generate_private_key(ec.SECP384R1())

    def platform_key(self):
        self.machine.must(PDH_EXPORT, struct.pack("<QIIQI", OUT, CERT, 0, OUT + CERT, 3 * CERT))
        cert = self.machine.read(OUT, CERT)
        x, y = (int.from_bytes(cert[at:at + 72], "little") for at in (0x14, 0x5c))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP384R1()).public_key()

    def session(self, policy):
        shared = self.owner.exchange(ec.ECDH(), self.platform_key())
        master = kdf(shared, b"sev-master-secret", self.nonce)
        wrapped = counter_mode(kdf(master, b"sev-kek"), self.iv, self.tek + self.tik)
        return (self.nonce + wrapped + self.iv + hmac.digest(kdf(master, b"sev-kik"), wrapped, "sha256") +
                hmac.digest(self.tik, struct.pack("<I", policy), "sha256"))

    def start(self, session, policy=0):
        cert = bytes(16) + identity.public_key(self.owner)
        self.machine.write(OWNER, cert.ljust(CERT, b"\0"))
        self.machine.write(SESSION, session)
        return self.machine.command(START, struct.pack("<IIQIIQI", 0, policy, OWNER, CERT, 0, SESSION, len(session)))

    def launch(self):
        self.assertEqual(self.start(self.session(0)), 0)
        handle = struct.unpack("<I", self.machine.read(psp.CMDBUF, 4))[0]
        self.machine.must(ACTIVATE, struct.pack("<II", handle, 100))
        self.machine.write(DATA, CODE)
        self.machine.must(UPDATE, struct.pack("<IIQI", handle, 0, DATA, len(CODE)))
        self.machine.must(MEASURE, struct.pack("<IIQI", handle, 0, OUT, 48))
        return handle, self.machine.read(OUT, 48)

    def test_measurement_is_under_the_owners_key(self):
        _, measured = self.launch()
        message = bytes((4, 1, 55, 21)) + struct.pack("<I", 0) + hashlib.sha256(CODE).digest() + measured[32:]
        self.assertEqual(measured[:32], hmac.digest(self.tik, message, "sha256"))

    def test_changed_session_is_refused(self):
        for offset, status in ((0x10, BAD_MEASUREMENT), (0x40, BAD_MEASUREMENT), (0x60, POLICY_FAILURE)):
            session = bytearray(self.session(0))
            session[offset] ^= 1
            self.assertEqual(self.start(bytes(session)), status)

    def test_other_policy_is_refused(self):
        self.assertEqual(self.start(self.session(0), policy=1), POLICY_FAILURE)

    def secret(self, handle, measured, plain):
        packet = counter_mode(self.tek, self.iv, plain)
        head = struct.pack("<I", 0) + self.iv
        sizes = struct.pack("<II", len(plain), len(packet))
        mac = hmac.digest(self.tik, b"\1" + head + sizes + packet + measured[:32], "sha256")
        self.machine.write(HEADER, head + mac)
        self.machine.write(PACKET, packet)
        return struct.pack("<IIQIIQIIQI", handle, 0, HEADER, 52, 0, DATA, len(plain), 0, PACKET, len(packet))

    def test_secret_arrives(self):
        plain = b"a secret of 32 bytes for a guest"
        buffer = self.secret(*self.launch(), plain)
        self.machine.must(SECRET, buffer)
        self.assertEqual(self.machine.read(DATA, len(plain)), plain)

    def test_changed_secret_is_refused(self):
        buffer = self.secret(*self.launch(), bytes(32))
        packet = bytearray(self.machine.read(PACKET, 32))
        packet[0] ^= 1
        self.machine.write(PACKET, bytes(packet))
        self.assertEqual(self.machine.command(SECRET, buffer), BAD_MEASUREMENT)
        self.assertEqual(self.machine.read(DATA, 32), CODE[:32])


class IdentityTest(unittest.TestCase):
    """An SNP guest with an identity block, signed by its owner and an author."""

    policy = 0x30000

    def setUp(self):
        self.machine = psp.Machine(QEMU)
        self.addCleanup(self.machine.__exit__)
        self.machine.init()
        self.guest = psp.Guest(self.machine, policy=self.policy)
        self.guest.update(1, 0x1000, CODE)
        self.guest.learn_keys(self.guest.update(5, 0x2000))
        self.value = digest.extend(digest.extend(digest.START, 1, 0x1000, CODE), 5, 0x2000)
        self.id_key, self.author = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))

    def block(self, value=None, policy=None):
        return identity.make_block(value or self.value, policy or self.policy, 9, b"F" * 16, b"I" * 16)

    def auth(self, block):
        return identity.make_auth(block, self.id_key, self.author)

    def finish(self, block, auth):
        self.machine.write(HEADER, block)
        self.machine.write(OWNER, bytes(auth))
        buffer = struct.pack("<QQQQ", self.guest.context, HEADER, OWNER, 3) + bytes(32)
        return self.machine.command(psp.LAUNCH_FINISH, buffer)

    def test_identity_is_in_the_report(self):
        block = self.block()
        self.assertEqual(self.finish(block, self.auth(block)), 0)
        report = self.guest.report()[1]
        self.assertEqual(struct.unpack_from("<I", report, 4)[0], 9)
        self.assertEqual(report[0x10:0x30], b"F" * 16 + b"I" * 16)
        self.assertEqual(report[0x48] & 1, 1)
        self.assertEqual(report[0xe0:0x110], hashlib.sha384(identity.public_key(self.id_key)).digest())
        self.assertEqual(identity.missing_in(report, block, self.id_key, self.author), [])
        self.assertEqual(identity.missing_in(report, block, self.author, self.author), ["ID key"])

    def test_other_digest_or_policy_is_refused(self):
        for block, status in ((self.block(value=bytes(48)), BAD_MEASUREMENT), (self.block(policy=0x20000), POLICY_FAILURE)):
            self.assertEqual(self.finish(block, self.auth(block)), status)

    def test_changed_signature_is_refused(self):
        for offset in (0x40, 0x88, 0x244, 0x680):
            auth = self.auth(self.block())
            auth[offset] ^= 1
            self.assertEqual(self.finish(self.block(), auth), BAD_SIGNATURE)


if __name__ == "__main__":
    unittest.main()
