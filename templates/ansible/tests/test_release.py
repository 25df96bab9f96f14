"""The steps of a run on one host, and what is left of one that was cut off."""

import hashlib
import unittest
from dataclasses import asdict, replace
from typing import Any
from unittest import mock

import booted

from genconf_host import confirmation, deploy, guard, lease, note, release
from genconf_host.deploy import Abandoned
from genconf_host.roll import Failed

ALICE = {"who": "alice@laptop", "pid": "10", "living": ["10"], "take_over": False}
BOB = {"who": "bob@desk", "pid": "20", "living": ["20"], "take_over": True}


class Steps(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.began: list[str] = []
        for where in (confirmation, guard):
            self.patch(where, "start_transient", lambda name, *_: self.began.append(name))
        self.old = self.admit("v1")[:12]
        self.ship(self.admit("v1"))
        self.new = self.admit("v2")
        self.step("look", artifacts={"randoms": self.new})

    def step(
        self, name: str, run: dict[str, Any] = ALICE, *, dry: bool = False, **given: Any
    ) -> dict[str, Any]:
        """What the step of that name returns."""
        defaults: dict[str, Any] = {"artifacts": {}, "only_first": False, "release": "", "apps": []}
        defaults |= {"programs": [], "uploaded": {}, "chosen": {}, "outcomes": [], "run": run}
        defaults |= {"observe": 0.0, "confirm": 0.0, "guard": 0.0}
        return release.STEPS[name](defaults | given, replace(self.site, dry=dry))

    def roll(self, **given: Any) -> list[dict[str, Any]]:
        """Deploys the new release; returns its outcomes, as they go over the wire."""
        return self.step("deploy", artifacts={"randoms": self.new}, **given)["outcomes"]

    def is_on(self, digest: str) -> None:
        self.assertEqual(self.running(), [digest[:12]] * 3)
        self.assertEqual((self.store.current, self.store.proven), (digest[:12], digest[:12]))

    def test_what_a_task_did_that_was_cut_off_is_undone(self) -> None:
        self.roll()
        self.assertIn(f"rolled back to release {self.old}", self.step("undo")["summary"])
        self.is_on(self.old)
        self.assertIsNone(note.unended("randoms").read())

    def test_what_was_noted_names_the_run(self) -> None:
        self.roll()
        (lease.RUN / "randoms.lease").unlink()
        self.step("look", BOB)
        self.assertEqual(self.step("undo", BOB)["summary"], "")
        self.is_on(self.new)

    def test_a_task_that_fails_when_all_is_proven_leaves_nothing(self) -> None:
        with mock.patch.object(deploy.Store, "record", side_effect=OSError("No space left on device")):
            with self.assertRaisesRegex(Abandoned, "No space left"):
                self.roll()
        self.is_on(self.old)
        self.assertEqual(self.step("undo")["summary"], "")
        self.is_on(self.old)

    def test_what_cannot_be_noted_is_not_proven(self) -> None:
        with mock.patch.object(note.Note, "write", side_effect=[None, OSError("No space left on device")]):
            with self.assertRaisesRegex(Abandoned, "No space left"):
                self.roll()
        self.is_on(self.old)

    def test_a_run_that_ends_well_leaves_no_note(self) -> None:
        outcomes = self.roll()
        self.assertEqual(note.unended("randoms").read(), (deploy.Outcome(**outcomes[0]),))
        self.step("confirm", outcomes=outcomes)
        self.assertIsNone(note.unended("randoms").read())

    def test_a_host_that_was_given_back_is_undone_with_the_others(self) -> None:
        outcomes = self.roll()
        self.step("confirm", outcomes=outcomes, guard=10.0)
        self.assertEqual(self.began, ["randoms.guard.service"])
        self.step("undo", outcomes=outcomes)
        self.is_on(self.old)
        guard.Guard(self.site).keep(10.0)
        self.is_on(self.old)

    def test_a_run_that_was_taken_over_touches_nothing(self) -> None:
        outcomes = self.roll()
        self.step("look", BOB)
        for name, given in (
            ("deploy", {"artifacts": {"randoms": self.new}}),
            ("rollback", {"chosen": {"randoms": self.old}}),
            ("confirm", {"outcomes": outcomes}),
        ):
            with self.subTest(name), self.assertRaisesRegex(lease.Held, "taken by bob@desk"):
                self.step(name, **given)
        told = self.step("undo", outcomes=outcomes)
        self.assertFalse(told["changed"])
        self.assertIn("node1 was not rolled back: the deploy lock of randoms was taken by bob@desk", told["summary"])
        self.is_on(self.new)

    def test_a_run_whose_successor_has_ended_touches_nothing_either(self) -> None:
        outcomes = self.roll()
        self.step("look", BOB)
        same = self.step("deploy", BOB, artifacts={"randoms": self.new})["outcomes"]
        self.step("confirm", BOB, outcomes=same)
        self.step("undo", outcomes=outcomes)
        self.is_on(self.new)

    def test_a_refused_undo_leaves_what_the_other_run_armed(self) -> None:
        self.roll()
        self.step("look", BOB)
        self.step("deploy", BOB, artifacts={"randoms": self.new}, confirm=30.0)
        self.systemd.verbs.clear()
        self.step("undo")
        self.assertEqual(self.systemd.verbs, [])
        self.assertEqual(len(note.unended("randoms").read() or []), 1)

    def test_the_next_run_takes_back_what_one_did_that_was_killed(self) -> None:
        self.roll()
        self.step("look", BOB)
        self.step("undo", BOB, outcomes=self.roll(run=BOB))
        self.is_on(self.old)

    def test_a_step_renews_the_lease(self) -> None:
        self.patch(lease, "STALE", 100.0)
        with mock.patch.object(lease.time, "time", return_value=0.0):
            self.step("look")
        self.roll()
        with self.assertRaises(lease.Held):
            lease.take("randoms", lease.run({**BOB, "take_over": False}))

    def test_a_check_changes_nothing(self) -> None:
        outcomes = self.roll(confirm=30.0)
        cut_short = self.admit("v3")[:12]
        self.store.flip(cut_short)
        noted = note.unended("randoms").read()
        self.systemd.verbs.clear()
        self.began.clear()
        for name in ("undo", "confirm"):
            self.assertFalse(self.step(name, dry=True, outcomes=outcomes, guard=10.0)["changed"])
        self.step("deploy", dry=True, artifacts={"randoms": self.new}, confirm=30.0)
        self.step("rollback", dry=True, chosen={"randoms": self.old}, confirm=30.0)
        self.assertEqual((self.systemd.verbs, self.began), ([], []))
        self.assertEqual((self.store.current, self.store.proven), (cut_short, self.new[:12]))
        self.assertEqual(note.unended("randoms").read(), noted)

    def test_a_host_without_an_earlier_release_blocks_no_rollback(self) -> None:
        self.store.forget(self.old)
        self.ship(self.admit("v2"))
        for older in self.store.releases():
            if older != self.store.current:
                self.store.forget(older)
        told = self.step("choose", release="", apps=[])
        self.assertEqual((told["chosen"], told["ways"]), ({}, {}))
        self.assertEqual(told["none"], "node1: no earlier release")
        self.assertIn("stays as it is", told["warnings"][0])

    def test_a_check_needs_no_lease(self) -> None:
        self.step("look", BOB)
        self.assertTrue(self.step("deploy", dry=True, artifacts={"randoms": self.new})["changed"])

    def test_whoever_is_refused_is_told_nothing_else(self) -> None:
        careful = {**BOB, "take_over": False}
        looked = self.step("look", careful, artifacts={"randoms": "f" * 64}, programs=["/"])
        chosen = self.step("choose", careful)
        for told in (looked, chosen):
            self.assertIn("node1: randoms is locked by alice@laptop", told["refusal"])
        self.assertEqual((looked["programs"], looked["lacking"]), ([], []))
        self.assertNotIn("chosen", chosen)

    def test_a_look_tells_which_programs_are_here(self) -> None:
        here = str(self.store.root)
        self.assertEqual(self.step("look", programs=[here, "/no/such/program"])["programs"], [here])
        self.assertEqual(self.step("look", dry=True, programs=[here])["programs"], [here])

    def test_what_was_uploaded_becomes_a_release(self) -> None:
        upload, content = self.store.root / "elsewhere", b"v3"
        sha256 = hashlib.sha256(content).hexdigest()
        artifacts = {"randoms": sha256}
        self.assertEqual(self.step("look", artifacts=artifacts)["lacking"], ["randoms"])
        upload.write_bytes(content)
        admitted = self.step("admit", artifacts=artifacts, uploaded={"randoms": str(upload)})
        self.assertEqual(admitted["releases"], [sha256[:12]])
        self.assertFalse(upload.exists())
        self.assertEqual(self.step("look", artifacts=artifacts)["lacking"], [])

    def test_a_choice_takes_the_host(self) -> None:
        self.step("confirm", outcomes=self.roll())
        self.step("choose")
        with self.assertRaises(lease.Held):
            lease.take("randoms", lease.run({**BOB, "take_over": False}))
        self.step("give_back", dry=True)
        with self.assertRaises(lease.Held):
            lease.take("randoms", lease.run({**BOB, "take_over": False}))
        self.step("give_back")
        self.assertEqual(lease.take("randoms", lease.run({**BOB, "take_over": False})), "")

    def test_what_does_not_stay_up_is_not_confirmed(self) -> None:
        outcomes = self.roll()
        self.systemd.crash(booted.UNITS[1])
        with self.assertRaises(Failed):
            self.step("confirm", outcomes=outcomes)
        self.step("undo", outcomes=outcomes)
        self.is_on(self.old)

    def test_hosts_tell_the_way_that_a_rollback_would_take(self) -> None:
        self.step("confirm", outcomes=self.roll())
        chosen = self.step("choose")
        self.assertEqual(chosen["chosen"], {"randoms": self.old})
        way = f"randoms would change from {self.new[:12]} to {self.old}"
        self.assertEqual((chosen["ways"], chosen["warnings"]), ({"randoms": way}, []))
        self.assertEqual(self.step("choose", apps=["elsewhere"])["ways"], {})

    def test_a_rollback_that_did_not_end_is_gone_on_with_once(self) -> None:
        self.step("confirm", outcomes=self.roll())
        newest = self.admit("v3")
        self.step("confirm", outcomes=self.step("deploy", artifacts={"randoms": newest})["outcomes"])
        self.step("rollback", chosen=self.step("choose")["chosen"])
        again = self.step("choose", BOB)
        self.assertEqual(again["chosen"], {"randoms": self.new[:12]})
        self.assertRegex(again["warnings"][1], "^node1: an interrupted rollback of randoms to .* completes first")
        self.systemd.verbs.clear()
        done = self.step("rollback", BOB, chosen=again["chosen"])
        self.assertFalse([verb for verb in self.systemd.verbs if "spread" in verb])
        self.step("confirm", BOB, outcomes=done["outcomes"])
        self.is_on(self.new)
        self.assertEqual(self.step("choose")["chosen"], {"randoms": self.old})


if __name__ == "__main__":
    unittest.main()
