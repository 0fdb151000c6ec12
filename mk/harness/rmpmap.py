# SPDX-License-Identifier: GPL-2.0-only
"""What the bench saw of the RMP and of the direct map: stock beside series, before, during and after."""
import re
from collections import Counter

STAGES = ("before", "during", "after")
KERNELS = ("stock", "series")
COLUMNS = 64
CELL = 5
GAP = 30
# A character for each 2M of memory, as gmem_snp_host.h has it: what it means, its colour.
CELLS = {
    "2": ("a guest's by one entry", "#2c7fb8"),
    "4": ("a guest's at 4K", "#dd1c77"),
    "f": ("the firmware's", "#636363"),
    ".": ("nobody's", "#eeeeee"),
}
HEAD = re.compile(r"gmem_map stage=(\w+) 4k=(\d+) 2m=(\d+)$")
ROW = re.compile(r"gmem_cells ([2f4.]+)$")


def parse(output):
    """{stage: (direct map's mappings of 4K, of 2M, cells)} of one run of the program."""
    found, stage = {}, None
    for line in output.splitlines():
        if match := HEAD.match(line):
            stage = match[1]
            found[stage] = (int(match[2]), int(match[3]), "")
        elif stage and (match := ROW.match(line)):
            found[stage] = (*found[stage][:2], found[stage][2] + match[1])
    return {stage: one for stage, one in found.items() if one[2]}


def lines(maps):
    """A table: ranges of 2M that guests own, by size, and the direct map, for each kernel of @maps."""
    names = [kernel for kernel in KERNELS if maps.get(kernel)]
    yield f"{'RMP and direct map':26}" + "".join(f"{name:>19}" for name in names)
    for stage in STAGES:
        found = [maps[name][stage] for name in names]
        for words, pick in (("ranges owned at 2M", lambda m: Counter(m[2])["2"]), ("ranges owned at 4K", lambda m: Counter(m[2])["4"]),
                            ("direct map, 2M", lambda m: m[1]), ("direct map, 4K", lambda m: m[0])):
            yield f"  {stage:7}{words:19}" + "".join(f"{pick(one):>18,} " for one in found).rstrip()


def rectangles(cells, left, top):
    """Runs of one colour in a row are one rectangle."""
    for row in range(0, len(cells), COLUMNS):
        for run in re.finditer(r"(.)\1*", cells[row:row + COLUMNS]):
            yield (f'<rect x="{left + run.start() * CELL}" y="{top + row // COLUMNS * CELL}" '
                   f'width="{(run.end() - run.start()) * CELL}" height="{CELL}" fill="{CELLS[run[1]][1]}"/>')


def picture(maps):
    """The text of an SVG: a column a kernel, a row a stage, a cell 2M."""
    height = max(-(-len(one[2]) // COLUMNS) for stages in maps.values() for one in stages.values()) * CELL + GAP
    parts = []
    for column, kernel in enumerate(name for name in KERNELS if maps.get(name)):
        for row, stage in enumerate(STAGES):
            few, large, cells = maps[kernel][stage]
            left, top = GAP + column * (COLUMNS * CELL + GAP), GAP + row * height
            parts.append(f'<text x="{left}" y="{top - 6}">{kernel}, {stage}; direct map {large} x 2M + {few} x 4K</text>')
            parts.extend(rectangles(cells, left, top))
    for index, (words, colour) in enumerate(CELLS.values()):
        parts.append(f'<rect x="{GAP + index * 160}" y="{3 * height + 10}" width="12" height="12" fill="{colour}"/>'
                     f'<text x="{GAP + index * 160 + 18}" y="{3 * height + 20}">{words}</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{GAP + 2 * (COLUMNS * CELL + GAP)}" height="{3 * height + GAP + 10}" '
            'font-family="sans-serif" font-size="11">\n' + "\n".join(parts) + "\n</svg>\n")
