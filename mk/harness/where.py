# SPDX-License-Identifier: GPL-2.0-only
"""Where the processors are of a host that has said nothing for too long: QEMU's monitor knows, the map of symbols names it.

Worked example: the monitor's answer

    CPU#0 / RSP=ffffc90000003f00 / RIP=ffffffff81000010 RFL=... HLT=1 / ffffc90000003f00: 0xffffffff81000105 0x0000000000000001

is, with the symbols idle at ffffffff81000000 and main at ffffffff81000100, "CPU 0 halted in idle+0x10, above it main+0x5". What is above is each
word of the stack that could be a return address: of a function that has returned, too.
"""
import bisect
import re

# Words of a stack that are looked at
WORDS = 160
PROCESSOR = re.compile(r"CPU#(\d+)")
POINTER = re.compile(r"\bRIP=([0-9a-f]{16}).*\bHLT=(\d)")
STACK = re.compile(r"^[0-9a-f]{16}:((?: 0x[0-9a-f]{16})+)")


def questions(cpus, memory):
    """What to type: the console's way to the monitor, each processor's registers, local APIC and stack, all memory to a file, and the end."""
    each = "".join(f"cpu {number}\ninfo registers\ninfo lapic\nx/{WORDS}xg $esp\n" for number in range(cpus))
    return f"\x01c\n{each}dump-guest-memory -z {memory}\nquit\n"


class Symbols:
    """The code of a kernel, by a System.map: address, type and name a line."""

    def __init__(self, text):
        rows = (line.split() for line in text.splitlines())
        rows = sorted((int(address, 16), name) for address, kind, name in rows if kind in "tT")
        self.addresses, self.names = [row[0] for row in rows], [row[1] for row in rows]

    def name(self, address):
        """Symbol and offset, or nothing for what is no kernel code."""
        place = bisect.bisect_right(self.addresses, address) - 1
        if place < 0 or place == len(self.names) - 1:
            return ""
        return f"{self.names[place]}+{address - self.addresses[place]:#x}"


def tell(lines, symbols):
    """A sentence for each processor of which the monitor told."""
    told = []
    for line in lines:
        if match := PROCESSOR.search(line):
            told.append(f"CPU {match[1]}")
        elif (match := POINTER.search(line)) and told:
            address = int(match[1], 16)
            told[-1] += (" halted" if int(match[2]) else "") + f" in {symbols.name(address) or hex(address)}"
        elif (match := STACK.match(line)) and told:
            for name in filter(None, (symbols.name(int(word, 16)) for word in match[1].split())):
                told[-1] += f", {name}" if ", above it " in told[-1] else f", above it {name}"
    return told
