#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Guest pages that move, and that leave memory and come back.

Worked example: a page of a running guest is swapped out; what the host then
holds is not the page, and not even the host can bring back a changed copy.
"""
import struct
import time
import unittest

import psp
from test_attest import CODE, QEMU, LaunchedCase, launch

SWAP_OUT, SWAP_IN, MOVE, MD_INIT, DECOMMISSION = 0xc0, 0xc1, 0xc2, 0xc3, 0x90
ASSIGNED, IMMUTABLE, VALIDATED = 1, 4, 1 << 62
BAD_MEASUREMENT, PAGE_SIZE, PAGE_STATE, MDATA_ENTRY, PAGE_OWNER = 0x0b, 0x19, 0x1a, 0x1b, 0x1c
GPA = 0x300000
SOURCE, COPY, METADATA, HOME = 0x21000000, 0x21001000, 0x21002000, 0x21003000


class PageTest(LaunchedCase):
    """A running guest with one page in the Pre-Swap state and a metadata page."""

    def setUp(self):
        super().setUp()
        self.pre_guest = ASSIGNED | IMMUTABLE | self.guest.asid << 51 | GPA
        self.machine.rmp(SOURCE, self.pre_guest | VALIDATED)
        self.machine.write(SOURCE, CODE)
        self.machine.rmp(COPY, psp.FIRMWARE)
        self.machine.rmp(METADATA, psp.FIRMWARE)
        self.machine.must(MD_INIT, struct.pack("<QQ", self.guest.context, METADATA))
        self.machine.rmp(HOME, self.pre_guest)

    def entry(self, spa):
        return struct.unpack("<Q", self.machine.read(psp.RMP + spa // psp.PAGE * 16, 8))[0]

    def swap(self, command, source, target, metadata=METADATA, flags=0):
        buffer = struct.pack("<QQQQQQ", self.guest.context, source, target, metadata, 0x55, flags)
        return self.machine.command(command, buffer)

    def test_out_and_in(self):
        self.assertEqual(self.swap(SWAP_OUT, SOURCE, COPY), 0)
        self.assertNotEqual(self.machine.read(COPY, psp.PAGE), CODE)
        self.assertEqual(struct.unpack("<Q", self.machine.read(METADATA, 8))[0], 0x55)
        self.assertEqual(self.swap(SWAP_IN, COPY, HOME), 0)
        self.assertEqual(self.machine.read(HOME, psp.PAGE), CODE)
        self.assertEqual(self.entry(HOME), self.pre_guest | VALIDATED)

    def test_metadata_serves_once(self):
        self.swap(SWAP_OUT, SOURCE, COPY)
        self.assertEqual(self.swap(SWAP_IN, COPY, HOME), 0)
        self.machine.rmp(HOME, self.pre_guest)
        self.assertEqual(self.swap(SWAP_IN, COPY, HOME), MDATA_ENTRY)

    def test_changed_copy_is_refused(self):
        self.swap(SWAP_OUT, SOURCE, COPY)
        self.machine.write(COPY, bytes([self.machine.read(COPY, 1)[0] ^ 1]))
        self.assertEqual(self.swap(SWAP_IN, COPY, HOME), BAD_MEASUREMENT)
        self.assertEqual(self.entry(HOME), self.pre_guest)

    def test_other_address_is_refused(self):
        self.swap(SWAP_OUT, SOURCE, COPY)
        self.machine.rmp(HOME, self.pre_guest + psp.PAGE)
        self.assertEqual(self.swap(SWAP_IN, COPY, HOME), MDATA_ENTRY)

    def test_states_and_owners_of_a_swap(self):
        self.assertEqual(self.swap(SWAP_OUT, SOURCE, HOME), PAGE_STATE)
        self.assertEqual(self.swap(SWAP_OUT, SOURCE, COPY, metadata=COPY), PAGE_STATE)
        self.assertEqual(self.swap(SWAP_OUT, COPY, COPY), PAGE_STATE)
        self.machine.rmp(SOURCE, self.pre_guest + (1 << 51))
        self.assertEqual(self.swap(SWAP_OUT, SOURCE, COPY), PAGE_OWNER)
        self.machine.rmp(SOURCE, self.pre_guest & ~IMMUTABLE)
        self.assertEqual(self.swap(SWAP_OUT, SOURCE, COPY), PAGE_STATE)

    def move(self, source, target, flags=0):
        return self.machine.command(MOVE, struct.pack("<QQQQ", self.guest.context, flags, source, target))

    def test_move_takes_content_and_state_along(self):
        self.assertEqual(self.move(SOURCE, COPY), 0)
        self.assertEqual(self.machine.read(COPY, psp.PAGE), CODE)
        self.assertEqual(self.entry(COPY), self.pre_guest | VALIDATED)
        self.assertEqual(self.entry(SOURCE), psp.FIRMWARE)

    def test_moved_context_still_works(self):
        self.assertEqual(self.move(self.guest.context, COPY), 0)
        self.guest.context = COPY
        self.assertEqual(self.guest.report()[0], 0)
        self.machine.must(DECOMMISSION, struct.pack("<Q", COPY))

    def test_refused_moves(self):
        self.assertEqual(self.move(SOURCE, HOME), PAGE_STATE)
        self.assertEqual(self.move(SOURCE, COPY, flags=1), PAGE_SIZE)
        self.machine.rmp(SOURCE, self.pre_guest & ~IMMUTABLE)
        self.assertEqual(self.move(SOURCE, COPY), PAGE_STATE)


class ResetTest(unittest.TestCase):
    """A machine with ciphertext is reset while a guest runs."""

    def test_reset_leaves_ciphertext(self):
        machine = psp.Machine(QEMU, machine=",x-snp-crypt=on")
        self.addCleanup(machine.__exit__)
        machine.init()
        guest, _ = launch(machine)
        mine, other = guest.next_page - psp.PAGE, 0x30000000
        machine.write(other, CODE)
        content = machine.read(mine, psp.PAGE)
        machine.qmp("system_reset")
        deadline = time.monotonic() + 60
        while machine.read(mine, psp.PAGE) == content:
            self.assertLess(time.monotonic(), deadline, "the guest's page is as it was")
            time.sleep(0.1)
        self.assertEqual(machine.read(other, psp.PAGE), CODE)


if __name__ == "__main__":
    unittest.main()
