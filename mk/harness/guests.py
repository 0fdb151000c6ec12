# SPDX-License-Identifier: GPL-2.0-only
"""SNP guests on both hosts side by side, by mk/snp-guest."""
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

from .boot import RUNNING
from .paths import ROOT, UserError, relative

KERNELS = ("stock", "series")
# A busy machine is no reason to give up.
SECONDS = 3600


def boot(kernel, name, folder, options):
    """One guest to its end: what was counted, and the last line of what was said."""
    found, log = folder / f"{name}.json", folder / f"{name}.log"
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen([ROOT / "mk/snp-guest", "--kernel", kernel, "--json", found, "--seconds", str(SECONDS), *map(str, options)],
                                   stdout=out, stderr=subprocess.STDOUT)
        RUNNING.add(process)
        code = process.wait()
        RUNNING.discard(process)
    last = (log.read_text(encoding="utf-8", errors="replace").splitlines() or ["nothing was said"])[-1]
    if code:
        raise UserError(f"{name}: {last}; see {relative(log)}")
    return json.loads(found.read_text(encoding="ascii")), last


def boot_both(folder, options, name="", on_end=lambda kernel, last: None):
    """{kernel: what was counted}; @on_end is told of each guest that came to its end."""
    def one(kernel):
        found, last = boot(kernel, "-".join(filter(None, (kernel, name))), folder, options)
        on_end(kernel, last)
        return found

    with ThreadPoolExecutor(len(KERNELS)) as pool:
        return dict(zip(KERNELS, pool.map(one, KERNELS)))
