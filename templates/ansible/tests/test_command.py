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

from genconf_host import command, lease


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

    def test_a_proxy_that_is_not_here_is_not_accepted(self) -> None:
        self.assertEqual(self.check("randoms", "front")[0], 1)


if __name__ == "__main__":
    unittest.main()
