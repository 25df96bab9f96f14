"""A deploy that nobody confirms."""

import subprocess
import unittest
from unittest import mock

import booted

from genconf_host import confirmation
from genconf_host.systemd import Refused


class Confirmations(booted.HostTest):
    def arm(self) -> list[str]:
        with mock.patch("subprocess.run") as run:
            run.return_value.returncode = 0
            confirmation.arm("randoms", 30.0, self.systemd)
        return run.call_args.args[0]

    def test_a_timer_is_armed_that_calls_undo(self) -> None:
        command = self.arm()
        self.assertIn("--on-active=30.0s", command)
        self.assertIn("--collect", command)
        self.assertEqual(command[-2:], ["undo", "randoms"])
        self.assertEqual(confirmation.unconfirmed("randoms"), [])

    def test_an_undo_that_still_waits_is_not_left_to_undo_the_next_run(self) -> None:
        self.arm()
        self.assertIn("stop randoms.undo.service", self.systemd.verbs)

    def test_what_systemd_says_against_arming_is_told(self) -> None:
        refusal = subprocess.CompletedProcess([], 1, "", "Unit was already loaded.\n")
        with mock.patch("subprocess.run", return_value=refusal):
            with self.assertRaisesRegex(Refused, "Unit was already loaded.$"):
                confirmation.arm("randoms", 30.0, self.systemd)
        self.assertIsNone(confirmation.unconfirmed("randoms"))

    def test_what_was_noted_can_be_undone(self) -> None:
        old = self.admit("v1")
        self.ship(old)
        self.arm()
        confirmation.note("randoms", self.ship(self.admit("v2")))
        self.site.undo(confirmation.unconfirmed("randoms"))
        self.assertEqual(self.running(), [old[:12]] * 3)

    def test_what_was_confirmed_stays(self) -> None:
        self.arm()
        self.systemd.verbs.clear()
        confirmation.disarm("randoms", self.systemd)
        self.assertIsNone(confirmation.unconfirmed("randoms"))
        self.assertEqual(self.systemd.verbs, ["stop randoms.undo.timer"])

    def test_nothing_armed_is_nothing_to_disarm(self) -> None:
        confirmation.disarm("randoms", self.systemd)
        self.assertEqual(self.systemd.verbs, [])


if __name__ == "__main__":
    unittest.main()
