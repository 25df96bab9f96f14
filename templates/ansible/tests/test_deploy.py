"""A release passes on every instance, or the host is as it was."""

import threading
import unittest
from collections.abc import Callable, Iterable
from dataclasses import replace
from unittest import mock

import booted
from booted import UNITS

from genconf_host import deploy, description, roll
from genconf_host.deploy import Abandoned
from genconf_host.health import Check
from genconf_host.roll import Failed
from genconf_host.store import Rejected, Store
from genconf_host.systemd import State


class Deploys(booted.HostTest):
    def test_a_good_release_reaches_every_instance(self) -> None:
        good = self.admit("v1")
        outcomes = self.ship(good)
        self.assertEqual(self.running(), [good[:12]] * 3)
        self.assertEqual(self.store.proven, good[:12])
        self.assertTrue(outcomes[0].changed)

    def test_the_same_release_again_changes_nothing(self) -> None:
        good = self.admit("v1")
        self.ship(good)
        self.systemd.verbs.clear()
        self.assertFalse(self.ship(good)[0].changed)
        self.assertEqual(self.systemd.verbs, [])

    def bad_release_stops_at_the_first_instance(self, behaviour: str, reason: str) -> None:
        good = self.admit("v1")
        self.ship(good)
        bad = self.admit("v2", behaviour)
        self.systemd.verbs.clear()
        with self.assertRaisesRegex(Abandoned, f"(?s){reason}.*rolled back to release {good[:12]}"):
            self.ship(bad)
        self.assertEqual({verb.split()[-1] for verb in self.systemd.verbs}, {UNITS[0]})
        self.assertEqual(self.running(), [good[:12]] * 3)
        self.assertEqual(self.store.current, good[:12])
        self.assertNotIn(bad[:12], self.store.releases())

    def test_a_release_that_exits_stops_at_the_first_instance(self) -> None:
        self.bad_release_stops_at_the_first_instance("exits", "exit status 3")

    def test_a_release_that_is_unhealthy_stops_at_the_first_instance(self) -> None:
        self.bad_release_stops_at_the_first_instance("sick", "still unhealthy after 0 s: 500")

    def test_a_release_that_dies_while_the_next_one_rolls_is_taken_back(self) -> None:
        good = self.admit("v1")
        self.ship(good)
        bad = self.admit("v2")
        start = self.systemd.start

        def start_and_lose_the_first(unit: str) -> None:
            start(unit)
            if unit == UNITS[2] and self.systemd.current() == bad[:12]:
                self.systemd.crash(UNITS[0])

        self.patch(self.systemd, "start", start_and_lose_the_first)
        with self.assertRaisesRegex(Abandoned, "exited after it was healthy"):
            self.ship(bad)
        self.assertEqual(self.running(), [good[:12]] * 3)

    def test_a_release_that_died_is_brought_to_no_further_instance(self) -> None:
        self.ship(self.admit("v1"))
        bad, start = self.admit("v2"), self.systemd.start

        def start_and_lose_the_first(unit: str) -> None:
            start(unit)
            if unit == UNITS[1] and self.systemd.current() == bad[:12]:
                self.systemd.crash(UNITS[0])

        self.patch(self.systemd, "start", start_and_lose_the_first)
        self.systemd.verbs.clear()
        with self.assertRaisesRegex(Abandoned, "exited after it was healthy"):
            self.ship(bad)
        self.assertNotIn(f"restart {UNITS[2]}", self.systemd.verbs)

    def test_a_release_that_dies_before_it_is_confirmed_fails_the_run(self) -> None:
        outcomes = self.ship(self.admit("v1"))
        self.site.confirm(outcomes)
        self.systemd.crash(UNITS[1])
        with self.assertRaisesRegex(Failed, UNITS[1]):
            self.site.confirm(outcomes)

    def test_a_first_release_that_fails_leaves_nothing(self) -> None:
        bad = self.admit("v1", "exits")
        with self.assertRaisesRegex(Abandoned, "no earlier release to roll back to"):
            self.ship(bad)
        self.assertIsNone(self.store.current)
        self.assertEqual(self.store.releases(), [])
        self.assertFalse(any(self.systemd.units[unit].is_active for unit in self.systemd.units))

    def test_going_back_happens_once_even_if_it_fails_too(self) -> None:
        good = self.admit("v1")
        self.ship(good)
        bad = self.admit("v2", "exits")
        self.systemd.behaviour[good[:12]] = "exits"
        self.systemd.verbs.clear()
        with self.assertRaisesRegex(Abandoned, "still failing"):
            self.ship(bad)
        starts = [verb for verb in self.systemd.verbs if verb.endswith(f"start {UNITS[0]}")]
        self.assertEqual(starts, [f"restart {UNITS[0]}", f"start {UNITS[0]}"])

    def newer_file(self) -> str:
        """A drop-in that was written after every instance had started."""
        for unit in UNITS:
            self.systemd.units[unit] = replace(self.systemd.units[unit], started_at=1.0)
        path = self.root / "override.conf"
        path.touch()
        for unit in UNITS:
            self.systemd.units[unit] = replace(self.systemd.units[unit], files=(str(path),))
        return str(path)

    def test_a_rollback_restarts_only_what_runs_the_rejected_release(self) -> None:
        good = self.admit("v1")
        self.ship(good)
        self.newer_file()
        bad = self.admit("v2", "exits")
        self.systemd.verbs.clear()
        with self.assertRaisesRegex(Abandoned, f"rolled back to release {good[:12]}, 1 instances restarted"):
            self.ship(bad)
        self.assertEqual({verb.split()[-1] for verb in self.systemd.verbs}, {UNITS[0]})

    def test_the_first_failure_of_a_rollback_stops_it(self) -> None:
        """As with a drop-in that lets nothing start: what serves is not touched, and its release stays."""
        good = self.admit("v1")
        self.ship(good)
        bad = self.admit("v2")
        self.ship(bad)
        self.systemd.behaviour[good[:12]] = "exits"
        outcome = deploy.Outcome("randoms", bad[:12], good[:12], fresh=True, changed=True, touched={
            unit: self.systemd.units[unit].invocation for unit in UNITS
        })  # fmt: skip
        self.systemd.verbs.clear()
        told = self.site.undo([outcome])
        self.assertIn(f"not restarted: {UNITS[1]} {UNITS[0]}", told)
        self.assertEqual({verb.split()[-1] for verb in self.systemd.verbs}, {UNITS[2]})
        # Its port refuses requests, so that none waits there for it.
        self.assertEqual(self.systemd.verbs[-1], f"stop randoms-spread-port@8084.socket {UNITS[2]}")
        self.assertTrue(all(self.systemd.units[unit].is_active for unit in UNITS[:2]))
        self.assertIn(bad[:12], self.store.releases())

    def test_a_run_cut_short_is_finished_by_the_next(self) -> None:
        old = self.admit("v1")
        self.ship(old)
        new = self.admit("v2")
        self.store.flip(new[:12])
        self.systemd.start(UNITS[0])
        self.systemd.verbs.clear()
        self.ship(new)
        self.assertEqual(self.running(), [new[:12]] * 3)
        self.assertEqual(self.systemd.verbs, [f"restart {unit}" for unit in UNITS[1:]])

    def test_a_run_cut_short_goes_back_to_what_was_proven(self) -> None:
        old = self.admit("v1")
        self.ship(old)
        bad = self.admit("v2", "sick")
        self.store.flip(bad[:12])
        self.systemd.start(UNITS[0])
        with self.assertRaises(Abandoned):
            self.ship(bad)
        self.assertEqual(self.running(), [old[:12]] * 3)

    def test_a_good_release_does_not_answer_for_the_one_it_replaces(self) -> None:
        self.ship(self.admit("v1"))
        for unit, times in ((UNITS[0], 2), (UNITS[1], 1)):
            for _ in range(times):
                self.systemd.crash(unit)
                self.systemd.come_back(unit)
        self.systemd.crash(UNITS[0])
        good = self.admit("v2")
        self.systemd.verbs.clear()
        self.ship(good)
        self.assertEqual(self.running(), [good[:12]] * 3)
        self.assertEqual([self.systemd.units[unit].restarts for unit in UNITS], [0, 0, 0])
        # Stopped first: systemd's own start would count as one of the new run.
        calmed = [f"{verb} {UNITS[0]}" for verb in ("stop", "reset-failed", "start")]
        self.assertEqual(self.systemd.verbs[:3], calmed)

    def test_a_unit_that_is_not_loaded_yet_has_not_ended(self) -> None:
        self.ship(self.admit("v1"))
        self.systemd.crash(UNITS[0])
        start = self.systemd.start

        def start_late(unit: str) -> None:
            self.systemd.units[unit] = State(unit)
            late = threading.Timer(0.01, start, [unit])
            self.addCleanup(late.join)
            late.start()

        self.patch(self.systemd, "start", start_late)
        good = self.admit("v2")
        self.ship(good)
        self.assertEqual(self.running(), [good[:12]] * 3)

    def test_a_release_that_systemd_had_to_start_again_is_refused(self) -> None:
        good = self.admit("v1")
        self.ship(good)
        self.systemd.crash(UNITS[0])
        bad, start = self.admit("v2"), self.systemd.start

        def start_twice(unit: str) -> None:
            start(unit)
            if self.systemd.current() == bad[:12]:
                self.systemd.crash(unit)
                self.patch(self.systemd, "start", start)
                self.systemd.come_back(unit)

        self.patch(self.systemd, "start", start_twice)
        with self.assertRaisesRegex(Abandoned, "exited before it was healthy"):
            self.ship(bad)
        self.assertEqual(self.running(), [good[:12]] * 3)

    def test_undo_returns_a_host_that_had_passed(self) -> None:
        old = self.admit("v1")
        self.ship(old)
        new = self.admit("v2")
        self.site.undo(self.ship(new))
        self.assertEqual(self.running(), [old[:12]] * 3)
        self.assertEqual(self.store.history, [old[:12]])

    def test_undo_ends_a_move_that_was_cut_short(self) -> None:
        old = self.admit("v1")
        self.ship(old)
        self.store.flip(self.admit("v2")[:12])
        self.systemd.start(UNITS[0])
        self.site.undo([])
        self.assertEqual(self.running(), [old[:12]] * 3)
        self.assertEqual(self.store.current, old[:12])

    def test_undo_leaves_what_another_move_made(self) -> None:
        self.ship(self.admit("v1"))
        outcomes = self.ship(self.admit("v2"))
        newest = self.shipped("v3")
        self.systemd.verbs.clear()
        self.assertEqual(self.site.undo(outcomes), "")
        self.assertEqual(self.running(), [newest] * 3)
        self.assertEqual(self.systemd.verbs, [])

    def test_undo_of_an_app_that_is_no_longer_described_is_nothing(self) -> None:
        self.ship(self.admit("v1"))
        outcomes = [replace(outcome, app="gone") for outcome in self.ship(self.admit("v2"))]
        self.assertEqual(self.site.undo(outcomes), "")

    def test_a_dry_undo_changes_nothing(self) -> None:
        self.ship(self.admit("v1"))
        outcomes = self.ship(self.admit("v2"))
        cut_short = self.admit("v3")[:12]
        self.store.flip(cut_short)
        self.systemd.verbs.clear()
        self.assertEqual(replace(self.site, dry=True).undo(outcomes), "")
        self.assertEqual((self.store.current, self.systemd.verbs), (cut_short, []))

    def test_what_is_not_to_be_expected_is_undone_as_well(self) -> None:
        old = self.shipped("v1")
        for broken, trouble in (
            ("prove", OSError("No space left on device")),
            ("record", OSError("No space left on device")),
            ("flip", ValueError("nobody expected this")),
        ):
            with self.subTest(broken):
                new = self.admit(f"not {broken}")
                real = getattr(Store, broken)
                with mock.patch.object(Store, broken, self.once(trouble, real)):
                    with self.assertRaisesRegex(Abandoned, f"{trouble}(?s:.*)rolled back to release {old}"):
                        self.ship(new)
                self.assertEqual(self.running(), [old] * 3)
                self.assertEqual((self.store.current, self.store.proven), (old, old))
                self.assertEqual(self.store.history, [old])

    @staticmethod
    def once(trouble: Exception, otherwise: Callable[..., object]) -> Callable[..., object]:
        """Fails the first time it is called."""
        troubles = [trouble]

        def call(*words: object) -> object:
            if troubles:
                raise troubles.pop()
            return otherwise(*words)

        return call

    def test_a_release_that_is_gone_meanwhile_is_not_flipped_to(self) -> None:
        old = self.shipped("v1")
        gone = self.admit("v2")
        self.store.forget(gone[:12])
        with self.assertRaisesRegex(Rejected, f"release {gone[:12]} of randoms was removed"):
            self.ship(gone)
        self.assertEqual(self.store.current, old)

    def test_what_was_done_is_handed_over_before_it_is_proven(self) -> None:
        old = self.shipped("v1")
        kept: list[tuple[str, str | None]] = []
        keep = lambda done: kept.append((done[-1].release, self.store.proven))  # noqa: E731
        self.site = replace(self.site, keep=keep)
        new = self.shipped("v2")
        self.assertEqual(kept, [(new, old)])

    def test_a_rollback_that_was_cut_short_is_gone_on_with(self) -> None:
        first, second, third = (self.shipped(name) for name in "abc")
        self.store.flip(second)
        self.systemd.start(UNITS[0])
        self.assertEqual(self.site.choose(""), {"randoms": second})
        self.back()
        self.assertEqual(self.running(), [second] * 3)
        self.assertEqual(self.site.choose(""), {"randoms": first})
        self.assertEqual(self.site.choose(third), {"randoms": third})

    def test_a_rollback_whose_run_did_not_end_is_gone_on_with(self) -> None:
        first, second, third = (self.shipped(name) for name in "abc")
        site = replace(self.site, unended=tuple(self.back()))
        self.assertEqual(site.choose(""), {"randoms": second})
        self.assertEqual(self.site.choose(""), {"randoms": first})
        # However often it is cut short.
        again = site.rollback(site.choose(""), observe=0.0)
        self.assertEqual(again[0].previous, third)
        self.assertEqual(replace(self.site, unended=tuple(again)).choose(""), {"randoms": second})

    def test_a_deploy_whose_run_did_not_end_is_gone_back_from(self) -> None:
        _, second = (self.shipped(name) for name in "ab")
        self.site = replace(self.site, unended=tuple(self.ship(self.admit("c"))))
        self.assertEqual(self.site.choose(""), {"randoms": second})

    def test_what_a_run_did_that_did_not_end_is_taken_back_by_the_next(self) -> None:
        old = self.shipped("v1")
        for content in ("v2", "v3"):
            with self.subTest(content):
                # The first run came here, and not to all of its hosts.
                site = replace(self.site, unended=tuple(self.ship(self.admit("v2"))))
                outcomes = site.deploy({"randoms": self.admit(content)}, observe=0.0)
                self.assertEqual(outcomes[0].previous, old)
                site.undo(outcomes)
                self.assertEqual(self.running(), [old] * 3)
                self.assertEqual(self.store.history[-1], old)
                self.assertNotIn(outcomes[0].release, self.store.releases())

    def test_what_is_no_longer_here_is_not_gone_back_to(self) -> None:
        gone, old = self.shipped("v1"), self.shipped("v2")
        unended = deploy.Outcome("randoms", old, gone, fresh=True, changed=True)
        self.store.forget(gone)
        site = replace(self.site, unended=(unended,))
        self.assertEqual(site.deploy({"randoms": self.admit("v3")}, observe=0.0)[0].previous, old)

    def test_what_is_put_back_was_not_there(self) -> None:
        old, new = self.admit("v1"), self.admit("v2")[:12]
        self.ship(old)
        site = replace(self.site, unended=tuple(self.ship(self.admit("v2"))))
        outcomes = site.deploy({"randoms": old}, observe=0.0)
        self.assertEqual(outcomes[0].previous, new)

    def test_a_rollback_does_not_make_the_old_release_the_youngest(self) -> None:
        old = self.admit("v1")
        self.ship(old)
        self.ship(self.admit("v2"))
        self.back()
        self.assertEqual(self.running(), [old[:12]] * 3)
        with self.assertRaisesRegex(Rejected, "no earlier release"):
            self.back()

    def shipped(self, content: str) -> str:
        """A release that arrived and was deployed."""
        sha256 = self.admit(content)
        self.ship(sha256)
        return sha256[:12]

    def test_after_a_rollback_the_version_before_is_the_one_gone_back_to(self) -> None:
        _, before, _ = (self.shipped(name) for name in "abc")
        self.back()
        self.shipped("d")
        self.back()
        self.assertEqual(self.running(), [before] * 3)

    def test_a_restart_after_a_rollback_does_not_make_it_the_youngest(self) -> None:
        first, *_ = [self.shipped(name) for name in "abc"]
        self.back()
        self.systemd.run("stop", UNITS[0])
        self.site.begin({})
        self.assertEqual(self.store.previous(), first)

    def test_a_rollback_to_what_is_not_here_touches_nothing(self) -> None:
        self.ship(self.admit("v1"))
        self.systemd.verbs.clear()
        with self.assertRaisesRegex(Rejected, "no release starts with zz"):
            self.back("zz")
        self.assertEqual(self.systemd.verbs, [])

    def test_workers_behind_one_socket_are_asked_more_than_once(self) -> None:
        raw = booted.raw_host()
        listener = raw["pools"][0]["listeners"][0]
        listener["services"] = UNITS[:2]
        raw["pools"][0]["listeners"] = [listener]
        asked: list[Check] = []
        health = lambda check: asked.append(check)  # noqa: E731
        self.site = deploy.Site(description.read(raw), self.systemd, health=health)
        self.systemd.site = self.site
        self.ship(self.admit("v1"))
        self.assertEqual(len(asked), 2 * 2 * roll.ASKS)

    def test_a_missing_artifact_names_the_command_that_makes_it(self) -> None:
        with self.assertRaisesRegex(Rejected, "cargo build"):
            self.site.lacking({"randoms": ""}, only_first=False)


