"""Ports that pass from one holder to another."""

import unittest
from dataclasses import replace
from unittest import mock

import booted
from booted import UNITS

from genconf_host import description, handover, listener, relay
from genconf_host.listener import Listener
from genconf_host.systemd import Refused, State

SOCKETS = [unit.replace("@", "-port@").replace(".service", ".socket") for unit in UNITS]
HERE = [f"127.0.0.1:{port}" for port in booted.PORTS]
THERE = [f"192.168.56.11:{port}" for port in booted.PORTS]


class Ports(booted.HostTest):
    """A host whose instances run, and a kernel that knows who listens."""

    def setUp(self) -> None:
        super().setUp()
        self.ship(self.admit("v1"))
        self.patch(handover, "probe", self.systemd.health)
        self.patch(handover, "PULSE", 0.0)
        self.held: list[Listener] = []
        self.patch(listener, "listeners", lambda: self.held)
        start = self.systemd.start
        self.patch(self.systemd, "start", lambda unit: self.start(unit, start))
        self.relays: list[tuple[str, ...]] = []
        self.patch(relay, "begin", lambda *told: self.relays.append(told) or "")
        self.systemd.verbs.clear()

    def start(self, unit: str, start) -> None:
        """As systemd does: what its file says of it stays so."""
        before = self.systemd.states([unit])[unit]
        start(unit)
        told = {"listens": before.listens, "users": before.users, "files": before.files}
        self.systemd.units[unit] = replace(self.systemd.units[unit], **told)

    def put(self, unit: str, **told: object) -> None:
        """`unit` is there, written by genconf."""
        (self.root / "unit").write_text("# Written by genconf for randoms.\n")
        files = (str(self.root / "unit"),)
        self.systemd.units[unit] = State(unit, files=files, **{"active": "active", **told})

    def open(self, addresses: list[str]) -> None:
        """The described sockets are open there, by what their units say."""
        for socket, address, unit in zip(SOCKETS, addresses, UNITS, strict=True):
            self.put(socket, listens=address, users=(unit,))

    def close(self) -> None:
        """Nothing that is described is up yet."""
        self.open(HERE)
        for unit in (*UNITS, *SOCKETS):
            self.systemd.units[unit] = replace(self.systemd.units[unit], active="inactive", sub="dead", pid=0)

    def take(self, moved: list[str] = [], host: description.Host | None = None, **told: bool) -> list[str]:
        work = handover.Handover(host or self.host, self.systemd, **{"dry": False, **told})
        work.take(moved)
        return work.log

    def turns(self, *verbs: str) -> list[str]:
        """`verbs` for each port, one port after the other."""
        each = zip(UNITS, SOCKETS, booted.PORTS, strict=True)
        return [verb.format(unit=u, socket=s, port=p) for u, s, p in each for verb in verbs]


