# SPDX-License-Identifier: GPL-2.0-only
"""Each rule of make check: what keeps it passes, what breaks it fails with the way out."""

import os

from .world import LICENCE, World, git, write

SPDX = "# SPDX-License-Identifier: GPL-2.0-only\n"


class Check(World):
    def setUp(self):
        super().setUp()
        write(self.repo, {".gitignore": SPDX + "/build/\n", "patches/linux/cover.txt": SPDX[2:] + "Subject: KVM: New\n\nWords.\n"})
        self.commit_tree("KVM: x86: Add new", {"virt/new.c": LICENCE + "int new;\n",
                                               "virt/old.c": self.upstream_text("virt/old.c", "int line5;\n", "int five;\n")})
        self.commit_tree("MAINTAINERS: Name it", {"MAINTAINERS": self.with_section()})
        self.commit_repo()
        self.cli("import")
        self.commit_repo()

    def assert_fails(self, *words):
        said = self.cli("check", ok=False)
        for word in (*words, "[FAIL]", "way out:"):
            self.assertIn(word, said)

    def add(self, subject, files, body="Because."):
        """One more commit, imported."""
        self.commit_tree(subject, files, body)
        self.cli("import")
        self.commit_repo()

    def test_a_good_repository_passes(self):
        said = self.cli("check")
        self.assertNotIn("FAIL", said)
        self.assertEqual(said.count("[PASS]"), 12)

    def test_a_file_beside_the_series(self):
        write(self.repo, {"virt/stray.c": LICENCE})
        self.assert_fails("virt/stray.c: lies in a folder of linux and no patch adds it")

    def test_a_file_in_a_folder_of_our_own_is_no_stray(self):
        write(self.repo, {"mk/tool.c": LICENCE})
        self.cli("check")

    def test_an_unimported_commit(self):
        self.commit_tree("KVM: x86: Third", {"virt/third.c": LICENCE})
        self.assert_fails("not imported", "make import")

    def test_a_patch_that_is_not_canonical(self):
        patch = self.room.patches / "kvm-x86-add-new.patch"
        patch.write_text(patch.read_text().replace("\n@@ -2,7 +2,7 @@", "\n@@ -3,7 +3,7 @@"))
        self.assert_fails("is not what export and import give")

    def test_a_patch_that_series_does_not_name(self):
        write(self.repo, {"patches/linux/other.patch": SPDX})
        self.assert_fails("other.patch: series does not name it")

    def test_a_section_that_no_patch_adds(self):
        path = self.repo / "MAINTAINERS"
        path.write_text(path.read_text() + "\nZETA\nF:\tvirt/zeta.c\n")
        self.assert_fails("no patch has 'Section: ZETA'")

    def test_a_long_file(self):
        write(self.repo, {"mk/long.c": LICENCE + "int x;\n" * 400})
        self.assert_fails("mk/long.c: 401 lines, 400 allowed")

    def test_a_file_of_just_the_length(self):
        write(self.repo, {"mk/long.c": LICENCE + "int x;\n" * 399})
        self.cli("check")

    def test_a_long_function_of_each_language(self):
        for name, head, line, foot in (("mk/f.c", "int f(void)\n{\n", "\tx();\n", "}\n"), ("mk/f.py", "def f():\n", "    x()\n", ""),
                                       ("mk/f.sh", "f() {\n", "\tx\n", "}\n")):
            write(self.repo, {name: LICENCE + head + line * 80 + foot} if name.endswith(".c") else {name: SPDX + head + line * 80 + foot})
            self.cli("check")
            text = (self.repo / name).read_text()
            write(self.repo, {name: text.replace(line, line * 2, 1)})
            self.assert_fails(f"{name}: f(): 81 lines, 80 allowed")
            os.unlink(self.repo / name)

    def test_what_is_no_python(self):
        write(self.repo, {"mk/f.py": SPDX + "def f(:\n"})
        self.assert_fails("mk/f.py:2: no Python")

    def test_no_licence(self):
        write(self.repo, {"mk/f.c": "int x;\n"})
        self.assert_fails("mk/f.c: no SPDX line")

    def test_a_host_a_path_and_an_address(self):
        for line in ("https:/" + "/registry.somewhere.net/x", "see /ho" + "me/somebody", "somebody@some" + "where.net"):
            write(self.repo, {"mk/f.c": LICENCE + f"/* {line} */\n"})
            self.assert_fails("mk/f.c:2: names")
        write(self.repo, {"mk/f.c": LICENCE + "/* kvm@vger.kernel.org https://lore.kernel.org/x */\n"})
        self.cli("check")

    def test_a_host_in_upstream_s_words_is_no_fault_of_ours(self):
        """A hunk whose context names a host passes, one that adds it does not."""
        host = "https:/" + "/vendor.somewhere.net/x"
        write(self.src, {"virt/big.c": f"/* {host} */\nint a;\n", "MAINTAINERS": "other\n"})
        git(self.repo, "rm", "-rqf", "patches", "virt", "MAINTAINERS")
        write(self.repo, {"patches/linux/series": SPDX, "patches/linux/cover.txt": SPDX[2:] + "Subject: New\n\nWords.\n"})
        self.cli("tree", "--src", str(self.src))
        self.commit_repo()
        self.add("KVM: x86: Change b", {"virt/big.c": f"/* {host} */\nint b;\n"})
        self.cli("check")
        self.add("KVM: x86: Change c", {"virt/big.c": f"/* {host} */\nint b; /* {host} */\n"})
        self.assert_fails("kvm-x86-change-c.patch:14: names the host vendor.somewhere.net")

    def test_subjects(self):
        self.add("KVM: x86: lower case", {"virt/a.c": LICENCE})
        self.assert_fails("subject is not 'KVM: <topic>: Verb ...'")

    def test_a_subject_with_a_full_stop(self):
        self.add("KVM: x86: Add a thing.", {"virt/a.c": LICENCE})
        self.assert_fails("subject is not 'KVM: <topic>: Verb ...'")

    def test_a_long_subject(self):
        self.add("KVM: x86: Add " + "x" * 61, {"virt/a.c": LICENCE})
        self.cli("check")
        git(self.room.tree, "commit", "-q", "--amend", "-m", "KVM: x86: Add " + "x" * 62 + "\n\nBecause.")
        self.cli("import")
        self.assert_fails("subject of 76 characters")

    def test_a_trailer(self):
        self.add("KVM: x86: Add a thing", {"virt/a.c": LICENCE}, "Because.\n\nSigned-off-by: X <x@y.invalid>")
        self.assert_fails("trailer 'Signed-off-by: '")

    def test_no_message(self):
        self.add("KVM: x86: Add a thing", {"virt/a.c": LICENCE}, "")
        self.assert_fails("no message under the subject")

    def test_checkpatch_and_its_notes(self):
        self.add("KVM: x86: Add a thing", {"virt/a.c": LICENCE + "/* UGLY */\n"})
        self.assert_fails("kvm-x86-add-a-thing.patch: 1 reports", "UGLY_WORD virt/a.c:2: WARNING: ugly")
        notes = "kvm-x86-add-a-thing.patch UGLY_WORD it must be\n"
        write(self.repo, {"patches/linux/checkpatch.notes": SPDX + notes})
        self.cli("check")
        write(self.repo, {"patches/linux/checkpatch.notes": SPDX + notes + "* OTHER_WORD no more\n"})
        self.assert_fails("no such report any more: * OTHER_WORD")
        write(self.repo, {"patches/linux/checkpatch.notes": SPDX + "* UGLY_WORD\n"})
        self.assert_fails("PATCH TYPE reason")

    def test_a_queue_that_does_not_apply(self):
        (self.repo / "virt/new.c").unlink()
        self.assert_fails("virt/new.c: no such file")
