# SPDX-License-Identifier: GPL-2.0-only
"""Run gmem_bench on a host and join its lines with the windows that the counting plugin wrote."""
import re
from dataclasses import dataclass

from . import rmpmap
from .boot import Boot
from .cases import Case
from .machine import Host
from .paths import BUILD, UserError, relative

# The program of each machine; the SNP one has one vCPU.
PROGRAMS = {"svm": "x86/gmem_bench", "snp": "x86/gmem_snp_bench", "tdx": "x86/gmem_tdx_bench"}
PLUGIN = BUILD / "plugin/hostcount.so"

# Whose instructions are page clearing and cache flushing; what is expanded in line, the plugin knows by its opcode.
# A suffix is a copy that the compiler specialised.
CLEAR = re.compile(r"(__clear_pages_unrolled|clear_pages?|clear_contig|__memset|memset|memset_orig)(\.\w+)*")
FLUSH = re.compile(r"(clflush_cache_range|clflush_cache_range_opt|__wbinvd|__wbnoinvd)(\.\w+)*")

# The program's names of the counters that are metrics of their own.
FIELDS = ("npf", "pt_pages", "dm_splits", "pages_4k", "pages_2m", "flushes", "augs_4k", "augs_2m", "blocks", "tracks", "demotes", "promotes",
          "removes", "reclaims", "writebacks", "wall_s")

# What the plugin writes at each edge, after its id.
COUNTS = ("host_insns", "host_insns_clear", "host_insns_flush", "rmpupdate", "psmash")


@dataclass(frozen=True)
class Key:
    kernel: str
    machine: str
    op: str
    size_mib: int
    vcpus: int


def symbol_ranges(system_map, pattern):
    """Address ranges of the functions whose whole name matches, each up to the next symbol."""
    symbols = sorted((int(address, 16), kind, name) for address, kind, name in
                     (line.split() for line in system_map.read_text().splitlines()))
    for index, (start, kind, name) in enumerate(symbols[:-1]):
        if kind in "tTwW" and pattern.fullmatch(name):
            end = next((address for address, _, _ in symbols[index + 1:] if address > start), start)
            if end > start:
                yield start, end


def merged(ranges):
    """Join what overlaps or touches: aliases of one function are several symbols."""
    out = []
    for start, end in sorted(ranges):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def plugin_argument(host, counts):
    parts = [str(PLUGIN), f"out={counts}"]
    for word, pattern in (("clear", CLEAR), ("flush", FLUSH)):
        parts += [f"{word}={start:x}-{end:x}" for start, end in merged(symbol_ranges(host.image("map"), pattern))]
    return ",".join(parts)


def parse_rows(output):
    """The windows of one run of the program: a dictionary a line."""
    return [dict(pair.split("=", 1) for pair in line.split()[1:])
            for line in output.splitlines() if line.startswith("gmem_bench id=")]


def parse_edges(text):
    """(id, *COUNTS) of each marker, in the order of execution."""
    return [tuple(int(word) for word in line.split()[1:]) for line in text.splitlines() if line.startswith("marker ")]


def join(rows, edges):
    """Add to each row what the two edges of its window differ by."""
    if len(edges) != 2 * len(rows):
        raise UserError(f"the plugin saw {len(edges)} edges of {len(rows)} windows; see build/bench for its output")
    for row, (begin, end) in zip(rows, zip(edges[::2], edges[1::2])):
        if (begin[0], end[0]) != (2 * int(row["id"]), 2 * int(row["id"]) + 1):
            raise UserError(f"window {row['id']} is marked by edges {begin[0]} and {end[0]}; do program and plugin agree?")
        row.update(zip(COUNTS, (after - before for before, after in zip(begin[1:], end[1:])), strict=True))
    return rows


def measure(host, shapes, touch_only):
    """Boot one host, measure each (size, vCPUs) on it; the joined rows, and the maps of the last that printed any."""
    folder = BUILD / "bench" / f"{host.kernel}-{host.machine}-{host.cpus}"
    counts = folder / "counts"
    host.extra = ["-plugin", plugin_argument(host, counts)]
    cases = [Case("bench", f"{size}-{vcpus}", seconds=900,
                  run=f"/series/{PROGRAMS[host.machine]} -s {size} -v {vcpus}{' -t' if touch_only else ''}") for size, vcpus in shapes]
    rows, maps = [], {}

    def on_result(result):
        if result.status != "passed":
            raise UserError(f"{host.kernel}: {result.case.run} {result.status}: {result.detail}; log {relative(folder)}/console.log")
        rows.extend(parse_rows(result.output))
        maps.update(rmpmap.parse(result.output))
        print(f"{host.kernel}: {result.case.run.split('/')[-1]} done in {result.seconds:.0f} s", flush=True)

    Boot(host, cases, folder, on_result).run()
    return join(rows, parse_edges(counts.read_text())), maps


def run(kernel, machine, shapes, touch_only=False):
    """Measure every shape on one kernel; {Key: {metric: value}}, and the maps of the RMP.

    The host has as many processors as the guest: an idle one would only add its ticks, and spin for locks whose owner the
    emulator has put to sleep.
    """
    rows, maps = [], {}
    for cpus in sorted({vcpus for _, vcpus in shapes}):
        host = Host(kernel=kernel, machine=machine, cpus=cpus, memory_mib=4096)
        more, found = measure(host, [shape for shape in shapes if shape[1] == cpus], touch_only)
        rows += more
        maps.update(found)
    return {Key(kernel, machine, row["op"], int(row["size_mib"]), int(row["vcpus"])): metrics(row) for row in rows}, maps


def metrics(row):
    names = FIELDS + COUNTS
    return {name: float(row[name]) if name == "wall_s" else int(row[name]) for name in names if name in row}
