# SPDX-License-Identifier: GPL-2.0-only
"""Where processors are, of what QEMU's monitor says. The worked example is the one above in where.py."""
import unittest

from harness import where

MAP = """\
0000000000001000 D data_of_each_processor
ffffffff81000000 T idle
ffffffff81000100 t main
ffffffff81000200 T spin
ffffffff82000000 T the_end_of_code
"""
REGISTERS = """\
CPU#0
RAX=0000000000000000 RBX=0000000000000001 RCX=0000000000000000 RDX=0000000000000000
RSI=0000000000000000 RDI=0000000000000000 RBP=0000000000000000 RSP=ffffc90000003f00
RIP={rip:016x} RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT={halted}
"""
WORDS = "ffffc90000003f00: 0xffffffff81000105 0x0000000000000001"


def tell(text):
    return where.tell(text.splitlines(), where.Symbols(MAP))


class Where(unittest.TestCase):
    def test_worked_example(self):
        self.assertEqual(tell(REGISTERS.format(rip=0xffffffff81000010, halted=1) + WORDS),
                         ["CPU 0 halted in idle+0x10, above it main+0x5"])

    def test_a_processor_that_runs_is_not_said_to_be_halted(self):
        self.assertEqual(tell(REGISTERS.format(rip=0xffffffff81000204, halted=0)), ["CPU 0 in spin+0x4"])

    def test_addresses_outside_of_the_kernel_have_no_name(self):
        for address in (0x401000, 0xffffffff80ffffff, 0xffffffff82000001):
            self.assertEqual(tell(REGISTERS.format(rip=address, halted=0)), [f"CPU 0 in {address:#x}"])

    def test_what_is_data_is_nobodys_address(self):
        self.assertEqual(where.Symbols(MAP).name(0x1000), "")

    def test_a_monitor_that_says_nothing(self):
        self.assertEqual(tell("(qemu) \n" + WORDS), [])

    def test_each_processor_is_asked_and_the_end_is_last(self):
        lines = where.questions(2, "/folder/memory").splitlines()
        self.assertEqual([line for line in lines if line.startswith("cpu")], ["cpu 0", "cpu 1"])
        self.assertEqual(lines.count("info lapic"), 2)
        self.assertEqual(lines[-2:], ["dump-guest-memory -z /folder/memory", "quit"])


if __name__ == "__main__":
    unittest.main()