class FromSystemd(Ports):
    """systemd hands the app its sockets."""

    def test_a_socket_that_is_open_is_left_alone(self) -> None:
        self.open(HERE)
        self.assertEqual(self.take(), [])

    def test_an_app_ends_port_by_port_for_the_socket_it_now_takes(self) -> None:
        self.take()
        self.assertEqual(self.systemd.verbs, self.turns("stop {unit}", "start {socket}", "start {unit}"))

    def test_a_moved_port_is_the_only_one_that_is_closed(self) -> None:
        self.open(THERE)
        log = self.take(SOCKETS)
        turns = self.turns("stop {socket}", "stop {unit}", "start {socket}", "start {unit}")
        self.assertEqual(self.systemd.verbs, turns)
        # With its services it would wait for them, while what comes in waits to be reset.
        self.assertIn(f"stop --job-mode=ignore-requirements {SOCKETS[0]}", log)

    def test_the_next_port_waits_until_this_one_answers(self) -> None:
        self.open(THERE)
        self.systemd.behaviour[self.store.current] = "sick"
        with self.assertRaisesRegex(Exception, f"{UNITS[0]}: still unhealthy"):
            self.take(SOCKETS)
        self.assertFalse([verb for verb in self.systemd.verbs if SOCKETS[1] in verb])

    def test_a_release_that_is_still_to_be_decided_on_is_not_waited_for(self) -> None:
        self.open(THERE)
        self.store.flip(self.admit("v2", "exits")[:12])
        self.take(SOCKETS)
        self.assertEqual(self.systemd.verbs, self.turns("stop {socket}", "stop {unit}", "start {socket}"))

    def test_the_address_that_a_port_has_left_is_still_answered(self) -> None:
        self.open(THERE)
        pid = self.systemd.units[UNITS[0]].pid
        self.held = [Listener(HERE[0], pid, "randoms"), Listener("127.0.0.1:9229", pid, "randoms"),
                     Listener(HERE[1], 1_000_000, "another")]  # fmt: skip
        self.take(SOCKETS)
        self.assertEqual(self.relays, [("randoms", SOCKETS[0], HERE[0], THERE[0])])

    def test_a_socket_that_stays_where_it_is_needs_no_relay(self) -> None:
        self.open(HERE)
        self.held = [Listener(HERE[0], self.systemd.units[UNITS[0]].pid, "randoms")]
        self.take(SOCKETS)
        self.assertEqual(self.relays, [])

    def test_what_would_be_done_is_told(self) -> None:
        self.open(THERE)
        self.put("randoms-old-port@8082.socket", listens=THERE[0], users=("randoms-old@8082.service",))
        log = self.take(SOCKETS[:1], dry=True)
        self.assertIn("closes briefly", log[0])
        self.assertIn("stop --no-block randoms-old@8082.service", log)
        self.assertEqual(log[-1], f"start {SOCKETS[0]}")
        self.assertEqual(self.systemd.verbs, [])

    def test_a_renamed_pool_takes_its_ports_one_by_one(self) -> None:
        self.close()
        for port in booted.PORTS:
            users = (f"randoms-old@{port}.service",)
            self.put(users[0])
            self.put(f"randoms-old-port@{port}.socket", listens=f"127.0.0.1:{port}", users=users)
        self.take()
        old = "stop randoms-old-port@{port}.socket", "stop randoms-old@{port}.service"
        self.assertEqual(self.systemd.verbs, self.turns(*old, "start {socket}", "start {unit}"))

    def test_workers_of_a_shared_port_make_way_together(self) -> None:
        self.close()
        workers = tuple(f"randoms-spread-8082@{number}.service" for number in (1, 2))
        for worker in workers:
            self.put(worker)
        self.put("randoms-spread-8082.socket", listens=HERE[0], users=workers)
        self.take()
        wanted = ["stop randoms-spread-8082.socket", f"stop {' '.join(workers)}", f"start {SOCKETS[0]}"]
        self.assertEqual(self.systemd.verbs[:3], wanted)

    def test_a_service_whose_socket_was_stopped_before_the_run_was_cut_short_makes_way(self) -> None:
        self.close()
        self.put("randoms-old@8082.service")
        self.put("randoms-old-port@8082.socket", active="inactive", enabled="enabled", listens=HERE[0],
                 users=("randoms-old@8082.service",))  # fmt: skip
        self.take()
        self.assertEqual(self.systemd.verbs[0], "stop randoms-old@8082.service")

    def test_a_stranger_elsewhere_serves_until_the_proxies_know(self) -> None:
        self.close()
        self.put("randoms-old@8082.service")
        self.put("randoms-old-port@8082.socket", listens=THERE[0], users=("randoms-old@8082.service",))
        self.take()
        self.assertEqual(self.systemd.verbs, [f"start {socket}" for socket in SOCKETS])

    def test_nor_does_one_that_opened_its_port_itself_make_way_elsewhere(self) -> None:
        self.close()
        for port, where in ((8082, THERE[0]), (8083, "0.0.0.0:8083"), (8084, "0.0.0.0:9000")):
            self.put(f"randoms-old@{port}.service", pid=port)
            self.held.append(Listener(where, port, "randoms"))
        self.patch(handover, "PATIENCE", 0.0)
        self.take()
        stops = [verb for verb in self.systemd.verbs if verb.startswith("stop")]
        # Of the last one the kernel does not tell, so its name does.
        self.assertEqual(stops, ["stop randoms-old@8083.service", "stop randoms-old@8084.service"])

    def test_an_app_that_leaves_an_address_with_its_own_port_is_still_answered_there(self) -> None:
        for socket, address in zip(SOCKETS, THERE, strict=True):
            self.put(socket, active="inactive", listens=address)
        self.held = [Listener(HERE[0], self.systemd.units[UNITS[0]].pid, "randoms")]
        self.take()
        self.assertEqual(self.relays, [("randoms", SOCKETS[0], HERE[0], THERE[0])])

    def test_a_port_is_opened_only_when_its_holder_has_let_go(self) -> None:
        self.close()
        self.put("randoms-old-port@8082.socket", listens=HERE[0])
        looks = iter([[Listener(HERE[0], 7, "randoms")], [Listener(HERE[0], 7, "randoms")]])
        self.patch(listener, "listeners", lambda: next(looks, []))
        self.take()
        self.assertIsNone(next(looks, None))
        self.assertEqual(self.systemd.verbs[:2], ["stop randoms-old-port@8082.socket", f"start {SOCKETS[0]}"])

    def test_somebody_else_who_has_the_port_is_named(self) -> None:
        self.close()
        self.held = [Listener("0.0.0.0:8082", 77, "python3")]
        refusal = Refused(f"systemctl start {SOCKETS[0]}: Job failed.")
        with mock.patch.object(self.systemd, "run", side_effect=refusal):
            with self.assertRaisesRegex(Refused, r"@8082.socket: 0.0.0.0:8082 is in use by python3 \(PID 77\)"):
                self.take()

    def test_what_systemd_says_otherwise_is_told(self) -> None:
        self.close()
        with mock.patch.object(self.systemd, "run", side_effect=Refused("Unit is masked.")):
            with self.assertRaisesRegex(Refused, "^Unit is masked.$"):
                self.take()


