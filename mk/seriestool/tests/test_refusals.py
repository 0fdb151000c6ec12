# SPDX-License-Identifier: GPL-2.0-only
"""Each thing that would lose work or break a rule is refused, with the way out named."""

import shutil

from .world import LICENCE, SECTION, UPSTREAM, World, git, write


class ImportRefuses(World):
    def test_an_empty_range(self):
        self.assert_refused("import", "base..series is empty")

    def test_a_dirty_tree(self):
        self.standard_series()
        write(self.room.tree, {"virt/old.c": "int x;\n"})
        self.assert_refused("import", "uncommitted changes", "virt/old.c")

    def test_a_new_file_that_nobody_added(self):
        self.standard_series()
        write(self.room.tree, {"virt/forgotten.c": LICENCE})
        self.assert_refused("import", "uncommitted changes", "virt/forgotten.c")

    def test_a_dirty_repository(self):
        self.standard_series()
        self.commit_tree("KVM: Third", {"virt/third.c": LICENCE})
        write(self.repo, {"virt/third.c": "mine\n"})
        self.assert_refused("import", "the repository has uncommitted changes", "virt/third.c")
        self.assertEqual((self.repo / "virt/third.c").read_text(), "mine\n")

    def test_a_later_edit_to_an_added_file(self):
        self.standard_series()
        self.commit_tree("KVM: Third", {"virt/new.c": LICENCE + "int later;\n"})
        self.assert_refused("import", "virt/new.c: changed after", "mk/series fold")
        self.assertEqual(self.repo_status(), "")

    def test_another_change_to_maintainers(self):
        self.commit_tree("MAINTAINERS: Meddle", {"MAINTAINERS": self.with_section().replace("alpha.c", "omega.c")})
        self.assert_refused("import", "whole new sections")

    def test_a_merge(self):
        git(self.room.tree, "checkout", "-q", "-b", "side", "base")
        self.commit_tree("KVM: Side", {"virt/side.c": LICENCE})
        git(self.room.tree, "checkout", "-q", "series")
        self.commit_tree("KVM: Main", {"virt/main.c": LICENCE})
        git(self.room.tree, "merge", "-q", "--no-edit", "side")
        self.assert_refused("import", "is a merge")

    def test_two_subjects_of_one_name(self):
        self.commit_tree("KVM: Same name", {"virt/a.c": LICENCE})
        self.commit_tree("KVM: Same - name", {"virt/b.c": LICENCE})
        self.assert_refused("import", "kvm-same-name.patch")

    def test_a_commit_that_changes_nothing(self):
        git(self.room.tree, "commit", "-q", "--allow-empty", "-m", "KVM: Nothing")
        self.assert_refused("import", "changes nothing")

    def test_a_detached_head(self):
        self.standard_series()
        git(self.room.tree, "checkout", "-q", "--detach")
        self.assert_refused("import", "not on the branch series")

    def test_a_queue_that_moved_on(self):
        self.standard_series()
        self.commit_tree("KVM: Third", {"virt/third.c": LICENCE})
        write(self.repo, {"virt/new.c": LICENCE + "int somebody_else;\n"})
        self.commit_repo()
        self.assert_refused("import", "moved on", "mk/series rebase")
        self.cli("rebase")
        self.cli("import")
        self.assertIn("somebody_else", (self.repo / "virt/new.c").read_text())
        self.assertTrue((self.repo / "virt/third.c").exists())


class Rebase(World):
    """The repository and the tree both changed one line of a hook."""

    def setUp(self):
        super().setUp()
        self.standard_series()
        self.commit_tree("KVM: Third", {"virt/old.c": (self.room.tree / "virt/old.c").read_text().replace("int five;", "int mine;")})
        patch = self.room.patches / "kvm-add-new.patch"
        patch.write_text(patch.read_text().replace("+int five;", "+int theirs;"))
        self.commit_repo()
        self.assert_refused("rebase", "stopped at a conflict", "--continue")

    def test_an_aborted_one_does_not_count(self):
        git(self.room.tree, "rebase", "--abort")
        self.assert_refused("import", "moved on", "mk/series rebase")
        self.assertIn("+int theirs;", (self.room.patches / "kvm-add-new.patch").read_text())

    def test_a_resolved_one_counts(self):
        write(self.room.tree, {"virt/old.c": self.upstream_text("virt/old.c", "int line5;\n", "int both;\n")})
        git(self.room.tree, "add", "-u")
        git(self.room.tree, "-c", "core.editor=true", "rebase", "--continue")
        self.cli("import")
        self.assertIn("+int theirs;", (self.room.patches / "kvm-add-new.patch").read_text())
        self.assertIn("+int both;", (self.room.patches / "kvm-third.patch").read_text())


