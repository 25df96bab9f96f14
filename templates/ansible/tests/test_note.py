"""What a run did here."""

import unittest

import booted

from genconf_host import lease, note

ALICE = lease.Run("alice@laptop", 10, [10], take_over=False)
BOB = lease.Run("bob@desk", 10, [10], take_over=False)


class Notes(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.ship(self.admit("v1"))

    def test_what_was_noted_can_be_undone(self) -> None:
        old = self.store.current
        note.unended("randoms", ALICE).write(self.ship(self.admit("v2")))
        self.site.undo(note.unended("randoms").read() or ())
        self.assertEqual(self.running(), [old] * 3)

    def test_a_run_reads_only_what_it_noted_itself(self) -> None:
        outcomes = self.ship(self.admit("v2"))
        note.unended("randoms", ALICE).write(outcomes)
        self.assertEqual(note.unended("randoms", ALICE).read(), tuple(outcomes))
        self.assertIsNone(note.unended("randoms", BOB).read())
        note.unended("randoms", BOB).write([])
        self.assertEqual(note.unended("randoms").read(), ())

    def test_what_is_guarded_and_what_has_not_ended_are_two(self) -> None:
        note.guarded("randoms").write([])
        self.assertIsNone(note.unended("randoms").read())
        note.unended("randoms").remove()
        self.assertEqual(note.guarded("randoms").read(), ())


if __name__ == "__main__":
    unittest.main()
