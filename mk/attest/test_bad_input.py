#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Wrong options and wrong commands: a message that names the fault, or the firmware's status, and never an abort.

Worked example: -m 2G leaves no RAM above 4G, so the RMP has no place: QEMU ends with status 1 and says so. With -m 4G the
same command line starts.
"""
import json
import struct
import subprocess
import tempfile
import unittest

import psp
from test_attest import QEMU

HOST = "q35,x-snp-host=on"
TWO_NODES = ["-object", "memory-backend-ram,id=a,size=2560M", "-object", "memory-backend-ram,id=b,size=2560M",
             "-numa", "node,memdev=a", "-numa", "node,memdev=b"]
INVALID_COMMAND, INVALID_ADDRESS, UNSUPPORTED = 0x11, 0x09, 0x15

# What is wrong, the arguments, what the message must name
REFUSED = (
    ("no RAM above 4G", HOST, ["-m", "2G"], "RAM above 4G"),
    ("less RAM above 4G than the RMP takes", HOST + ",max-ram-below-4g=2G", ["-m", "2056M"], "the RMP needs"),
    ("the RMP on no border of 2M", HOST, ["-m", "4097M"], "multiple of 2 MiB"),
    ("a layout that is not one", HOST + ",x-snp-rmp=huge", [], "'huge' is not one of"),
    ("on or off, nothing else", "q35,x-snp-host=perhaps", [], "x-snp-host"),
    ("an option that is not one", HOST + ",x-snp-lenient=on", [], "x-snp-lenient"),
    ("an injection that is not one", HOST + ",x-snp-inject=everything", [], "'everything' is not"),
    ("an injection with a word for a number", HOST + ",x-snp-inject=psp-slow:often", [], "'psp-slow:often' is not"),
    ("an injection with a negative number", HOST + ",x-snp-inject=psp-slow:-1", [], "'psp-slow:-1' is not"),
    ("an injection with something behind", HOST + ",x-snp-inject=psp-slow:1x", [], "'psp-slow:1x' is not"),
    ("an injection with too many numbers", HOST + ",x-snp-inject=psp-slow:1:2:3:4:5", [], "is not NAME"),
    ("an injection with nothing behind the colon", HOST + ",x-snp-inject=psp-slow:", [], "is not NAME"),
    ("a processor of another vendor", HOST, ["-cpu", "Skylake-Server"], "needs an AMD CPU"),
    ("addresses that reach the C-bit", HOST, ["-cpu", "EPYC-Milan,phys-bits=52"], "phys-bits must be at most"),
    ("keys to a directory that is not there", HOST, ["-device", "amd-psp,export=/nowhere/at/all"], "export"),
    ("a seed for nobody", HOST, ["-device", "amd-psp,seeds=1"], "seeds"),
)


def start(machine, arguments, commands=()):
    """Run QEMU until QMP says quit: its status and all that it printed."""
    lines = [{"execute": "qmp_capabilities"}, *commands, {"execute": "quit"}]
    with tempfile.NamedTemporaryFile() as bios:
        bios.write(bytes(65536))
        bios.flush()
        command = [QEMU, "-accel", "tcg", "-S", "-display", "none", "-vga", "none", "-net", "none", "-bios", bios.name,
                   "-global", "apic-common.vapic=off", "-machine", machine, "-qmp", "stdio", *arguments]
        if "-m" not in arguments:
            command += ["-m", "5G"]
        if "-cpu" not in arguments:
            command += ["-cpu", "EPYC-Milan"]
        done = subprocess.run(command, input="\n".join(map(json.dumps, lines)) + "\n", capture_output=True, text=True,
                              timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


class OptionTest(unittest.TestCase):
    def test_refused(self):
        for claim, machine, arguments, named in REFUSED:
            with self.subTest(claim):
                status, output = start(machine, arguments)
                self.assertEqual(status, 1, output)
                self.assertIn(named, output)

    def test_good_ones_start(self):
        for machine in (HOST, HOST + ",x-snp-rmp=segmented", HOST + ",x-snp-inject=psp-slow:1:2:0x4:4+psmash-inuse"):
            with self.subTest(machine):
                status, output = start(machine, ["-device", "amd-iommu,snp=on", "-device", "amd-psp"])
                self.assertEqual(status, 0, output)

    def test_built_machine_does_not_change(self):
        for name, value, refused in (("x-snp-host", False, True), ("x-snp-rmp", "segmented", True),
                                     ("x-snp-inject", "psp-slow", False), ("x-snp-inject", "psp-slow:x", True)):
            with self.subTest(name, value=value):
                order = {"execute": "qom-set", "arguments": {"path": "/machine", "property": name, "value": value}}
                status, output = start(HOST, [], [order])
                self.assertEqual(status, 0, output)
                self.assertEqual('"error"' in output, refused, output)

    def test_strict_machine_names_what_is_unknown(self):
        machine = psp.Machine(QEMU, machine=",x-snp-strict=on", stderr=subprocess.PIPE)
        self.addCleanup(machine.__exit__)
        with self.assertRaises((RuntimeError, OSError)):
            machine.command(0x7ff, b"\0")
        self.assertEqual(machine.process.wait(60), 1)
        self.assertIn(b"unknown command 0x7ff", machine.process.stderr.read())


class CommandTest(unittest.TestCase):
    """Whatever the number and the address, the firmware answers."""

    def setUp(self):
        self.machine = psp.Machine(QEMU)
        self.addCleanup(self.machine.__exit__)

    def test_every_number_with_an_empty_buffer(self):
        self.machine.init()
        answers = {number: self.machine.command(number, bytes(128)) for number in range(1, 0x100)}
        self.assertEqual({answers[n] for n in (0x0e, 0x3f, 0x70, 0xc4, 0xff)}, {INVALID_COMMAND})
        self.assertEqual({answers[n] for n in range(0xd0, 0xd6)}, {UNSUPPORTED})
        self.assertTrue(all(status <= 0x28 for status in answers.values()), answers)

    def test_every_number_with_addresses_outside_memory(self):
        self.machine.init()
        outside = struct.pack("<Q", 1 << 45) * 16
        for number in range(1, 0x100):
            self.assertLessEqual(self.machine.command(number, outside), 0x28)
            self.assertLessEqual(self.machine.issue(number, 1 << 45), 0x28)
            self.assertLessEqual(self.machine.issue(number, psp.RAM_TOP - 4), 0x28)
            self.assertLessEqual(self.machine.issue(number, psp.IOMMU), 0x28)
        self.assertEqual(self.machine.issue(0x04, 1 << 45), INVALID_ADDRESS)


class NodesTest(unittest.TestCase):
    """RAM in two memory backends: the RMP is in the second and describes both."""

    def test_two_backends(self):
        machine = psp.Machine(QEMU, extra=TWO_NODES)
        self.addCleanup(machine.__exit__)
        machine.init()
        self.assertEqual(machine.read(psp.RMP + psp.RMP // psp.PAGE * 16, 8), struct.pack("<Q", psp.FIRMWARE))
        for context in (0x10000000, 0x140000000):
            guest = psp.Guest(machine, context=context, asid=7 + (context >> 32))
            page = guest.update(1, 0x1000, bytes(range(256)) * 16)
            self.assertEqual(struct.unpack("<Q", machine.read(psp.RMP + page // psp.PAGE * 16, 8))[0] >> 62, 1)


if __name__ == "__main__":
    unittest.main()
