"""The releases of one app on disk."""

import unittest
from pathlib import Path
from unittest import mock

import booted

from genconf_host import store
from genconf_host.store import Rejected


class Releases(booted.HostTest):
    def passed(self, content: str) -> str:
        """A release that passed its gates."""
        digest = self.admit(content)[:12]
        self.store.record(digest)
        return digest

    def test_an_upload_with_another_digest_is_no_release(self) -> None:
        upload = self.store.incoming("0" * 64)
        upload.parent.mkdir(parents=True)
        upload.write_text("cut short")
        with self.assertRaisesRegex(Rejected, "digest mismatch"):
            self.store.admit("randoms", "0" * 64)
        self.assertEqual(self.store.releases(), [])
        self.assertFalse(upload.exists())

    def test_a_release_that_is_deleted_halfway_is_none(self) -> None:
        digest = self.admit("v1")[:12]

        def killed(path: Path, **_: object) -> None:
            if path.exists():
                (path / "randoms").unlink()
                raise KeyboardInterrupt

        with mock.patch.object(store.shutil, "rmtree", killed), self.assertRaises(KeyboardInterrupt):
            self.store.forget(digest)
        self.assertFalse(self.store.has(digest))
        self.assertEqual(self.admit("v1")[:12], digest)
        self.assertTrue((self.store.root / "releases" / digest / "randoms").is_file())

    def test_the_history_is_on_disk_before_it_counts(self) -> None:
        """fsync(2): an emptied history would have releases removed that a rollback needs."""
        synced: list[str] = []
        self.patch(store.files, "sync", lambda path: synced.append(path.name))
        self.passed("v1")
        self.assertEqual(synced[-2:], [".history", self.store.root.name])

    def test_what_killed_runs_left_is_removed(self) -> None:
        left = self.store.incoming("1" * 64)
        left.mkdir(parents=True)
        self.store.incoming("2" * 64).write_text("cut short")
        file = self.store.root / "file"
        file.write_text("whole")
        self.store.receive("0" * 64, file)
        self.assertEqual([path.name for path in left.parent.iterdir()], ["0" * 64])

    def test_what_is_received_comes_whole_or_not_at_all(self) -> None:
        file, upload = self.store.root / "file", self.store.incoming("0" * 64)
        self.store.root.mkdir(parents=True, exist_ok=True)
        file.write_text("v1")
        self.store.receive("0" * 64, file)
        self.assertEqual((upload.read_text(), file.exists()), ("v1", False))

        def run_out(_: object, to: Path) -> None:
            to.write_text("v")
            raise OSError("No space left on device")

        with mock.patch.object(store.shutil, "move", run_out):
            with self.assertRaisesRegex(OSError, "No space left"):
                self.store.receive("0" * 64, file)
        self.assertFalse(upload.exists())

    def test_anyone_may_run_a_release(self) -> None:
        digest = self.admit("v1")[:12]
        release = self.store.root / "releases" / digest
        self.assertEqual(release.stat().st_mode & 0o777, 0o755)
        self.assertEqual((release / "randoms").stat().st_mode & 0o777, 0o755)

    def test_five_are_kept_and_the_current_one_always(self) -> None:
        digests = [self.passed("v0")]
        self.store.flip(digests[0])
        digests += [self.passed(f"v{number}") for number in range(1, 8)]
        self.assertEqual(self.store.history, digests[-5:])
        self.assertEqual(set(self.store.releases()), {digests[0], *digests[-5:]})

    def test_previous_is_the_one_that_passed_before_the_current(self) -> None:
        digests = [self.passed(f"v{number}") for number in range(3)]
        self.store.flip(digests[2])
        self.assertEqual(self.store.previous(), digests[1])
        self.store.flip(digests[0])
        self.assertIsNone(self.store.previous())

    def test_a_move_that_was_cut_short_is_ended_by_going_back(self) -> None:
        a, b, c = (self.passed(name) for name in "abc")
        new = self.admit("new")[:12]
        # What runs in part, what ran before, and what a rollback goes to.
        for current, proven, previous in ((b, c, b), (a, c, a), (new, c, c), (c, b, b)):
            self.store.flip(current)
            self.store.prove(proven)
            self.assertEqual(self.store.previous(), previous, (current, proven))

    def test_a_move_from_a_release_is_ended_by_going_back(self) -> None:
        a, b, c = (self.passed(name) for name in "abc")
        for current, left, previous in ((b, c, b), (c, b, b), (b, "gone", a), (b, None, a), (b, b, a)):
            self.store.flip(current)
            self.store.prove(current)
            self.assertEqual(self.store.previous(left), previous, (current, left))

    def test_deploying_an_old_release_makes_it_the_youngest(self) -> None:
        first, second = self.passed("v1"), self.passed("v2")
        self.store.record(first)
        self.store.flip(first)
        self.assertEqual(self.store.previous(), second)

    def test_what_was_left_is_not_what_came_before(self) -> None:
        a, b, c = (self.passed(name) for name in "abc")
        d = self.admit("d")[:12]
        self.store.record(d, previous=b)
        self.assertEqual(self.store.history, [c, a, b, d])
        for current, previous in ((d, b), (b, a)):
            self.store.flip(current)
            self.assertEqual(self.store.previous(), previous)

    def test_five_are_kept_after_a_rollback_too(self) -> None:
        digests = [self.passed(f"v{number}") for number in range(5)]
        new = self.admit("v5")[:12]
        self.store.record(new, previous=digests[3])
        self.assertEqual(self.store.history, [*digests[:4], new])
        self.assertNotIn(digests[4], self.store.releases())

    def test_a_release_whose_record_was_cut_short_came_before_all_the_same(self) -> None:
        first, unrecorded, new = self.passed("v1"), self.admit("v2")[:12], self.admit("v3")[:12]
        self.store.record(new, previous=unrecorded)
        self.assertEqual(self.store.history, [first, unrecorded, new])

    def test_a_beginning_of_two_digests_names_neither(self) -> None:
        first = self.passed("v1")
        self.passed("v2")
        self.assertEqual(self.store.find(first[:4]), first)
        self.assertIsNone(self.store.find("not there"))
        with self.assertRaisesRegex(Rejected, "more than one release"):
            self.store.find("")

    def test_a_forgotten_release_leaves_no_trace(self) -> None:
        digest = self.admit("v1")[:12]
        self.store.flip(digest)
        self.store.record(digest)
        self.store.prove(digest)
        self.store.forget(digest)
        traces = (self.store.current, self.store.proven, self.store.history, self.store.releases())
        self.assertEqual(traces, (None, None, [], []))


if __name__ == "__main__":
    unittest.main()
