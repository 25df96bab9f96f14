"""A deploy that nobody confirms."""

import subprocess
import unittest
from unittest import mock

import booted

from genconf_host import confirmation
from genconf_host.systemd import Refused

UNITS = "randoms.undo.timer randoms.undo.service"


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

    def test_an_undo_that_still_waits_is_not_left_to_undo_the_next_run(self) -> None:
        self.arm()
        self.assertEqual(self.systemd.verbs, [f"stop {UNITS}"])

    def test_what_systemd_says_against_arming_is_told(self) -> None:
        refusal = subprocess.CompletedProcess([], 1, "", "Unit was already loaded.\n")
        with mock.patch("subprocess.run", return_value=refusal):
            with self.assertRaisesRegex(Refused, "Unit was already loaded.$"):
                confirmation.arm("randoms", 30.0, self.systemd)

    def test_nothing_armed_is_nothing_to_fail_for(self) -> None:
        refusal = Refused("Unit randoms.undo.timer not loaded.")
        with mock.patch.object(self.systemd, "run", side_effect=refusal) as run:
            confirmation.disarm("randoms", self.systemd)
        self.assertEqual(run.call_args.args, ("stop", *UNITS.split()))


if __name__ == "__main__":
    unittest.main()
