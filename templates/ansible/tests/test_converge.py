"""Sockets that change hands, and what status tells of those that are closed."""

import unittest

import booted
from booted import UNITS

from genconf_host import converge, description, status
from genconf_host.systemd import State

SOCKETS = [unit.replace("@", "-port@").replace(".service", ".socket") for unit in UNITS]


class Converging(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        good = self.admit("v1")
        self.ship(good)
        self.systemd.verbs.clear()

    def open(self, *sockets: str) -> None:
        for socket in sockets:
            self.systemd.units[socket] = State(socket, active="active", sub="listening")

    def test_an_app_ends_port_by_port_for_the_socket_it_now_takes(self) -> None:
        converge.Convergence(self.host, self.systemd, dry=False)._open(SOCKETS)
        wanted = [verb for pair in zip(UNITS, SOCKETS, strict=True) for verb in
                  (f"stop {pair[0]}", f"start {pair[1]}")]  # fmt: skip
        self.assertEqual(self.systemd.verbs, wanted)

    def test_a_socket_that_is_open_is_left_alone(self) -> None:
        self.open(*SOCKETS)
        converge.Convergence(self.host, self.systemd, dry=False)._open(SOCKETS)
        self.assertEqual(self.systemd.verbs, [])

    def test_a_port_is_released_for_an_app_that_opens_it_itself(self) -> None:
        self.open(*SOCKETS)
        raw = booted.raw_host()
        for listener in raw["pools"][0]["listeners"]:
            listener["socket"] = ""
        host = description.read(raw)
        converge.Convergence(host, self.systemd, dry=False)._release_ports()
        self.assertEqual(self.systemd.verbs, [f"stop {' '.join(SOCKETS)}"])

    def test_a_closed_socket_is_no_state_to_be_in(self) -> None:
        self.open(*SOCKETS[1:])
        rows = status._drift(self.host, self.systemd)
        self.assertEqual([(row.instance, row.state, row.is_fine) for row in rows],
                         [(SOCKETS[0], "inactive", False)])  # fmt: skip


if __name__ == "__main__":
    unittest.main()
