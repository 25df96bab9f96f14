"""Who listens where."""

import socket
import subprocess
import unittest
from unittest import mock

import booted  # noqa: F401

from genconf_host import listener
from genconf_host.listener import Listener

SAID = """\
u_str LISTEN 0 4096 /run/randoms/spread-8082.sock 61 * 0 users:(("randoms",pid=7,fd=3),("systemd",pid=1,fd=9))
u_dgr UNCONN 0 0 * 1376346 * 0 users:(("dnsmasq",pid=5,fd=10))
tcp   LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=8,fd=6),("nginx",pid=8,fd=7),("nginx",pid=9,fd=6))
tcp   LISTEN 0 128 [fe80::1%eth0]:22 [::]:*
"""


class Listeners(unittest.TestCase):
    def say(self, said: str) -> None:
        done = subprocess.CompletedProcess([], 0, said, "")
        patcher = mock.patch("subprocess.run", return_value=done)
        patcher.start()
        self.addCleanup(patcher.stop)

    def test_each_process_is_told_once_for_each_address(self) -> None:
        self.say(SAID)
        path = "/run/randoms/spread-8082.sock"
        wanted = [Listener(path, 7, "randoms"), Listener(path, 1, "systemd"),
                  Listener("0.0.0.0:80", 8, "nginx"), Listener("0.0.0.0:80", 9, "nginx"),
                  Listener("[fe80::1]:22", 0, "a process of another namespace")]  # fmt: skip
        self.assertEqual(listener.listeners(), wanted)

    def test_all_addresses_are_in_the_way_of_one_and_other_ports_are_not(self) -> None:
        self.say(SAID)
        self.assertEqual([held.pid for held in listener.at(["127.0.0.1:80"])], [8, 9])
        self.assertEqual(listener.at(["127.0.0.1:8082", "/run/randoms/spread-8083.sock"]), [])
        self.assertTrue(listener.overlap("[::]:80", "192.168.56.11:80"))
        self.assertFalse(listener.overlap("127.0.0.1:80", "192.168.56.11:80"))

    def test_an_address_that_systemd_does_not_hold_is_lost(self) -> None:
        self.say(SAID)
        path = "/run/randoms/spread-8082.sock"
        self.assertFalse(listener.is_lost([path]))
        # A process does that systemd had handed its socket.
        self.assertTrue(listener.is_lost([path, "192.168.56.11:80"]))
        self.assertFalse(listener.is_lost([]))

    def test_what_cannot_be_told_is_not_lost(self) -> None:
        self.say(SAID.replace("pid=1,", "pid=2,"))
        self.assertFalse(listener.is_lost(["127.0.0.1:1"]))
        with mock.patch("subprocess.run", side_effect=FileNotFoundError):
            self.assertFalse(listener.is_lost(["127.0.0.1:1"]))
            self.assertEqual(listener.at(["127.0.0.1:1"]), [])

    def test_this_very_process_is_found(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"127.0.0.1:{server.getsockname()[1]}"
            self.assertEqual([held.address for held in listener.at([address])], [address])
        self.assertEqual(listener.at([address]), [])

    def test_a_socket_of_systemd_s_is_no_program(self) -> None:
        self.assertIn("list-sockets", str(Listener("127.0.0.1:80", 1, "systemd")))


if __name__ == "__main__":
    unittest.main()
