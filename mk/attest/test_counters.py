#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The machine's counters, as the host reads them in the firmware device and as QMP tells them; faults that the host arms there.

Worked example: three commands, one of them unknown: psp-command is 3 and psp-command-fail 1, on both ways.
"""
import os
import re
import struct
import unittest

import psp
from test_attest import QEMU

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../qemu/include/hw/i386/snp-host.h")
WINDOW, INJECT, PLATFORM_STATUS, UNKNOWN = 0x30000, 0x800, 0x04, 0x7ff
BUSY = 0x19


def names(what="COUNTERS"):
    """In the order of the window, from the list that the specification refers to."""
    with open(HEADER, encoding="utf-8") as file:
        listed = re.search(rf"#define SNP_{what}\(X\)(.*?)\n\n", file.read(), re.S)[1]
    return re.findall(r'"([a-z0-9-]+)"', listed)


class CounterTest(unittest.TestCase):
    def setUp(self):
        self.machine = psp.Machine(QEMU)
        self.addCleanup(self.machine.__exit__)

    def window(self):
        magic, count = struct.unpack("<II", self.machine.read(psp.BAR + WINDOW, 8))
        self.assertEqual((magic, count), (0x43504e53, len(names())))
        return dict(zip(names(), struct.unpack(f"<{count}Q", self.machine.read(psp.BAR + WINDOW + 8, 8 * count))))

    def by_qmp(self):
        listed = [entry["name"] for entry in self.machine.qmp("qom-list", path="/machine/snp-host") if entry["type"] == "uint64"]
        return {name: self.machine.qmp("qom-get", path="/machine/snp-host", property=name) for name in listed}

    def test_commands_are_counted(self):
        self.assertEqual(set(self.window().values()), {0})
        for command in (PLATFORM_STATUS, PLATFORM_STATUS, UNKNOWN):
            self.machine.command(command, bytes(12))
        found = self.window()
        self.assertEqual((found["psp-command"], found["psp-command-fail"]), (3, 1))
        self.assertEqual(self.by_qmp(), found)

    def test_faults_are_armed(self):
        """The second of the commands that match fails, once."""
        at = psp.BAR + WINDOW + INJECT + 16 * names("INJECTS").index("psp-status")
        self.machine.write(at, struct.pack("<4I", 1, 1, PLATFORM_STATUS, BUSY))
        status = [self.machine.command(PLATFORM_STATUS, bytes(12)) for _ in range(3)]
        self.assertEqual(status, [0, BUSY, 0])
        self.assertEqual(struct.unpack("<4I", self.machine.read(at, 16)), (0, 0, PLATFORM_STATUS, BUSY))
        self.assertEqual(self.window()["injected"], 1)

    def test_nothing_else_is_written(self):
        self.machine.write(psp.BAR + WINDOW + 8, bytes([255] * 16))
        self.assertEqual(set(self.window().values()), {0})


if __name__ == "__main__":
    unittest.main()
