"""What a person or a timer calls on the host itself."""

import contextlib
import io
import json
import math
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
        (folder / "host.json").write_text(json.dumps(booted.raw_host()))
        self.patch(command, "Systemctl", lambda: self.systemd)

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


if __name__ == "__main__":
    unittest.main()
