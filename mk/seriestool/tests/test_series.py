# SPDX-License-Identifier: GPL-2.0-only
"""series makes a branch and mails in a clone that has a history of its own."""

import shutil

from .world import UPSTREAM, World, git, write


class Series(World):
    def setUp(self):
        super().setUp()
        self.standard_series()
        write(self.repo, {"patches/linux/cover.txt": "SPDX-License-Identifier: GPL-2.0-only\nSubject: KVM: New\n\nThe cover's words.\n"})
        self.commit_repo()
        self.clone = self.top / "clone"
        shutil.copytree(self.src, self.clone)
        git(self.clone, "init", "-q")
        git(self.clone, "config", "user.name", "Some Sender")
        git(self.clone, "config", "user.email", "sender@example.invalid")
        git(self.clone, "add", "-Af", ".")
        git(self.clone, "commit", "-q", "-m", "upstream")
        git(self.clone, "tag", "v1.0")
        self.args = ("--base", "v1.0", "--linux-git", str(self.clone))

    def mails(self, version=1):
        return {p.name: p.read_text() for p in sorted((self.repo / f"build/series/v{version}").iterdir())}

    def test_the_mails(self):
        self.cli("series", *self.args)
        mails = self.mails()
        self.assertEqual(list(mails), ["0000-cover-letter.patch", "0001-KVM-Add-new.patch", "0002-KVM-Use-new.patch"])
        cover = mails["0000-cover-letter.patch"]
        self.assertIn("Subject: [PATCH 0/2] KVM: New\n", cover)
        self.assertIn("The cover's words.", cover)
        self.assertIn("base-commit: " + git(self.clone, "rev-parse", "v1.0"), cover)
        self.assertIn("+int new;", mails["0001-KVM-Add-new.patch"])

    def test_the_sender_is_the_author_and_nobody_signs(self):
        self.cli("series", *self.args)
        for text in self.mails().values():
            self.assertIn("From: Some Sender <sender@example.invalid>", text)
            self.assertNotIn("-by:", text)

    def test_the_tree_is_the_exported_one(self):
        self.cli("series", *self.args)
        self.assertEqual(git(self.clone, "show", "series-v1:MAINTAINERS") + "\n", self.with_section())
        self.assertEqual(git(self.clone, "status", "--porcelain"), "")

    def test_a_second_version_has_a_range_diff(self):
        self.cli("series", *self.args)
        write(self.repo, {"virt/new.c": "int better;\n"})
        self.cli("series", *self.args, "--version", "2")
        cover = self.mails(2)["v2-0000-cover-letter.patch"]
        self.assertIn("[PATCH v2 0/2]", cover)
        self.assertIn("Range-diff against v1:", cover)
        self.assertIn("+int better;", cover)

    def test_a_version_is_not_overwritten(self):
        self.cli("series", *self.args)
        self.assert_refused("series", "series-v1 is there already", "V=2", args=self.args)

    def test_a_base_that_is_not_there(self):
        self.assert_refused("series", "BASE=v9: no such commit", args=("--base", "v9", "--linux-git", str(self.clone)))

    def test_no_base_and_no_clone(self):
        self.assert_refused("series", "BASE and LINUX_GIT are needed")

    def test_a_clone_that_is_none(self):
        self.assert_refused("series", "is no git clone", args=("--base", "v1.0", "--linux-git", str(self.src)))

    def test_a_patch_that_does_not_apply(self):
        write(self.clone, {"virt/old.c": UPSTREAM["virt/old.c"].replace("int line6;\n", "int moved;\n")})
        git(self.clone, "commit", "-qam", "moved on")
        self.assert_refused("series", "kvm-add-new.patch does not apply", "virt/old.c",
                            args=("--base", "HEAD", "--linux-git", str(self.clone)))
        self.assertEqual(git(self.clone, "branch", "--list", "series-v1"), "")

    def test_a_version_that_is_no_number(self):
        self.assert_refused("series", "V=two", args=(*self.args, "--version", "two"))


class NoMail(World):
    room_name = "qemu"

    def test_the_other_room_has_no_mail_target(self):
        self.assert_refused("series", "no mail target")
