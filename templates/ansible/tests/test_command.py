"""What a person or a timer calls on the host itself."""

import contextlib
import io
import json
import math
import subprocess
import sys
import unittest
from unittest import mock

import booted

from genconf_host import command, lease, note


class Commands(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        folder = self.root / "etc" / "randoms"
        folder.mkdir(parents=True)
        raw = {**booted.raw_host(), "proxies": [self.raw_proxy("edge"), self.raw_proxy("side")]}
        (folder / "host.json").write_text(json.dumps(raw))
        self.patch(command, "Systemctl", lambda: self.systemd)

    def raw_proxy(self, name: str) -> dict:
        told = {"name": name, "engine": "nginx", "health": "", "certificate": "", "key": ""}
        units = {"unit": f"{name}.service", "socket": f"{name}.socket"}
        return {**told, **units, "destination": f"/etc/randoms/{name}/nginx.conf"}

    def call(self, *words: str) -> tuple[int, str, str]:
        """The exit status and what was said on either stream."""
        self.patch(sys, "argv", ["genconf-host", *words])
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = command.main()
        return status, out.getvalue(), err.getvalue()

    def patience(self, *words: str) -> float:
        """How long a command waits for its turn."""
        with mock.patch.object(lease, "turn", side_effect=lease.Held("busy")) as turn:
            self.assertEqual(self.call(*words), (1, "", "busy\n"))
        return turn.call_args.args[1]

    def test_an_undo_waits_for_its_turn_however_long_it_takes(self) -> None:
        self.assertEqual(self.patience("undo", "randoms"), math.inf)

    def test_a_person_who_rolls_back_is_told_in_time(self) -> None:
        self.assertEqual(self.patience("rollback", "randoms"), lease.PATIENCE)

    def test_what_a_run_did_that_has_not_ended_is_taken_back_once(self) -> None:
        self.patch(command, "Site", lambda host, manager: self.site)
        old = self.admit("v1")[:12]
        self.ship(self.admit("v1"))
        note.unended("randoms").write(self.ship(self.admit("v2")))
        status, told, _ = self.call("undo", "randoms")
        self.assertEqual((status, self.running()), (0, [old] * 3))
        self.assertIn(f"rolled back to release {old}", told)
        self.assertEqual(self.call("undo", "randoms"), (0, "", ""))

    def test_a_rollback_by_hand_ends_what_has_not_ended(self) -> None:
        self.patch(command, "Site", lambda host, manager: self.site)
        releases = []
        for content in "abc":
            releases.append(self.admit(content)[:12])
            self.ship(self.admit(content))
        note.unended("randoms").write(self.back())
        for left in (releases[1], releases[0]):
            self.assertEqual(self.call("rollback", "randoms")[0], 0)
            self.assertEqual(self.running(), [left] * 3)

    def check(self, *words: str, complaint: str = "") -> tuple[int, str, str]:
        """What `check` says when the engine says that."""
        done = subprocess.CompletedProcess([], 1 if complaint else 0, "", complaint)
        with mock.patch("subprocess.run", return_value=done) as run:
            told = self.call("check", *words)
        # Never where the running proxy has its folders.
        self.assertTrue(all(call.args[0][0] == "unshare" for call in run.call_args_list))
        return told

    def test_what_is_on_disk_is_checked_proxy_by_proxy(self) -> None:
        accepted = [f"nginx accepts /etc/randoms/{name}/nginx.conf\n" for name in ("edge", "side")]
        self.assertEqual(self.check("randoms"), (0, "".join(accepted), ""))
        self.assertEqual(self.check("randoms", "side"), (0, accepted[1], ""))

    def test_the_engine_s_own_words_tell_why_not(self) -> None:
        status, _, said = self.check("randoms", "edge", complaint="[emerg] unknown directive")
        self.assertEqual(status, 1)
        self.assertRegex(said, r"edge/nginx.conf:\n\[emerg\] unknown directive")

    def test_instances_are_restarted_one_after_the_other(self) -> None:
        self.ship(self.admit("v1"))
        self.systemd.verbs.clear()
        self.patch(command, "Site", lambda host, manager: self.site)
        told = "".join(f"restarted {unit}\n" for unit in booted.UNITS)
        self.assertEqual(self.call("restart", "randoms", "spread"), (0, told, ""))
        self.assertEqual(self.systemd.verbs, [f"restart {unit}" for unit in booted.UNITS])

    def test_the_first_that_does_not_come_up_ends_it(self) -> None:
        sha256 = self.admit("v1")
        self.ship(sha256)
        self.systemd.behaviour[sha256[:12]] = "sick"
        self.systemd.verbs.clear()
        self.patch(command, "Site", lambda host, manager: self.site)
        status, told, said = self.call("restart", "randoms")
        self.assertEqual((status, told), (1, ""))
        self.assertIn(f"{booted.UNITS[0]}: still unhealthy", said)
        self.assertEqual(self.systemd.verbs, [f"restart {booted.UNITS[0]}"])

    def test_a_pool_that_is_not_here_is_named_with_those_that_are(self) -> None:
        told = "node1 has no pool api; defined pools: spread\n"
        self.assertEqual(self.call("restart", "randoms", "api"), (1, "", told))

    def test_a_proxy_that_is_not_here_is_not_accepted(self) -> None:
        self.assertEqual(self.check("randoms", "front")[0], 1)


if __name__ == "__main__":
    unittest.main()
