# SPDX-License-Identifier: GPL-2.0-only
"""What the bench found: a table on the terminal, a CSV file, a picture by gnuplot."""
import csv
import shutil
import subprocess

from .bench import Key
from .paths import UserError

WORDS = {
    "npf": "nested page faults",
    "pages_4k": "pages mapped 4K",
    "pages_2m": "pages mapped 2M",
    "pt_pages": "page-table pages",
    "dm_splits": "direct-map splits",
    "flushes": "TLB flushes",
    "rmpupdate": "RMPUPDATE instructions",
    "psmash": "PSMASH instructions",
    "augs_4k": "AUG calls, 4K",
    "augs_2m": "AUG calls, 2M",
    "blocks": "BLOCK calls",
    "tracks": "TRACK calls",
    "demotes": "DEMOTE calls",
    "promotes": "PROMOTE calls",
    "removes": "REMOVE calls",
    "reclaims": "RECLAIM calls",
    "writebacks": "WBINVD calls",
    "host_insns": "host instructions",
    "host_insns_clear": "... clearing pages",
    "host_insns_flush": "... flushing caches",
    "rest": "... everything else",
    "wall_s": "seconds (emulated)",
}


def with_rest(values):
    if "host_insns" not in values:
        return values
    rest = values["host_insns"] - values["host_insns_clear"] - values["host_insns_flush"]
    return {**values, "rest": rest}


def number(value):
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def ratio(stock, series):
    if not stock and not series:
        return ""
    return f"{stock / series:,.1f}x" if series else "none left"


def print_group(stock, series):
    for name, words in WORDS.items():
        if name in stock and name in series and (stock[name] or series[name]):
            print(f"  {words:22} {number(stock[name]):>18} {number(series[name]):>18} "
                  f"{ratio(stock[name], series[name]):>12}")


def print_table(found):
    """One block an operation, stock beside series."""
    for key, values in found.items():
        if key.kernel != "stock":
            continue
        other = found.get(Key("series", key.machine, key.op, key.size_mib, key.vcpus))
        if other is not None:
            title = f"{key.op} {key.size_mib} MiB, {key.vcpus} vCPU{'s' if key.vcpus > 1 else ''} ({key.machine})"
            print(f"\n{title:24} {'stock':>18} {'series':>18} {'ratio':>12}")
            print_group(with_rest(values), with_rest(other))


def write_csv(found, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["kernel", "machine", "op", "size_mib", "vcpus", "metric", "value"])
        for key, values in found.items():
            for name, value in values.items():
                writer.writerow([key.kernel, key.machine, key.op, key.size_mib, key.vcpus, name, value])


OPS = ("touch", "prefault", "convert", "punch", "smash", "zap", "teardown", "teardown-4k")

PLOT = """# SPDX-License-Identifier: GPL-2.0-only
set terminal svg size 1250,520 background rgb 'white' font 'sans,13'
set output '{svg}'
set logscale x 2
set logscale y 10
set xrange [{low}:{high}]
set format y '10^{{%L}}'
set grid
set xlabel 'private memory, MiB'
set key outside right
set tmargin 4
set multiplot layout 1,2 title '{title}'
set title 'nested page faults'
unset key
plot {npf}
set title 'host instructions, clearing and flushing aside'
set key outside right
plot {rest}
unset multiplot
"""


def series_of(found, kernel, op, vcpus, metric):
    points = [(key.size_mib, with_rest(values).get(metric, 0)) for key, values in found.items()
              if (key.kernel, key.op, key.vcpus) == (kernel, op, vcpus)]
    return [(size, value) for size, value in sorted(points) if value > 0]


def plot_clause(found, folder, metric):
    clauses = []
    for kernel in ("stock", "series"):
        for colour, op in enumerate(OPS, 1):
            points = series_of(found, kernel, op, 1, metric)
            if not points:
                continue
            data = folder / f"{metric}-{kernel}-{op}.dat"
            data.write_text("".join(f"{size} {value}\n" for size, value in points))
            dash, point = (2, 4) if kernel == "stock" else (1, 7)
            clauses.append(f"'{data}' with linespoints linecolor {colour} dashtype {dash} pointtype {point} "
                           f"title '{kernel} {op}'")
    return ", ".join(clauses)


def write_svg(found, path):
    if shutil.which("gnuplot") is None:
        raise UserError("gnuplot is missing; install the package gnuplot-nox")
    data = path.parent / "plot"
    data.mkdir(parents=True, exist_ok=True)
    script = data / "bench.gp"
    sizes = [key.size_mib for key in found]
    # With a margin, as a quick run has one size.
    script.write_text(PLOT.format(svg=path, low=min(sizes) // 2, high=max(sizes) * 2,
                                  title="Private memory of one vCPU: stock and series",
                                  npf=plot_clause(found, data, "npf"), rest=plot_clause(found, data, "rest")))
    subprocess.run(["gnuplot", str(script)], check=True)
