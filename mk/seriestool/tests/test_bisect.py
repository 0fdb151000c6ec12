# SPDX-License-Identifier: GPL-2.0-only
"""bisect gives a verdict on every commit, goes on after a failure, and remembers what passed."""

import shutil

from .world import LICENCE, World, git, write


class BisectEveryCommit(World):
    """Three commits; the second one holds the word BROKEN, which the third takes away."""

    def setUp(self):
        super().setUp()
        self.commit_tree("KVM: One", {"virt/one.c": LICENCE})
        self.commit_tree("KVM: Two", {"virt/old.c": self.upstream_text("virt/old.c", "int line5;\n", "BROKEN\n")})
        self.commit_tree("KVM: Three", {"virt/old.c": self.upstream_text("virt/old.c", "int line5;\n", "int ok;\n")})
        self.cli("import")
        self.commit_repo()
        self.args = ("--build", 'echo "$COMMIT" >> "$BISECT_TREE/../built"; ! grep BROKEN "$BISECT_TREE/virt/old.c"')

    def built(self):
        return (self.repo / "build/built").read_text().split()

    def test_a_failing_commit_is_named_and_the_rest_still_runs(self):
        said = self.cli("bisect", *self.args, "--test", "true", ok=False)
        ids = [c[:12] for c in reversed(self.ids())]
        self.assertIn(f"[PASS] {ids[0]} KVM: One", said)
        self.assertIn(f"[FAIL] {ids[1]} KVM: Two\n       + echo", said)
        self.assertIn("way out: the whole log is build/log/bisect/002-", said)
        self.assertIn(f"[PASS] {ids[2]} KVM: Three", said)
        self.assertTrue(said.endswith("2 passed, 1 failed\n"), said)

    def test_a_failing_test_is_a_failure(self):
        said = self.cli("bisect", "--build", "true", "--test", 'test ! -e "$BISECT_TREE/virt/one.c"', ok=False)
        self.assertIn("0 passed, 3 failed", said)

    def test_what_passed_is_not_built_again(self):
        self.cli("bisect", *self.args, "--test", "true", ok=False)
        before = self.built()
        said = self.cli("bisect", *self.args, "--test", "true", ok=False)
        self.assertEqual(self.built()[len(before):], [self.ids()[1]])
        self.assertIn("KVM: One (known)", said)

    def test_another_configuration_is_built_again(self):
        self.cli("bisect", *self.args, "--test", "true", ok=False)
        write(self.repo, {"configs/host.config": "CONFIG_X=y\n"})
        said = self.cli("bisect", *self.args, "--test", "true", ok=False)
        self.assertNotIn("(known)", said)

    def test_what_the_image_holds_counts_in_folders_too(self):
        self.cli("bisect", *self.args, "--test", "true", ok=False)
        write(self.repo, {"mk/guest/module/one.c": LICENCE})
        said = self.cli("bisect", *self.args, "--test", "true", ok=False)
        self.assertNotIn("(known)", said)

    def test_the_developer_s_tree_is_left_alone(self):
        before = self.ids()
        write(self.room.tree, {"virt/big.c": "int dirty;\n"})
        self.cli("bisect", "--build", "true", "--test", "true")
        self.assertEqual(self.ids(), before)
        self.assertEqual(git(self.room.tree, "status", "--porcelain"), "M virt/big.c")


    def test_a_tree_made_anew_gets_a_new_work_tree(self):
        self.cli("bisect", "--build", "true", "--test", "true")
        shutil.rmtree(self.room.tree)
        self.cli("tree", "--src", str(self.src))
        said = self.cli("bisect", "--build", "true", "--test", 'test -e "$BISECT_TREE/virt/one.c"')
        self.assertIn("3 passed, 0 failed", said)


class BisectRefuses(World):
    def test_an_empty_queue(self):
        self.assert_refused("bisect", "series is empty")
