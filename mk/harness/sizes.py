# SPDX-License-Identifier: GPL-2.0-only
"""At which size a guest's memory was mapped while it booted, and what that cost: a table, lines of CSV, a picture."""
from .table import number, ratio

PAGE_MIB, LARGE_MIB = 1 / 256, 2
TIMES = 6
# The table's rows: words, and where the number is found
# What is mapped 4K, by what keeps it from being 2M; see mk/guest/snp/rmp-count.c
CAUSES = (("2M partly shared", "rmp_part"), ("2M partly invalid", "rmp_invalid"), ("2M all alike", "rmp_alike"))
COUNTED = (("nested page faults", "vmexit-npf"), ("RMPUPDATE instructions", "rmpupdate"), ("... of 2M", "rmpupdate-2m"),
           ("PSMASH, i.e. smashes", "psmash"), ("PVALIDATE instructions", "pvalidate"), ("VMGEXITs", "vmgexit"))
WIDTH, HEIGHT, GAP = 480, 240, 50
COLOURS = (("2M", "#2c7fb8"), ("4K", "#dd1c77"))


def mapped(sample):
    """MiB at 2M and at 4K."""
    return sample.get("pages_2m", 0) * LARGE_MIB, sample.get("pages_4k", 0) * PAGE_MIB


def alive(one):
    """The samples while something was mapped, with their time from the first of all on."""
    start = one["samples"][0]["s"] if one["samples"] else 0
    return [(sample["s"] - start, *mapped(sample)) for sample in one["samples"] if sum(mapped(sample))]


def by_cause(sample):
    """(words, pages) of what is mapped 4K; stock does not tell mappings of private memory apart, but what is owned is mapped."""
    owned = [(words, sample.get(name, 0)) for words, name in CAUSES]
    private = sample.get("private_pages_4k", sum(pages for _, pages in owned))
    yield "shared", max(0, sample.get("pages_4k", 0) - private)
    yield from owned


def full(one):
    """The last sample while something was mapped."""
    return ([sample for sample in one["samples"] if sum(mapped(sample))] or [{}])[-1]


def looked_up(one):
    """The last of these for which the RMP was looked up, too."""
    return ([sample for sample in one["samples"] if sum(mapped(sample)) and "rmp_part" in sample] or [{}])[-1]


def private(one):
    """MiB of private memory that are mapped at 2M and at 4K, at the end; the series tells."""
    last = full(one)
    return last.get("private_pages_2m", 0) * LARGE_MIB, last.get("private_pages_4k", 0) * PAGE_MIB


def rows(one):
    """(words, number) of one kernel."""
    last = one["samples"][-1] if one["samples"] else {}
    large, small = mapped(full(one))
    yield "MiB mapped 2M", int(large)
    yield "MiB mapped 4K", int(small)
    for words, pages in by_cause(looked_up(one)):
        yield f"... {words}", round(pages * PAGE_MIB)
    for words, name in COUNTED:
        yield words, one["counted"][name]
    yield "page state changes", int(one["changes"])
    yield "promotions", last.get("private_promotions", 0)
    yield "direct-map splits", int(one["splits"])
    yield "direct-map 2M lost, most", int(one["map_lost"])
    yield "host instructions", one["insns"]


def at_times(found):
    """A few moments, for each kernel the last sample before; a guest that is gone keeps its last."""
    end = max((moment for one in found.values() for moment, _, _ in alive(one)), default=0)
    for step in range(1, TIMES + 1):
        moment = end * step / TIMES
        yield moment, [next((sample[1:] for sample in reversed(alive(one)) if sample[0] <= moment + 0.01), (0, 0)) for one in found.values()]


def lines(found, memory):
    """The table; @found has stock and series."""
    stock, series = found["stock"], found["series"]
    yield f"{f'SNP guest of {memory} MiB, to its login':30} {'stock':>14} {'series':>14} {'ratio':>12}"
    for (words, one), (_, other) in zip(rows(stock), rows(series)):
        yield f"  {words:28} {number(one):>14} {number(other):>14} {ratio(one, other) if one > other else '':>12}".rstrip()
    yield f"\n{'MiB mapped 2M + 4K, after':30} {'stock':>14} {'series':>14}"
    for moment, pairs in at_times({"stock": stock, "series": series}):
        yield f"  {f'{moment:.0f} s':28} " + " ".join(f"{f'{large:.0f} + {small:.0f}':>14}" for large, small in pairs)


def csv(found):
    yield "kernel,seconds,mib_2m,mib_4k"
    for kernel, one in found.items():
        for moment, large, small in alive(one):
            yield f"{kernel},{moment:.1f},{large:.0f},{small:.1f}"


def area(points, left, top, scale):
    """A polygon between two curves: points are (time, low, high) in MiB."""
    across, up = scale
    place = [(left + moment * across, top + HEIGHT - value * up) for moment, _, value in points]
    place += [(left + moment * across, top + HEIGHT - value * up) for moment, value, _ in reversed(points)]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in place)


def panel(kernel, one, left, scale):
    samples = alive(one)
    yield f'<text x="{left}" y="{GAP - 12}">{kernel}</text>'
    yield f'<rect x="{left}" y="{GAP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999999"/>'
    stacked = ([(moment, 0, large) for moment, large, _ in samples], [(moment, large, large + small) for moment, large, small in samples])
    for points, (_, colour) in zip(stacked, COLOURS):
        yield f'<polygon points="{area(points, left, GAP, scale)}" fill="{colour}"/>'


def picture(found, memory):
    """The text of an SVG: a panel a kernel, private memory that is mapped at 2M and at 4K over time."""
    end = max((moment for one in found.values() for moment, _, _ in alive(one)), default=0) or 1
    parts = []
    for column, (kernel, one) in enumerate(found.items()):
        left = GAP + column * (WIDTH + GAP)
        parts += panel(kernel, one, left, (WIDTH / end, HEIGHT / (1.1 * memory)))
        parts.append(f'<text x="{left}" y="{GAP + HEIGHT + 18}">0 s</text>'
                     f'<text x="{left + WIDTH - 40}" y="{GAP + HEIGHT + 18}">{end:.0f} s</text>')
    for index, (words, colour) in enumerate(COLOURS):
        parts.append(f'<rect x="{GAP + index * 200}" y="{GAP + HEIGHT + 30}" width="12" height="12" fill="{colour}"/>'
                     f'<text x="{GAP + index * 200 + 18}" y="{GAP + HEIGHT + 40}">mapped {words}, of {memory} MiB</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * (WIDTH + GAP) + GAP}" height="{HEIGHT + 2 * GAP + 10}" '
            'font-family="sans-serif" font-size="12">\n<!-- SPDX-License-Identifier: GPL-2.0-only -->\n'
            '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")
