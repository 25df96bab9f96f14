"""A release that dies after its run has ended."""

import contextlib
import math
import subprocess
import unittest
from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import booted
from booted import UNITS

from genconf_host import guard, lease, note, status
from genconf_host.guard import Guard, TakenBack
from genconf_host.systemd import Refused, State

SERVICE = "randoms.guard.service"


class Guards(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.patch(guard, "PULSE", 0.001)
        self.old = self.admit("v1")
        self.first = self.ship(self.old)
        self.new = self.admit("v2")

    def begin(self, outcomes: list, seconds: float = 10.0) -> list[str]:
        """The command that was handed to systemd; nothing when none was."""
        with mock.patch("subprocess.run") as run:
            run.return_value.returncode = 0
            guard.begin("randoms", seconds, outcomes, self.systemd)
        return run.call_args.args[0] if run.called else []

    def restarted_by_systemd(self, unit: str) -> None:
        self.systemd.crash(unit)
        self.systemd.come_back(unit)

    def test_a_service_is_begun_that_guards(self) -> None:
        command = self.begin(self.ship(self.new))
        self.assertIn(f"--unit={SERVICE}", command)
        self.assertEqual(command[-3:], ["guard", "randoms", "10.0"])

    def test_nothing_is_guarded_that_did_not_change_or_cannot_go_back(self) -> None:
        self.assertEqual(self.begin(self.ship(self.old)), [])
        self.assertEqual(self.begin(self.first), [])
        self.assertEqual(self.begin(self.ship(self.new), seconds=0.0), [])

    def test_what_systemd_says_against_it_is_told(self) -> None:
        refusal = subprocess.CompletedProcess([], 1, "", "No space.\n")
        with mock.patch("subprocess.run", return_value=refusal):
            with self.assertRaisesRegex(Refused, "cannot start the post-deploy monitoring of randoms: No space.$"):
                guard.begin("randoms", 10.0, self.ship(self.new), self.systemd)

    def test_a_release_that_dies_is_taken_back(self) -> None:
        self.begin(self.ship(self.new))
        self.restarted_by_systemd(UNITS[1])
        told = f"release {self.new[:12]} is rolled back, {UNITS[1]} exited.*\n.*rolled back to release {self.old[:12]}"
        with self.assertRaisesRegex(TakenBack, told):
            Guard(self.site).keep(10.0)
        self.assertEqual(self.running(), [self.old[:12]] * 3)
        self.assertEqual(self.store.current, self.old[:12])

    def test_what_is_down_is_mended_before_others_are_touched(self) -> None:
        self.begin(self.ship(self.new))
        self.systemd.verbs.clear()
        self.restarted_by_systemd(UNITS[1])
        with self.assertRaises(TakenBack):
            Guard(self.site).keep(10.0)
        started = [verb for verb in self.systemd.verbs if verb.startswith(("start", "restart"))]
        self.assertEqual([verb.split()[1] for verb in started], [UNITS[1], UNITS[2], UNITS[0]])

    def test_one_that_waits_to_be_started_again_has_died(self) -> None:
        self.begin(self.ship(self.new))
        self.systemd.crash(UNITS[2])
        with self.assertRaises(TakenBack):
            Guard(self.site).keep(10.0)

    def test_a_restart_and_a_stop_by_hand_are_no_deaths(self) -> None:
        self.begin(self.ship(self.new))
        self.systemd.run("restart", UNITS[0])
        self.systemd.run("stop", UNITS[1])
        Guard(self.site).keep(0.01)
        self.assertEqual(self.store.current, self.new[:12])

    def test_a_stop_by_hand_that_took_too_long_is_no_death(self) -> None:
        self.begin(self.ship(self.new))
        killed = {"active": "failed", "sub": "failed", "result": "timeout", "pid": 0}
        self.systemd.units[UNITS[1]] = replace(self.systemd.units[UNITS[1]], **killed)
        Guard(self.site).keep(0.01)
        self.assertEqual(self.store.current, self.new[:12])

    def test_the_run_that_passed_has_not_died_whatever_is_counted(self) -> None:
        self.begin(self.ship(self.new))
        self.systemd.units[UNITS[0]] = replace(self.systemd.units[UNITS[0]], restarts=3)
        Guard(self.site).keep(0.01)
        self.assertEqual(self.store.current, self.new[:12])

    def test_one_that_systemd_cannot_start_again_has_died(self) -> None:
        self.begin(self.ship(self.new))
        lost = {"active": "inactive", "sub": "dead", "restarts": 1, "pid": 0}
        self.systemd.units[UNITS[0]] = replace(self.systemd.units[UNITS[0]], **lost)
        with self.assertRaises(TakenBack):
            Guard(self.site).keep(10.0)

    def test_a_guard_waits_for_its_turn_however_long_it_takes(self) -> None:
        self.begin(self.ship(self.new))
        self.restarted_by_systemd(UNITS[1])
        with mock.patch.object(lease, "turn", side_effect=lease.Held("busy")) as turn:
            with self.assertRaises(lease.Held):
                Guard(self.site).keep(10.0)
        self.assertEqual(turn.call_args.args[1], math.inf)

    def test_what_another_run_mends_meanwhile_is_left(self) -> None:
        self.begin(self.ship(self.new))
        self.restarted_by_systemd(UNITS[1])

        @contextlib.contextmanager
        def after_another(*_: object) -> Iterator[None]:
            self.systemd.run("restart", UNITS[1])
            yield

        with mock.patch.object(lease, "turn", after_another):
            Guard(self.site).keep(0.01)
        self.assertEqual(self.store.current, self.new[:12])

    def test_a_run_that_moved_on_ends_the_guard(self) -> None:
        self.begin(self.ship(self.new))
        newest = self.admit("v3")
        self.ship(newest)
        self.restarted_by_systemd(UNITS[1])
        Guard(self.site).keep(10.0)
        self.assertEqual(self.store.current, newest[:12])

    def test_a_run_that_moves_nothing_leaves_the_guard_at_work(self) -> None:
        self.begin(self.ship(self.new))
        self.systemd.verbs.clear()
        self.begin(self.ship(self.new))
        # But what an earlier one told of a failure ends.
        self.assertEqual(self.systemd.verbs, [f"reset-failed {SERVICE}"])
        self.restarted_by_systemd(UNITS[1])
        with self.assertRaises(TakenBack):
            Guard(self.site).keep(10.0)

    def test_one_guard_ends_another(self) -> None:
        self.begin(self.ship(self.new))
        self.systemd.verbs.clear()
        newest = self.ship(self.admit("v3"))
        self.systemd.verbs.clear()
        self.begin(newest)
        self.assertEqual(self.systemd.verbs, [f"stop {SERVICE}", f"reset-failed {SERVICE}"])
        self.assertEqual(note.guarded("randoms").read(), tuple(newest))

    def test_what_was_taken_back_is_in_the_status(self) -> None:
        self.systemd.units[SERVICE] = State(SERVICE, active="failed", invocation="run9")
        self.patch(status, "probe", lambda url: None)
        told = "release a is rolled back, b exited: c"
        self.patch(self.systemd, "log", lambda *_: [f"Started {SERVICE}.", told, "node1: rolled back to release d"])
        rows = status.report(self.host, self.systemd)
        row = next(row for row in rows if row["instance"] == "randoms.guard")
        self.assertEqual((row["state"], row["health"], row["healthy"]), ("failed", told, False))


if __name__ == "__main__":
    unittest.main()
