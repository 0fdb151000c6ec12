# SPDX-License-Identifier: GPL-2.0-only
"""Every check is a function that returns its complaints, each with the way out."""

import sys
import time

from ..errors import Refusal


class Report:
    """One line a check; the exit status tells whether all of them passed."""

    def __init__(self, room):
        self.room, self.failed = room, 0

    def run(self, name, check, *args):
        start = time.monotonic()
        try:
            complaints = list(check(*args) or ())
        except Refusal as error:
            complaints = [str(error)]
        self.failed += bool(complaints)
        spent = time.monotonic() - start
        print(f"[{'FAIL' if complaints else 'PASS'}] {self.room.name}: {name} ({spent:.1f} s)", flush=True)
        for line in complaints:
            print(f"       {line}", flush=True)
        sys.stdout.flush()
        return not complaints
