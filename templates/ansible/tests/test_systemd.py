"""What systemd says, as it says it."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import booted

from genconf_host import relay, systemd
from genconf_host.systemd import State

# Of a socket, with what only a service has left out.
SHOWN = """\
Listen=192.168.56.11:80 (Stream)
Listen=[fd00::11]:443 (Stream)
Triggers=randoms-web-8081@1.service randoms-web-8081@2.service
RequiredBy=randoms-web-8081@1.service randoms-web.target
FragmentPath=/etc/systemd/system/randoms-web-8081.socket
DropInPaths={dropins}
NeedDaemonReload=yes
ActiveState=active
"""


class Unanswered(unittest.TestCase):
    """A systemctl that fails."""

    def states(self, *answers: tuple[int, str]) -> dict[str, State]:
        left = [subprocess.CompletedProcess([], code, said, "Transport endpoint") for code, said in answers]
        with mock.patch.object(systemd, "PAUSE", 0.0), mock.patch.object(subprocess, "run", lambda *_, **__: left.pop(0)):
            return systemd.Systemctl().states(["a.service"])

    def test_a_question_that_failed_is_asked_again(self) -> None:
        states = self.states((1, ""), (0, "ActiveState=active\n"))
        self.assertTrue(states["a.service"].is_active)

    def test_a_question_that_keeps_failing_is_an_error_and_no_state(self) -> None:
        with self.assertRaisesRegex(systemd.Refused, "systemctl show: Transport endpoint"):
            self.states((1, ""), (1, ""), (1, ""))

    def test_a_log_line_that_is_no_text_is_shown(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "journalctl"
            program.write_text("#!/bin/sh\nprintf 'caf\\351\\n'\n")
            program.chmod(0o755)
            with mock.patch.dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"):
                self.assertEqual(systemd.Systemctl().log("a.service", "", 1), ["caf\ufffd"])


class Shown(unittest.TestCase):
    def state(self, *dropins: str) -> State:
        return systemd._state("randoms-web-8081.socket", SHOWN.format(dropins=" ".join(dropins)))

    def test_each_address_of_a_socket_is_told(self) -> None:
        self.assertEqual(self.state().listens.split(), ["192.168.56.11:80", "[fd00::11]:443"])

    def test_users_of_a_socket_are_the_services_that_are_handed_it(self) -> None:
        self.assertEqual(self.state().users, tuple(f"randoms-web-8081@{n}.service" for n in (1, 2)))

    def test_a_unit_that_systemd_has_not_read_is_told(self) -> None:
        self.assertTrue(self.state().needs_reload)

    def test_drop_ins_that_nobody_wrote_for_this_host_are_left_out(self) -> None:
        own = "/etc/systemd/system/randoms-web-8081.socket.d/60-own.conf"
        others = ("/run/systemd/system/service.d/zzz-lxc-service.conf", "/usr/lib/systemd/system/service.d/10.conf",
                  "/etc/systemd/system.control/randoms-web-8081.socket.d/50-MemoryMax.conf")  # fmt: skip
        self.assertEqual(self.state(own, *others).files, ("/etc/systemd/system/randoms-web-8081.socket", own))


class Rereading(booted.HostTest):
    def test_a_file_that_was_not_read_counts_as_written_now(self) -> None:
        read, unread = self.root / "read", self.root / "unread"
        for path in (read, unread):
            path.touch()
            os.utime(path, (1.0, 1.0))
        self.systemd.units = {
            "a": State("a", files=(str(read),)),
            "b": State("b", files=(str(unread),), needs_reload=True),
            "c": State("c", files=(str(self.root / "gone"),), needs_reload=True),
        }
        systemd.reread(self.systemd, ["a", "b", "c", "d"])
        self.assertEqual(read.stat().st_mtime, 1.0)
        self.assertGreater(unread.stat().st_mtime, 1.0)
        self.assertEqual(self.systemd.verbs, ["daemon-reload"])


class Relays(unittest.TestCase):
    SOCKET = "randoms-web-port@8082.socket"

    def begin(self, left: str, code: int = 0) -> tuple[str, list[str]]:
        done = subprocess.CompletedProcess([], code, "", "No.\n")
        with mock.patch("subprocess.run", return_value=done) as run:
            told = relay.begin("randoms", self.SOCKET, left, "192.168.56.11:8082")
        return told, run.call_args.args[0]

    def test_the_address_that_was_left_leads_to_the_new_one(self) -> None:
        told, command = self.begin("127.0.0.1:8082")
        self.assertEqual(told, "forward 127.0.0.1:8082 to 192.168.56.11:8082 until the proxies use it")
        self.assertIn("--socket-property=ListenStream=127.0.0.1:8082", command)
        self.assertEqual((command[-4], command[-1]), (relay.PROGRAM, "192.168.56.11:8082"))

    def test_only_this_host_gets_through(self) -> None:
        option = "--socket-property=IPAddressAllow="
        for left, own in (("192.168.56.11:8082", ["192.168.56.11"]), ("[fd00::11]:8082", ["fd00::11"]),
                          ("/run/randoms/web-8082.sock", [])):  # fmt: skip
            words = [word.removeprefix(option) for word in self.begin(left)[1] if word.startswith(option)]
            self.assertEqual(words, ["localhost", *own])

    def test_without_one_the_address_is_closed_and_nothing_fails(self) -> None:
        told, _ = self.begin("127.0.0.1:8082", code=1)
        self.assertEqual(told, "127.0.0.1:8082 is closed until the proxies use 192.168.56.11:8082: No.")

    def test_its_socket_is_known_by_its_name(self) -> None:
        name = next(w for w in self.begin("127.0.0.1:1")[1] if w.startswith("--unit=")).removeprefix("--unit=")
        self.assertTrue(relay.is_socket("randoms", f"{name}.socket"))
        self.assertFalse(relay.is_socket("randoms", f"{name}.service"))
        self.assertFalse(relay.is_socket("randoms", "randoms.guard.service"))


if __name__ == "__main__":
    unittest.main()
