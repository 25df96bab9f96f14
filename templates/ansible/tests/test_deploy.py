"""A release passes on every instance, or the host is as it was."""

import unittest

import booted
from booted import UNITS

from genconf_host import deploy, description, roll
from genconf_host.deploy import Abandoned
from genconf_host.roll import Failed
from genconf_host.store import Rejected


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
        with self.assertRaisesRegex(Abandoned, f"(?s){reason}.*back on release {good[:12]}"):
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
        with self.assertRaisesRegex(Abandoned, "died after it had been healthy"):
            self.ship(bad)
        self.assertEqual(self.running(), [good[:12]] * 3)

    def test_a_release_that_dies_before_it_is_confirmed_fails_the_run(self) -> None:
        outcomes = self.ship(self.admit("v1"))
        self.site.confirm(outcomes)
        self.systemd.crash(UNITS[1])
        with self.assertRaisesRegex(Failed, UNITS[1]):
            self.site.confirm(outcomes)

    def test_a_first_release_that_fails_leaves_nothing(self) -> None:
        bad = self.admit("v1", "exits")
        with self.assertRaisesRegex(Abandoned, "no earlier release to go back to"):
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
        restarts = [verb for verb in self.systemd.verbs if verb == f"restart {UNITS[0]}"]
        self.assertEqual(len(restarts), 2)

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

    def test_a_rollback_does_not_make_the_old_release_the_youngest(self) -> None:
        old, new = self.admit("v1"), self.admit("v2")
        self.ship(old)
        self.ship(new)
        self.site.rollback("", observe=0.0)
        self.assertEqual(self.running(), [old[:12]] * 3)
        with self.assertRaisesRegex(Rejected, "older than the current"):
            self.site.rollback("", observe=0.0)

    def shipped(self, content: str) -> str:
        """A release that arrived and was deployed."""
        sha256 = self.admit(content)
        self.ship(sha256)
        return sha256[:12]

    def test_after_a_rollback_the_version_before_is_the_one_gone_back_to(self) -> None:
        _, before, _ = (self.shipped(name) for name in "abc")
        self.site.rollback("", observe=0.0)
        self.shipped("d")
        self.site.rollback("", observe=0.0)
        self.assertEqual(self.running(), [before] * 3)

    def test_a_restart_after_a_rollback_does_not_make_it_the_youngest(self) -> None:
        first, *_ = [self.shipped(name) for name in "abc"]
        self.site.rollback("", observe=0.0)
        self.systemd.run("stop", UNITS[0])
        self.site.begin({})
        self.assertEqual(self.store.previous(), first)

    def test_a_rollback_to_what_is_not_here_touches_nothing(self) -> None:
        self.ship(self.admit("v1"))
        self.systemd.verbs.clear()
        with self.assertRaisesRegex(Rejected, "no release that starts with zz"):
            self.site.rollback("zz", observe=0.0)
        self.assertEqual(self.systemd.verbs, [])

    def test_workers_behind_one_socket_are_asked_more_than_once(self) -> None:
        raw = booted.raw_host()
        listener = raw["pools"][0]["listeners"][0]
        listener["services"] = UNITS[:2]
        raw["pools"][0]["listeners"] = [listener]
        asked: list[str] = []
        health = lambda url: asked.append(url)  # noqa: E731
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
        self.site = deploy.Site(self.host, self.systemd, health=lambda url: None)
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
        return [outcome.app for outcome in self.site.rollback("", observe=0.0, apps=apps)]

    def test_all_go_back_when_none_is_named(self) -> None:
        self.assertEqual(self.moved(), ["randoms", "web"])

    def test_only_the_named_one_goes_back(self) -> None:
        before = self.site.store(self.host.app("randoms")).current
        self.assertEqual(self.moved("web"), ["web"])
        self.assertEqual(self.site.store(self.host.app("randoms")).current, before)

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
