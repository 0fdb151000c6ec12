# SPDX-License-Identifier: GPL-2.0-only
"""The judgement of a host that guests have worn.

Worked example: before, 6785 pages are assigned and none is a guest's; after, one page is a guest's: that is told by name and number.
"""
import unittest

from harness import wear

BEFORE = {"assigned": 6785, "owned": 0, "lost": 0, "lost-others": 0, "map-2M": 3606528, "map-1G": 1048576, "huge": 0, "huge-free": 0,
          "free": 3363860, "slab": 8200, "tables": 592}
SAMPLE = {"pages_4k": 256, "pages_2m": 10, "pf_fixed": 5, "pf_taken": 6, "exits": 100, "private_splits": 2}


class WearTest(unittest.TestCase):
    def differs(self, kernel="series", **changes):
        return wear.differs(BEFORE, {**BEFORE, **changes}, kernel)

    def test_as_before(self):
        self.assertEqual(self.differs(), [])
        self.assertEqual(self.differs(slab=9000, tables=700, free=BEFORE["free"] - 1000), [])

    def test_what_is_missing_is_told(self):
        self.assertEqual(self.differs(owned=1), ["owned 0 -> 1", "owned 1"])
        self.assertEqual(self.differs(assigned=6786), ["assigned 6785 -> 6786"])
        for name, value in (("lost", 1), ("lost-others", 512), ("huge-free", 1), ("map-1G", 0), ("free", BEFORE["free"] - 16384)):
            self.assertIn(f"{name} {BEFORE[name]} -> {value}", self.differs(**{name: value}))

    def test_one_block_of_the_pool_may_stay(self):
        block = wear.POOL_BLOCK_KIB
        self.assertEqual(self.differs(**{"map-2M": BEFORE["map-2M"] - block}), [])
        self.assertTrue(self.differs(**{"map-2M": BEFORE["map-2M"] - block - 2048}))
        self.assertEqual(self.differs("stock", **{"map-2M": BEFORE["map-2M"] - 100 * block}), [])

    def test_states(self):
        found = wear.states(["host: 0 alive owned 7 lost 0", "guest: done", "host: 0 state owned 0 lost 0"])
        self.assertEqual(found, {(0, "alive"): {"owned": 7, "lost": 0}, (0, "state"): {"owned": 0, "lost": 0}})

    def test_moments_follow_the_seed(self):
        self.assertEqual(wear.moments(5, 1), wear.moments(5, 1))
        self.assertNotEqual(wear.moments(5, 1), wear.moments(5, 2))
        self.assertTrue(all(0.1 <= float(moment) <= wear.LONGEST for moment in wear.moments(1000, 3)))

    def test_statistics(self):
        later = {**SAMPLE, "exits": 101}
        self.assertEqual(list(wear.inconsistent([SAMPLE, later], 512)), [])
        self.assertEqual(list(wear.inconsistent([later, SAMPLE], 512)), ["exits fell"])
        for wrong in ({"pages_2m": 1000}, {"pages_4k": -1, "pages_2m": 0}):
            self.assertEqual(list(wear.inconsistent([{**SAMPLE, **wrong}], 512)), ["more is mapped than there is"])


if __name__ == "__main__":
    unittest.main()