class OwnPorts(Ports):
    """The app opens its ports itself."""

    def setUp(self) -> None:
        super().setUp()
        raw = booted.raw_host()
        for socket in raw["pools"][0]["listeners"]:
            socket["socket"] = ""
        self.own = description.read(raw)

    def test_ports_are_released_for_it(self) -> None:
        self.open(HERE)
        self.take(host=self.own)
        self.assertEqual(self.systemd.verbs, [f"stop {' '.join(SOCKETS)}"])

    def test_others_of_the_project_make_way_port_by_port(self) -> None:
        self.close()
        for port in booted.PORTS[:2]:
            self.put(f"randoms-old-{port}@1.service")
            self.put(f"randoms-old-{port}.socket", listens=f"127.0.0.1:{port}", users=(f"randoms-old-{port}@1.service",))
        # Opens its port itself as well.
        self.put("randoms-older@8084.service")
        self.take(host=self.own)
        old = "stop randoms-old-{port}.socket", "stop randoms-old-{port}@1.service"
        wanted = [*self.turns(*old, "start {unit}")[:6], "stop randoms-older@8084.service", f"start {UNITS[2]}"]
        self.assertEqual(self.systemd.verbs, wanted)

    def test_somebody_else_who_has_its_port_is_named(self) -> None:
        self.close()
        self.held = [Listener(HERE[1], 77, "python3")]
        with self.assertRaisesRegex(Refused, rf"{UNITS[1]}: 127.0.0.1:8083 is in use by python3 \(PID 77\)"):
            self.take(host=self.own)


if __name__ == "__main__":
    unittest.main()
