# SPDX-License-Identifier: GPL-2.0-only
"""What a host has to be like after a guest, and what statistics can't be."""
import random
import re

# The longest delay of a kill
LONGEST = 30.0
# A block of the pool that is in use is mapped 4K, see Documentation/virt/kvm/x86/snp-private-memory.rst
POOL_BLOCK_KIB = 2048
# Caches of the kernel that no test empties
NOISE_KIB = 8192
# Said for whoever looks for memory that is missing
SHOWN = ("slab", "tables")


def moments(count, seed):
    """From a tenth of a second to LONGEST after there is a VM; denser at the start, as a launch is short and a guest's life is long."""
    dice = random.Random(seed)
    return [f"{0.1 * (LONGEST / 0.1) ** dice.random() ** 0.5:.2f}" for _ in range(count)]


def states(said):
    """{(stage, alive or state): {name: number}}"""
    found = {}
    for line in said:
        if match := re.match(r"host: (\d+) (alive|state) (.*)", line):
            words = match[3].split()
            found[int(match[1]), match[2]] = dict(zip(words[::2], map(int, words[1::2])))
    return found


def differs(before, after, kernel):
    """What is not as before, as text; direct map and free memory may fall by what the kernel keeps. Stock's map only falls."""
    slack = {"map-2M": POOL_BLOCK_KIB if kernel == "series" else before["map-2M"], "free": NOISE_KIB}
    wrong = [f"{name} {before[name]} -> {value}" for name, value in after.items() if name not in SHOWN and
             (before[name] - value > slack[name] if name in slack else value != before[name])]
    return wrong + [f"{name} {after[name]}" for name in ("owned", "lost", "lost-others") if after[name]]


def inconsistent(samples, memory):
    """What can't be of statistics that the host told one after the other."""
    rising = ("pf_taken", "pf_fixed", "exits", "private_splits", "private_promotions", "rmp_smashes")
    for before, after in zip(samples, samples[1:]):
        yield from (f"{name} fell" for name in rising if after.get(name, 0) < before.get(name, 0))
    for sample in samples:
        # What is shared and the firmware's image come on top.
        if not 0 <= sample["pages_2m"] * 2 + sample["pages_4k"] / 256 <= 2 * memory:
            yield "more is mapped than there is"
