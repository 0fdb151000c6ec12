# SPDX-License-Identifier: GPL-2.0-only
"""fold puts an edit where it belongs and writes no file of the work tree."""

import os

from .world import LICENCE, World, git, write


class Fold(World):
    def setUp(self):
        super().setUp()
        self.standard_series()

    def test_an_edit_to_an_added_file_goes_into_its_commit(self):
        path = self.room.tree / "virt/new.c"
        write(self.room.tree, {"virt/new.c": LICENCE + "int better;\n"})
        os.utime(path, (10**9, 10**9))
        self.cli("fold")
        self.assertEqual(git(self.room.tree, "status", "--porcelain"), "")
        self.assertEqual(int(os.stat(path).st_mtime), 10**9)
        self.assertIn("better", git(self.room.tree, "show", "series~:virt/new.c"))
        self.cli("import")
        self.assertIn("better", (self.repo / "virt/new.c").read_text())
        self.assertEqual(len(self.ids()), 2)

    def test_two_edits_go_into_two_commits(self):
        text = (self.room.tree / "virt/big.c").read_text()
        write(self.room.tree, {"virt/big.c": text.replace("nine", "neuf"), "virt/new.c": LICENCE})
        self.cli("fold")
        self.assertIn("neuf", git(self.room.tree, "show", "series:virt/big.c"))
        self.assertNotIn("neuf", git(self.room.tree, "show", "series~:virt/big.c"))

    def test_an_edit_of_no_certain_place_is_refused(self):
        write(self.room.tree, {"Kbuild": "obj-y += virt/ more/\n"})
        self.assert_refused("fold", "Kbuild", "no commit", "--into")
        self.cli("fold", "--into", "series~")
        self.assertIn("more", git(self.room.tree, "show", "series~:Kbuild"))

    def test_nothing_to_fold_is_refused(self):
        self.assert_refused("fold", "no changes")

    def test_into_a_commit_of_upstream_is_refused(self):
        write(self.room.tree, {"Kbuild": "obj-y += virt/ more/\n"})
        self.assert_refused("fold", "not a commit of base..series", args=("--into", "base"))
