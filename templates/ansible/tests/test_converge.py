"""What each step brings about, and what status tells of sockets that are closed."""

import os
import unittest
from dataclasses import replace

import booted
from booted import UNITS

from genconf_host import converge, description, files, former, handover, listener, roll, status
from genconf_host.systemd import Refused, State

SOCKETS = [unit.replace("@", "-port@").replace(".service", ".socket") for unit in UNITS]


class Converging(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.ship(self.admit("v1"))
        for module in (converge, handover):
            self.patch(module, "probe", self.systemd.health)
        self.systemd.verbs.clear()

    def serve(self, *, dry: bool = False) -> list[str]:
        work = converge.Convergence(self.host, self.systemd, dry=dry)
        work.serve()
        return work.log

    def open(self, *sockets: str) -> None:
        for socket in sockets:
            self.systemd.units[socket] = State(socket, active="active", sub="listening")

    def test_a_closed_socket_is_no_state_to_be_in(self) -> None:
        self.open(*SOCKETS[1:])
        rows = status._drift(self.host, self.systemd)
        self.assertEqual([(row.instance, row.state, row.is_fine) for row in rows],
                         [(SOCKETS[0], "inactive", False)])  # fmt: skip

    def test_what_systemd_has_not_read_is_read_and_counts_as_new(self) -> None:
        self.open(*SOCKETS)
        unit = self.root / "randoms-spread@.service"
        unit.touch()
        os.utime(unit, (1.0, 1.0))
        stale = {"files": (str(unit),), "needs_reload": True, "started_at": 2.0}
        for name in UNITS[:2]:
            self.systemd.units[name] = replace(self.systemd.units[name], **stale)
        self.assertEqual(self.serve(dry=True)[:2], [f"restart {name}" for name in UNITS[:2]])
        self.assertEqual(unit.stat().st_mtime, 1.0)
        self.serve()
        verbs = [verb for verb in self.systemd.verbs if verb.startswith(("daemon", "restart"))]
        self.assertEqual(verbs, ["daemon-reload", *(f"restart {name}" for name in UNITS[:2])])

    def test_a_socket_that_systemd_has_let_go_of_is_bound_anew(self) -> None:
        self.open(*SOCKETS)
        state = replace(self.systemd.units[SOCKETS[1]], listens="127.0.0.1:8083", active_since=1e12)
        self.systemd.units[SOCKETS[1]] = state
        found = [listener.Listener("127.0.0.1:8083", 2, "randoms"), listener.Listener("0.0.0.0:80", 1, "systemd")]
        self.patch(listener, "listeners", lambda: found)
        self.assertIn(f"start {SOCKETS[1]}", self.serve())
        found.append(listener.Listener("127.0.0.1:8083", 1, "systemd"))
        self.systemd.units[SOCKETS[1]] = state
        self.assertNotIn(f"start {SOCKETS[1]}", self.serve())

    def test_what_is_no_longer_described_is_disabled_only_if_it_was_enabled(self) -> None:
        relay = "randoms.relay.randoms-spread-port-8082.socket"
        (self.root / "unit").write_text("# Written by genconf for randoms.\n")
        for name, enabled in ((relay, "transient"), ("randoms-old-port@9.socket", "enabled")):
            written = () if name == relay else (str(self.root / "unit"),)
            self.systemd.units[name] = State(name, active="active", enabled=enabled, files=written)
        converge.Convergence(self.host, self.systemd, dry=False).prune(set())
        stops = f"stop randoms-old-port@9.socket {relay}"
        self.assertEqual(self.systemd.verbs, ["disable randoms-old-port@9.socket", stops])


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
                up = State(unit, active="active", enabled="enabled", files=(str(self.root / unit),))
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
        self.assertIn("closes briefly", log[0])
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
        self.assertEqual(self.systemd.verbs[:4], [*stops, "start edge.socket", "start side.socket"])

    def test_a_door_is_taken_over_from_a_proxy_that_is_no_longer_described(self) -> None:
        self.fall(active="inactive", sub="dead")
        door = replace(self.systemd.units["edge.socket"], active="inactive", listens="0.0.0.0:80")
        self.systemd.units["edge.socket"] = door
        (self.root / "old").write_text("# Written by genconf for randoms.\n")
        for unit, told in (("randoms-old.socket", {"listens": "0.0.0.0:80", "users": ("randoms-old.service",)}),
                           ("randoms-old.service", {})):  # fmt: skip
            self.systemd.units[unit] = State(unit, active="active", files=(str(self.root / "old"),), **told)
        self.patch(listener, "listeners", list)
        # Its status page answers until it has gone, and then that of its successor.
        answers = lambda url: None if self.systemd.units["randoms-old.service"].is_active else "refused"  # noqa: E731
        self.patch(converge, "probe", lambda url: None if "start edge.service" in self.systemd.verbs else answers(url))
        self.front()
        wanted = ["stop randoms-old.socket", "stop randoms-old.service", "start edge.socket", "start edge.service"]
        self.assertEqual(self.systemd.verbs, wanted)

    def test_once_proxies_are_told_there_is_nothing_to_go_back_to(self) -> None:
        kept = former.Former("randoms")
        kept.replace([files.File(self.root / "edge.conf", "new")])
        self.front(dry=True)
        self.assertNotEqual(kept.since, 0.0)
        self.front()
        self.assertEqual(kept.since, 0.0)

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
            with self.assertRaisesRegex(Refused, "edge.service: another process .* `status_port`"):
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