class TreeRefuses(World):
    def test_unimported_commits(self):
        self.standard_series()
        head = self.commit_tree("KVM: Third", {"virt/third.c": LICENCE})
        self.assert_refused("tree", "not imported", "make import")
        self.assertEqual(git(self.room.tree, "rev-parse", "series"), head)

    def test_unimported_commits_also_when_the_source_changes(self):
        self.commit_tree("KVM: Third", {"virt/third.c": LICENCE})
        write(self.src, {"MAINTAINERS": UPSTREAM["MAINTAINERS"] + "\nZETA\nF:\tvirt/zeta.c\n"})
        self.assert_refused("tree", "not imported", args=("--src", str(self.src)))

    def test_a_dirty_tree(self):
        self.standard_series()
        write(self.room.tree, {"virt/old.c": "int x;\n"})
        write(self.repo, {"virt/new.c": LICENCE})
        self.assert_refused("tree", "uncommitted changes", "virt/old.c")
        self.assertEqual((self.room.tree / "virt/old.c").read_text(), "int x;\n")

    def test_no_tree_and_no_source(self):
        git(self.repo, "clean", "-xfdq", "-f")
        self.assert_refused("tree", "build/linux is not there yet", "--src")

    def test_a_borrowed_repository_that_went_away(self):
        git(self.src, "init", "-q")
        git(self.src, "add", "-Af", ".")
        git(self.src, "commit", "-q", "-m", "theirs")
        self.cli("tree", "--src", str(self.src))
        shutil.rmtree(self.src / ".git")
        self.assert_refused("tree", "lost the objects", str(self.src))

    def test_a_source_that_was_built_in(self):
        write(self.src, {"vmlinux": "x", "MAINTAINERS": "other\n"})
        self.assert_refused("tree", "not pristine", "vmlinux", args=("--src", str(self.src)))

    def test_a_source_that_is_something_else(self):
        write(self.top / "else", {"file": "x"})
        self.assert_refused("tree", "no linux tree", args=("--src", str(self.top / "else")))


class QueueRefused(World):
    """The queue itself breaks a rule: tree says which patch, and check fails too."""

    def setUp(self):
        super().setUp()
        self.standard_series()
        self.add = self.room.patches / "kvm-add-new.patch"

    def edit(self, old, new):
        text = self.add.read_text()
        self.assertIn(old, text)
        self.add.write_text(text.replace(old, new))

    def test_a_stale_hook(self):
        stale = {**UPSTREAM, "virt/old.c": self.upstream_text("virt/old.c", "int line5;\n", "int moved;\n")}
        write(self.src, {**stale, "MAINTAINERS": UPSTREAM["MAINTAINERS"] + "\n"})
        self.assert_refused("tree", "kvm-add-new.patch does not apply", "virt/old.c", args=("--src", str(self.src)))
        self.assertIn("kvm-add-new.patch does not apply", self.cli("check", ok=False))

    def test_fuzz(self):
        self.edit(" int line3;\n", " int line_three;\n")
        self.assert_refused("tree", "kvm-add-new.patch does not apply", "no fuzz")

    def test_adds_of_an_upstream_path(self):
        write(self.repo, {"virt/big.c": LICENCE})
        self.edit("Adds: virt/new.c\n", "Adds: virt/new.c\nAdds: virt/big.c\n")
        self.assert_refused("tree", "Adds: virt/big.c: exists upstream")

    def test_adds_of_a_missing_file(self):
        self.edit("Adds: virt/new.c\n", "Adds: virt/absent.c\n")
        self.assert_refused("tree", "virt/absent.c: no such file")

    def test_adds_twice(self):
        use = self.room.patches / "kvm-use-new.patch"
        use.write_text(use.read_text().replace("Section:", "Adds: virt/new.c\nSection:"))
        self.assert_refused("tree", "another patch adds it already")

    def test_a_hunk_on_a_file_of_ours(self):
        self.edit("a/virt/old.c b/virt/old.c", "a/virt/new.c b/virt/new.c")
        self.assert_refused("tree", "hunk on virt/new.c, a file of ours")

    def test_a_hunk_on_no_upstream_file(self):
        self.edit("a/virt/old.c b/virt/old.c", "a/virt/xxx.c b/virt/xxx.c")
        self.assert_refused("tree", "hunk on virt/xxx.c, which upstream has not")

    def test_a_section_that_is_not_here(self):
        write(self.repo, {"MAINTAINERS": "# ours\n"})
        self.assert_refused("tree", "Section: BETA TWO")

    def test_a_section_that_upstream_has(self):
        write(self.repo, {"MAINTAINERS": SECTION.replace("BETA TWO", "GAMMA")})
        use = self.room.patches / "kvm-use-new.patch"
        use.write_text(use.read_text().replace("BETA TWO", "GAMMA"))
        self.assert_refused("tree", "Section: GAMMA: exists upstream")

    def test_an_unknown_header(self):
        self.edit("Adds: virt/new.c\n", "Add: virt/new.c\n")
        self.assert_refused("tree", "no such header", "Add: virt/new.c")

    def test_a_missing_patch(self):
        self.add.unlink()
        self.assert_refused("tree", "kvm-add-new.patch is missing")

    def test_nothing_was_exported(self):
        """A refused queue leaves the tree as it was."""
        before = self.ids()
        self.edit(" int line3;\n", " int line_three;\n")
        self.assert_refused("tree", "does not apply")
        self.assertEqual(self.ids(), before)
