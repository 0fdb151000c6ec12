# SPDX-License-Identifier: GPL-2.0-only
"""Export then import, and import then export, give back what went in."""

import os
import shutil
import subprocess

from .world import LICENCE, SECTION, World, git, write


class RoundTrip(World):
    def test_export_then_import_leaves_the_repository_alone(self):
        self.standard_series()
        self.cli("tree")
        self.cli("import")
        self.assertEqual(self.repo_status(), "")

    def test_import_then_export_gives_the_same_ids(self):
        self.standard_series()
        before = self.ids()
        self.cli("import")
        self.cli("tree")
        self.assertEqual(self.ids(), before)

    def test_a_fresh_tree_gives_the_same_ids(self):
        self.standard_series()
        before = self.ids()
        git(self.repo, "clean", "-xfdq", "-f")
        self.cli("tree", "--src", str(self.src))
        self.assertEqual(self.ids(), before)
        self.assertEqual(len(before), 2)

    def test_a_git_source_and_a_tarball_give_the_same_base(self):
        base = git(self.room.tree, "rev-parse", "base")
        tarball = self.top / "upstream.tar.xz"
        subprocess.run(["tar", "-C", self.top, "-cJf", tarball, "upstream"], check=True)
        self.cli("tree", "--src", str(tarball))
        self.assertEqual(git(self.room.tree, "rev-parse", "base"), base)
        git(self.src, "init", "-q")
        git(self.src, "add", "-Af", ".")
        git(self.src, "commit", "-q", "-m", "theirs")
        self.cli("tree", "--src", str(self.src))
        self.assertEqual(git(self.room.tree, "rev-parse", "base"), base)

    def test_the_import_holds_our_files_whole_and_hunks_on_theirs(self):
        self.standard_series()
        patch = (self.room.patches / "kvm-add-new.patch").read_text()
        self.assertIn("Subject: KVM: Add new\nAdds: virt/new.c\n\nBecause.\n\n---\n\ndiff --git a/virt/old.c", patch)
        self.assertNotIn("int new;", patch)
        self.assertNotIn("\nindex ", patch)
        self.assertEqual((self.repo / "virt/new.c").read_text(), LICENCE + "int new;\n")
        self.assertEqual((self.room.patches / "series").read_text().split("\n")[1:],
                         ["kvm-add-new.patch", "kvm-use-new.patch", ""])

    def test_a_section_lives_here_alone_and_enters_after_its_predecessor(self):
        self.standard_series()
        self.assertIn(SECTION, (self.repo / "MAINTAINERS").read_text())
        self.assertNotIn("ALPHA", (self.repo / "MAINTAINERS").read_text())
        self.cli("tree")
        self.assertEqual(git(self.room.tree, "show", "series:MAINTAINERS") + "\n", self.with_section())

    def test_a_section_at_the_wrong_place_is_put_right(self):
        self.commit_tree("MAINTAINERS: Name it", {"MAINTAINERS": self.with_section().replace("\n" + SECTION, "", 1) + "\n" + SECTION})
        self.cli("import")
        self.assertEqual(git(self.room.tree, "show", "series:MAINTAINERS") + "\n", self.with_section())
        self.assertEqual(git(self.room.tree, "status", "--porcelain"), "")

    def test_an_executable_stays_one_and_a_removed_file_goes(self):
        write(self.room.tree, {"virt/run.sh": "#!/bin/sh\n"})
        os.chmod(self.room.tree / "virt/run.sh", 0o755)
        self.commit_tree("KVM: Add run", {"virt/gone.c": LICENCE})
        self.cli("import")
        self.commit_repo()
        self.assertTrue(os.access(self.repo / "virt/run.sh", os.X_OK))
        git(self.room.tree, "rm", "-q", "virt/gone.c")
        git(self.room.tree, "commit", "-q", "--amend", "--no-edit")
        self.cli("import")
        self.assertFalse((self.repo / "virt/gone.c").exists())

    def test_comments_of_series_stay_with_their_patch(self):
        self.standard_series()
        series = self.room.patches / "series"
        series.write_text(series.read_text().replace("kvm-use", "\n# The second part\nkvm-use"))
        self.commit_repo()
        self.cli("tree")
        self.commit_tree("KVM: Third", {"virt/third.c": LICENCE})
        self.cli("import")
        self.assertIn("\n\n# The second part\nkvm-use-new.patch\nkvm-third.patch\n", series.read_text())


class Speed(World):
    def test_only_what_differs_is_written(self):
        self.standard_series()
        past = {}
        for name in ("virt/new.c", "virt/old.c", "Kbuild"):
            os.utime(self.room.tree / name, (10**9, 10**9))
            past[name] = 10**9
        git(self.room.tree, "update-index", "-q", "--refresh")
        write(self.repo, {"virt/new.c": LICENCE + "int newer;\n"})
        self.cli("tree")
        now = {name: int(os.stat(self.room.tree / name).st_mtime) for name in past}
        self.assertNotEqual(now.pop("virt/new.c"), 10**9)
        self.assertEqual(set(now.values()), {10**9})

    def test_an_interrupted_switch_is_finished(self):
        self.standard_series()
        write(self.repo, {"virt/new.c": LICENCE + "int newer;\n"})
        self.cli("tree")
        head = self.ids()[0]
        # What an interrupt leaves: the goal noted, the lock of git's index, some files written.
        self.tree.put("pending", head)
        write(self.room.tree, {".git/index.lock": "", "virt/new.c": "half"})
        self.cli("tree")
        self.assertEqual(git(self.room.tree, "status", "--porcelain"), "")
        self.assertIn("newer", (self.room.tree / "virt/new.c").read_text())


    def test_an_interrupted_unpacking_is_begun_again(self):
        self.standard_series()
        before = self.ids()
        shutil.rmtree(self.room.tree)
        write(self.repo, {"build/.linux.new/half": "x"})
        self.cli("tree", "--src", str(self.src))
        self.assertEqual(self.ids(), before)
        self.assertFalse((self.room.tree / "half").exists())

    def test_a_package_that_ignores_everything_hides_no_new_file(self):
        write(self.room.tree, {"virt/forgotten.c": LICENCE})
        self.assertEqual(git(self.room.tree, "status", "--porcelain"), "?? virt/forgotten.c")


class Qemu(World):
    """The other room: the same one level down, MAINTAINERS by hunks."""

    room_name = "qemu"

    def test_round_trip(self):
        self.standard_series()
        before = self.ids()
        self.cli("tree")
        self.cli("import")
        self.assertEqual(self.repo_status(), "")
        self.assertEqual(self.ids(), before)

    def test_our_files_are_one_level_down(self):
        self.standard_series()
        self.assertEqual((self.repo / "qemu/virt/new.c").read_text(), LICENCE + "int new;\n")
        patch = (self.room.patches / "kvm-use-new.patch").read_text()
        self.assertIn("GPL-2.0-or-later", patch)
        self.assertIn("+BETA TWO", patch)
