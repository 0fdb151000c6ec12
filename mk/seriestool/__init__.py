# SPDX-License-Identifier: GPL-2.0-only
"""The queue: our files and patches/ on one side, a git tree on the other."""
