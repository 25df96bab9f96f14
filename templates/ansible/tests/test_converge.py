"""Sockets that change hands, and what status tells of those that are closed."""

import os
import unittest
from dataclasses import replace

import booted
from booted import UNITS

from genconf_host import converge, description, roll, status
from genconf_host.systemd import Refused, State

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


class Fronting(booted.HostTest):
    """Two proxies that run what is on disk, until a file is younger than that."""

    def setUp(self) -> None:
        super().setUp()
        raw = {**booted.raw_host(), "proxies": [self.raw_proxy("edge"), self.raw_proxy("side")]}
        self.host = description.read(raw)
        self.patch(converge, "probe", lambda url: None)
        for proxy in self.host.proxies:
            for unit in (proxy.unit, proxy.socket, proxy.destination.name):
                self.write(unit, 1.0)
            for unit in (proxy.unit, proxy.socket):
                files = (str(self.root / unit),)
                up = State(unit, active="active", enabled="enabled", files=files)
                self.systemd.units[unit] = replace(up, active_since=2.0, changed_at=2.0)

    def raw_proxy(self, name: str) -> dict:
        told = {"name": name, "engine": "nginx", "health": "", "certificate": "", "key": ""}
        units = {"unit": f"{name}.service", "socket": f"{name}.socket"}
        return {**told, **units, "destination": str(self.root / f"{name}.conf")}

    def write(self, name: str, at: float) -> None:
        path = self.root / name
        path.touch()
        os.utime(path, (at, at))

    def front(self, *, dry: bool = False) -> list[str]:
        work = converge.Convergence(self.host, self.systemd, dry=dry)
        work.front()
        return work.log

    def test_what_runs_is_left_alone(self) -> None:
        self.assertEqual(self.front(), [])

    def test_a_changed_configuration_is_reloaded(self) -> None:
        self.write("edge.conf", 3.0)
        self.assertEqual(self.front(), ["reload edge.service"])

    def test_a_renewed_certificate_is_taken_by_a_restart(self) -> None:
        proxy = self.host.proxies[0]
        chain = self.root / "chain.pem"
        chain.write_text("renewed")
        self.host = replace(
            self.host, proxies=(replace(proxy, certificate=str(chain), key=str(chain)), *self.host.proxies[1:])
        )
        for at, restarted in ((1.0, False), (1e12, True)):
            os.utime(chain, (at, at))
            with self.subTest(at):
                self.assertEqual(f"restart --no-block {proxy.unit}" in self.front(), restarted)

    def test_a_moved_door_is_bound_anew(self) -> None:
        self.write("edge.conf", 3.0)
        self.write("edge.socket", 3.0)
        wanted = ["stop edge.service edge.socket", "start edge.socket", "start edge.service"]
        log = self.front()
        self.assertIn("closed for a moment", log[0])
        self.assertEqual(self.systemd.verbs, wanted)

    def test_a_moved_door_is_foreseen(self) -> None:
        self.write("edge.socket", 3.0)
        wanted = ["stop edge.service edge.socket", "start edge.socket", "start --no-block edge.service"]
        self.assertEqual(self.front(dry=True)[1:], wanted)
        self.assertEqual(self.systemd.verbs, [])

    def test_doors_that_change_places_are_both_closed_first(self) -> None:
        self.write("edge.socket", 3.0)
        self.write("side.socket", 3.0)
        self.front()
        stops = ["stop edge.service edge.socket", "stop side.service side.socket"]
        self.assertEqual(self.systemd.verbs[:3], [*stops, "start edge.socket side.socket"])

    def test_a_proxy_whose_new_door_stays_silent_fails(self) -> None:
        self.write("edge.socket", 3.0)
        self.patch(converge, "probe", lambda url: "refused")
        self.patch(converge, "PROXY_DEADLINE", 0.0)
        with self.assertRaisesRegex(roll.Silent, "edge.service is not healthy"):
            self.front()

    def fall(self, **state: str) -> None:
        """The first proxy is down."""
        self.systemd.units["edge.service"] = replace(self.systemd.units["edge.service"], **state)

    def test_a_proxy_is_not_started_where_something_else_answers_for_it(self) -> None:
        for state in ({"active": "failed"}, {"active": "activating", "sub": "auto-restart"}):
            self.fall(**state)
            with self.assertRaisesRegex(Refused, "edge.service: something else .* `status:`"):
                self.front()
        self.assertEqual(self.systemd.verbs, [])

    def test_a_proxy_that_is_down_and_silent_is_started(self) -> None:
        self.fall(active="inactive", sub="dead")
        self.patch(converge, "probe", lambda url: None if self.systemd.verbs else "refused")
        self.assertEqual(self.front(), ["start --no-block edge.service"])

    def test_a_proxy_that_a_connection_starts_meanwhile_is_not_something_else(self) -> None:
        self.fall(active="inactive", sub="dead")
        self.patch(converge, "probe", lambda url: self.fall(active="active", sub="running"))
        self.assertEqual(self.front(), [])


if __name__ == "__main__":
    unittest.main()