class TwoApps(booted.HostTest):
    """A rollback of one of them leaves the other where it is."""

    def setUp(self) -> None:
        super().setUp()
        self.host = description.read(two_apps())
        self.site = deploy.Site(self.host, self.systemd, health=lambda check: None)
        self.patch(roll, "running_release", lambda root, pid: self.runs.get(pid))
        for app in self.host.apps:
            self.store = self.site.store(app)
            for content in ("v1", "v2"):
                sha256 = self.admit(f"{app.name} {content}")
                self.site.deploy({app.name: sha256}, observe=0.0)

    @property
    def runs(self) -> dict[int, str | None]:
        """Each instance runs what its app's store names."""
        units = {instance.unit: instance.app for instance in self.host.instances}
        states = self.systemd.units.items()
        return {state.pid: self.site.store(units[unit]).current for unit, state in states}

    def moved(self, *apps: str) -> list[str]:
        return [outcome.app for outcome in self.back(apps=apps)]

    def test_all_go_back_when_none_is_named(self) -> None:
        self.assertEqual(self.moved(), ["randoms", "web"])

    def test_only_the_named_one_goes_back(self) -> None:
        before = self.site.store(self.host.app("randoms")).current
        self.assertEqual(self.moved("web"), ["web"])
        self.assertEqual(self.site.store(self.host.app("randoms")).current, before)

    def test_whatever_keeps_the_second_back_takes_the_first_back(self) -> None:
        before = self.releases()
        sha256 = {}
        for app in self.host.apps:
            self.store = self.site.store(app)
            sha256[app.name] = self.admit(f"{app.name} v3")
        states = self.systemd.states

        def lose_the_second(units: Iterable[str]) -> dict[str, State]:
            names = list(units)
            if UNITS[2] in names and self.site.store(self.host.app("web")).current == sha256["web"][:12]:
                raise ValueError("zip() argument 2 is shorter than argument 1")
            return states(names)

        self.patch(self.systemd, "states", lose_the_second)
        with self.assertRaisesRegex(Abandoned, "ValueError: zip(?s:.*)rolled back to release"):
            self.site.deploy(sha256, observe=0.0)
        self.assertEqual(self.releases(), before)

    def releases(self) -> list[tuple[str | None, str | None]]:
        """The current and the proven release of each app."""
        stores = [self.site.store(app) for app in self.host.apps]
        return [(store.current, store.proven) for store in stores]

    def test_a_host_that_has_none_of_them_has_nothing_to_do(self) -> None:
        self.assertEqual(self.moved("elsewhere"), [])


def two_apps() -> dict:
    """The usual host, with an app `web` on its last port."""
    raw = booted.raw_host()
    listeners = raw["pools"][0]["listeners"]
    web = {"name": "web", "app": "web", "target": "web.target", "listeners": listeners[2:]}
    raw["pools"] = [{**raw["pools"][0], "listeners": listeners[:2]}, web]
    raw["apps"].append({**raw["apps"][0], "name": "web", "executable": "web"})
    return raw


if __name__ == "__main__":
    unittest.main()
