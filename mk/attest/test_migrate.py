#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A SEV guest that moves from one platform to another.

Worked example: two machines with different seeds. A guest with one page is launched on the first and sent to the second;
the page arrives, and what was in between is not the page. Where the receiver is written here instead, with
python3-cryptography, the machine is not tested against itself.
"""
import hmac
import struct
import unittest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

import psp
from identity import field, public_key
from test_attest import CODE, QEMU
from test_owner import CERT, counter_mode, kdf

INIT, PDH_EXPORT, ACTIVATE, STATUS = 0x01, 0x08, 0x21, 0x23
START, UPDATE, MEASURE, FINISH = 0x30, 0x31, 0x33, 0x35
SEND_START, SEND_DATA, SEND_VMSA, SEND_FINISH, SEND_CANCEL = range(0x40, 0x45)
RECEIVE_START, RECEIVE_DATA, RECEIVE_VMSA, RECEIVE_FINISH = range(0x50, 0x54)
INVALID_GUEST_STATE, INVALID_LEN, INVALID_CERTIFICATE, POLICY_FAILURE = 0x02, 0x04, 0x06, 0x07
INACTIVE, INVALID_ADDRESS, BAD_MEASUREMENT, INVALID_PARAM = 0x08, 0x09, 0x0b, 0x16
RUNNING, SUPDATE, RUPDATE, SENT = 3, 4, 5, 6
NODBG, ES, NOSEND, DOMAIN = 1, 4, 8, 16
DATA, HEADER, PACKET, OUT, PEER, CHAIN, SESSION = range(0x700000, 0x770000, 0x10000)
HEADER_SIZE, SESSION_SIZE = 52, 128
OCA, PEK, PDH, CEK, NOBODY = 0x1001, 0x1002, 0x1003, 0x1004, 0x1000


def handle_only(handle):
    return struct.pack("<I", handle)


def update_buffer(handle, length, header=HEADER_SIZE, packet=None, guest=DATA):
    return struct.pack("<IIQIIQIIQI", handle, 0, HEADER, header, 0, guest, length, 0, PACKET,
                       length if packet is None else packet)


class Platform:
    """One machine, and the guest that it has."""

    def __init__(self, test, seed, asid=100):
        self.machine = psp.Machine(QEMU, f",seed={seed}")
        test.addCleanup(self.machine.__exit__)
        self.asid = asid
        # ES guests want a trusted memory region
        self.machine.must(INIT, struct.pack("<IIQI", 1, 0, 0x800000, 0x100000))

    def certificates(self):
        self.machine.must(PDH_EXPORT, struct.pack("<QIIQI", OUT, CERT, 0, OUT + CERT, 3 * CERT))
        return self.machine.read(OUT, CERT), self.machine.read(OUT + CERT, 3 * CERT)

    def activate(self, policy=0):
        self.machine.must(ACTIVATE, struct.pack("<II", self.handle, 1 if policy & ES else self.asid))

    def start(self, command, policy, pdh=b"", session=b""):
        self.machine.write(PEER, pdh or bytes(1))
        self.machine.write(SESSION, session or bytes(1))
        status = self.machine.command(command, struct.pack("<IIQIIQI", 0, policy, PEER, len(pdh), 0, SESSION, len(session)))
        self.handle = struct.unpack("<I", self.machine.read(psp.CMDBUF, 4))[0]
        return status

    def launch(self, policy=0):
        assert not self.start(START, policy)
        self.activate(policy)
        self.machine.write(DATA, CODE)
        self.machine.must(UPDATE, struct.pack("<IIQI", self.handle, 0, DATA, len(CODE)))
        self.machine.must(MEASURE, struct.pack("<IIQI", self.handle, 0, OUT, 48))
        self.machine.must(FINISH, handle_only(self.handle))

    def state(self):
        self.machine.must(STATUS, struct.pack("<IIIB", self.handle, 0, 0, 0))
        return self.machine.read(psp.CMDBUF + 12, 1)[0]

    def command(self, number):
        return self.machine.command(number, handle_only(self.handle))

    def send_start(self, pdh, chain, session=SESSION_SIZE):
        self.machine.write(PEER, pdh)
        self.machine.write(CHAIN, chain)
        return self.machine.command(SEND_START, struct.pack("<IIQIIQIIQIIQI", self.handle, 0, PEER, len(pdh), 0,
                                                            CHAIN, len(chain), 0, 0, 0, 0, SESSION, session))

    def session(self):
        return self.machine.read(SESSION, SESSION_SIZE)

    def packet(self, command=SEND_DATA, length=len(CODE)):
        self.machine.must(command, update_buffer(self.handle, length))
        return self.machine.read(HEADER, HEADER_SIZE), self.machine.read(PACKET, length)

    def receive(self, header, packet, command=RECEIVE_DATA):
        self.machine.write(HEADER, header)
        self.machine.write(PACKET, packet)
        return self.machine.command(command, update_buffer(self.handle, len(packet)))


class MoveTest(unittest.TestCase):
    """From machine to machine."""

    def setUp(self):
        self.source, self.target = Platform(self, "source"), Platform(self, "target")

    def begin(self, policy=0):
        """Everything up to the first packet."""
        self.source.launch(policy)
        self.assertEqual(self.source.send_start(*self.target.certificates()), 0)
        self.own_pdh = self.source.certificates()[0]
        self.assertEqual(self.target.start(RECEIVE_START, policy, self.own_pdh, self.source.session()), 0)

    def test_guest_arrives(self):
        self.begin()
        self.assertEqual((self.source.state(), self.target.state()), (SUPDATE, RUPDATE))
        self.target.activate()
        header, packet = self.source.packet()
        self.assertNotEqual(packet, CODE)
        self.assertEqual(self.target.receive(header, packet), 0)
        self.assertEqual(self.target.machine.read(DATA, len(CODE)), CODE)
        self.assertEqual((self.source.command(SEND_FINISH), self.target.command(RECEIVE_FINISH)), (0, 0))
        self.assertEqual((self.source.state(), self.target.state()), (SENT, RUNNING))

    def test_encrypted_state_arrives_as_such_alone(self):
        self.begin(policy=ES)
        self.target.activate(ES)
        packet = self.source.packet(SEND_VMSA)
        self.assertEqual(self.target.receive(*packet), BAD_MEASUREMENT)
        self.assertEqual(self.target.receive(*packet, command=RECEIVE_VMSA), 0)
        self.assertEqual(self.target.machine.read(DATA, len(CODE)), CODE)

    def test_changed_packet_is_refused(self):
        self.begin()
        self.target.activate()
        header, packet = self.source.packet()
        self.target.machine.write(DATA, bytes(len(CODE)))
        for at, status in ((0, INVALID_PARAM), (4, BAD_MEASUREMENT), (51, BAD_MEASUREMENT)):
            broken = bytearray(header)
            broken[at] ^= 1
            self.assertEqual(self.target.receive(bytes(broken), packet), status)
        self.assertEqual(self.target.receive(header, bytes([packet[0] ^ 1]) + packet[1:]), BAD_MEASUREMENT)
        self.assertEqual(self.target.machine.read(DATA, len(CODE)), bytes(len(CODE)))

    def test_session_is_for_one_platform_and_policy(self):
        self.begin()
        session = self.source.session()
        other = Platform(self, "third")
        self.assertEqual(other.start(RECEIVE_START, 0, self.own_pdh, session), BAD_MEASUREMENT)
        self.assertEqual(self.target.start(RECEIVE_START, NODBG, self.own_pdh, session), POLICY_FAILURE)
        self.assertEqual(self.target.start(RECEIVE_START, 0, self.own_pdh, b""), INVALID_LEN)

    def test_received_guest_has_no_other_states(self):
        self.begin()
        self.assertEqual(self.target.receive(bytes(HEADER_SIZE), CODE), INACTIVE)
        self.target.activate()
        for command in (FINISH, SEND_FINISH, SEND_CANCEL):
            self.assertEqual(self.target.command(command), INVALID_GUEST_STATE)
        self.assertEqual(self.source.command(RECEIVE_FINISH), INVALID_GUEST_STATE)


class SendTest(unittest.TestCase):
    """What the sender checks and answers, by a receiver that is written here."""

    def setUp(self):
        self.source = Platform(self, "source")
        self.keys = {usage: ec.generate_private_key(ec.SECP384R1()) for usage in (PDH, PEK, OCA, CEK)}

    def certificate(self, usage, signers, key=None):
        body = struct.pack("<IBBHII", 1, 1, 55, 0, usage, 3 if usage == PDH else 2) + public_key(key or self.keys[usage])
        body = body.ljust(0x414, b"\0")
        for signer in (signers + (NOBODY, NOBODY))[:2]:
            value = b""
            if signer != NOBODY:
                numbers = decode_dss_signature(self.keys[signer].sign(body[:0x414], ec.ECDSA(hashes.SHA256())))
                value = b"".join(field(n) for n in numbers)
            body += struct.pack("<II", signer, 2 if value else 0) + value.ljust(512, b"\0")
        return body

    def peer(self):
        return self.certificate(PDH, (PEK,)), b"".join((
            self.certificate(PEK, (OCA, CEK)), self.certificate(OCA, (OCA,)), self.certificate(CEK, ())))

    def test_keys_and_packet(self):
        self.source.launch()
        self.assertEqual(self.source.send_start(*self.peer()), 0)
        session = self.source.session()
        x, y = (int.from_bytes(self.source.certificates()[0][at:at + 72], "little") for at in (0x14, 0x5c))
        sender = ec.EllipticCurvePublicNumbers(x, y, ec.SECP384R1()).public_key()
        master = kdf(self.keys[PDH].exchange(ec.ECDH(), sender), b"sev-master-secret", session[:16])
        wrapped, start = session[16:48], session[48:64]
        self.assertEqual(session[64:96], hmac.digest(kdf(master, b"sev-kik"), wrapped, "sha256"))
        keys = counter_mode(kdf(master, b"sev-kek"), start, wrapped)
        tek, tik = keys[:16], keys[16:]
        self.assertEqual(session[96:], hmac.digest(tik, struct.pack("<I", 0), "sha256"))
        header, packet = self.source.packet()
        sizes = struct.pack("<II", len(CODE), len(CODE))
        self.assertEqual(header[20:], hmac.digest(tik, b"\2" + header[:20] + sizes + packet, "sha256"))
        self.assertEqual(counter_mode(tek, header[4:20], packet), CODE)
        # Another packet of the same page is another packet
        self.assertNotEqual(self.source.packet()[1], packet)

    def test_broken_chain_is_refused(self):
        self.source.launch()
        pdh, chain = self.peer()
        for at in (0x14, 0x41c, CERT + 0x14, CERT + 0x41c, CERT + 0x624, 2 * CERT + 0x41c, 3 * CERT + 0x14):
            both = bytearray(pdh + chain)
            both[at] ^= 1
            self.assertEqual(self.source.send_start(bytes(both[:CERT]), bytes(both[CERT:])), INVALID_CERTIFICATE, hex(at))
        self.assertEqual(self.source.state(), RUNNING)

    def test_policies(self):
        self.source.launch(NOSEND)
        self.assertEqual(self.source.send_start(*self.peer()), POLICY_FAILURE)
        self.source.asid += 1
        self.source.launch(DOMAIN)
        self.assertEqual(self.source.send_start(*self.peer()), POLICY_FAILURE)
        # The same seed is the same owner
        self.assertEqual(self.source.send_start(*self.source.certificates()), 0)

    def test_lengths_are_answered(self):
        self.source.launch()
        self.assertEqual(self.source.send_start(*self.peer(), session=0), INVALID_LEN)
        self.assertEqual(struct.unpack("<I", self.source.machine.read(psp.CMDBUF + 64, 4))[0], SESSION_SIZE)
        self.assertEqual(self.source.send_start(self.peer()[0], b"\0"), INVALID_LEN)
        self.source.send_start(*self.peer())
        self.assertEqual(self.source.machine.command(SEND_DATA, update_buffer(self.source.handle, 64, 0, 0)), INVALID_LEN)
        at = (psp.CMDBUF + 16, psp.CMDBUF + 48)
        self.assertEqual([struct.unpack("<I", self.source.machine.read(a, 4))[0] for a in at], [HEADER_SIZE, 64])

    def test_operands(self):
        self.source.launch()
        self.source.send_start(*self.peer())
        handle = self.source.handle
        for buffer, status in ((update_buffer(handle, 15), INVALID_LEN), (update_buffer(handle, 0x4010), INVALID_LEN),
                               (update_buffer(handle, 16, guest=DATA + 8), INVALID_ADDRESS),
                               (update_buffer(handle, 16, guest=1 << 45), INVALID_ADDRESS),
                               (update_buffer(handle, 16), 0)):
            self.assertEqual(self.source.machine.command(SEND_DATA, buffer), status)
        self.assertEqual(self.source.machine.command(SEND_VMSA, update_buffer(handle, psp.PAGE)), POLICY_FAILURE)

    def test_cancel(self):
        self.source.launch()
        self.assertEqual(self.source.command(SEND_CANCEL), INVALID_GUEST_STATE)
        self.assertEqual(self.source.send_start(*self.peer()), 0)
        self.assertEqual(self.source.send_start(*self.peer()), INVALID_GUEST_STATE)
        self.assertEqual(self.source.command(SEND_CANCEL), 0)
        self.assertEqual(self.source.state(), RUNNING)
        self.assertEqual(self.source.machine.command(SEND_DATA, update_buffer(self.source.handle, 16)), INVALID_GUEST_STATE)


if __name__ == "__main__":
    unittest.main()
