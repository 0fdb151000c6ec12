# SPDX-License-Identifier: GPL-2.0-only
"""One error type: what is wrong, and the way out."""


class Refusal(Exception):
    def __init__(self, what, way_out=None):
        super().__init__(what)
        self.what = what
        self.way_out = way_out

    def __str__(self):
        if not self.way_out:
            return self.what
        return f"{self.what}; way out: {self.way_out}"
