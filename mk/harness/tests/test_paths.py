# SPDX-License-Identifier: GPL-2.0-only
"""One run a folder.

Worked example: a run holds build/test; a second one waits and begins when the first is through.
"""
import contextlib
import io
import tempfile
import threading
import unittest
from pathlib import Path

from harness import paths


class OnlyOne(unittest.TestCase):
    def test_worked_example(self):
        order, inside = [], threading.Event()

        def second(folder):
            inside.wait()
            with paths.only_one(folder):
                order.append("second")

        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stderr(io.StringIO()) as said:
            other = threading.Thread(target=second, args=[Path(name)])
            other.start()
            with paths.only_one(Path(name)):
                inside.set()
                other.join(0.2)
                order.append("first")
            other.join()
        self.assertEqual(order, ["first", "second"])
        self.assertIn("waiting for another run", said.getvalue())

    def test_another_folder_is_free(self):
        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stderr(io.StringIO()) as said:
            with paths.only_one(Path(name) / "a"), paths.only_one(Path(name) / "b"):
                self.assertEqual(said.getvalue(), "")
