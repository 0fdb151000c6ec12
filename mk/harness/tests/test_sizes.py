# SPDX-License-Identifier: GPL-2.0-only
"""The guest's table and picture, from what host and machine said.

Worked example: a guest of 8 MiB. Stock maps 1,536 pages of 4K; the series maps three ranges of 2M, and both lines stand side by side.
"""
import unittest
import xml.etree.ElementTree

from harness import sizes, vmm

SAID = ["host: splits 5", "host: map 99", "host: at 1.50 s: pages_4k 0 pages_2m 0", "host: at 2.50 s: pages_4k 512 pages_2m 1 private_promotions 0",
        "guest: done", "host: at 4.50 s: pages_4k 512 pages_2m 3 private_pages_4k 256 private_pages_2m 3 private_promotions 2 map_2m 97 rmp_part 0 rmp_invalid 0 rmp_alike 256", "host: at 5.50 s: pages_4k 0 pages_2m 0 private_promotions 2",
        "host: splits 9", "host: state-changes 17"]
COUNTED = {name: 40 for name in vmm.COUNTERS}


def one(said, factor=1):
    return {"counted": {name: count * factor for name, count in COUNTED.items()}, "insns": 7 * factor, **vmm.told(said)}


class SizesTest(unittest.TestCase):
    def setUp(self):
        stock = ["host: splits 0", "host: at 1.00 s: pages_4k 1024 pages_2m 0", "host: at 9.00 s: pages_4k 1536 pages_2m 0 rmp_part 0 rmp_invalid 0 rmp_alike 0", "host: splits 4"]
        self.found = {"stock": one(stock, 100), "series": one(SAID)}

    def test_what_the_host_told(self):
        told = vmm.told(SAID)
        self.assertEqual((told["splits"], told["changes"], len(told["samples"])), (4, 17, 4))
        self.assertEqual(told["samples"][1]["pages_4k"], 512)

    def test_a_guest_that_is_gone_is_no_sample(self):
        self.assertEqual(sizes.alive(self.found["series"]), [(1.0, 2, 2.0), (3.0, 6, 2.0)])

    def test_private_memory_at_the_end(self):
        self.assertEqual([sizes.private(self.found[kernel]) for kernel in ("stock", "series")], [(0, 0), (6, 1.0)])

    def test_table(self):
        text = "\n".join(sizes.lines(self.found, 8))
        self.assertRegex(text, r"MiB mapped 2M +0 +6\n")
        self.assertRegex(text, r"MiB mapped 4K +6 +2 +3.0x")
        self.assertRegex(text, r"nested page faults +4,000 +40 +100.0x")
        self.assertRegex(text, r"shared +6 +1 +6.0x\n.*partly shared +0 +0\n.*partly invalid +0 +0\n.*all alike +0 +1\n")
        self.assertRegex(text, r"promotions +0 +2\n")
        self.assertRegex(text, r"2M lost, most +0 +2\n")
        self.assertRegex(text, r"host instructions +700 +7 +100.0x")
        self.assertRegex(text, r"8 s +0 \+ 6 +6 \+ 2")

    def test_picture_is_xml_with_an_area_a_size(self):
        root = xml.etree.ElementTree.fromstring(sizes.picture(self.found, 8))
        self.assertEqual(len(root.findall("{http://www.w3.org/2000/svg}polygon")), 4)

    def test_nothing_said(self):
        empty = {kernel: one([]) for kernel in ("stock", "series")}
        self.assertIn("MiB mapped 2M", "\n".join(sizes.lines(empty, 8)))
        xml.etree.ElementTree.fromstring(sizes.picture(empty, 8))
        self.assertEqual(list(sizes.csv(empty)), ["kernel,seconds,mib_2m,mib_4k"])


if __name__ == "__main__":
    unittest.main()
