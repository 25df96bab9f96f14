"""Files that a run replaced, and how a host comes back to them."""

import json
import os
import time
import unittest
from dataclasses import replace
from pathlib import Path

import booted
from booted import UNITS

from genconf_host import converge, description, files, former, handover, lease, listener, retreat
from genconf_host.deploy import Abandoned
from genconf_host.files import File
from genconf_host.former import Former
from genconf_host.systemd import State

OURS = "# Written by genconf for randoms.\n"
SERVICE = "units/randoms-spread@.service"


class Replacing(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.units = self.root / "units"
        self.units.mkdir()
        self.former = Former("randoms")

    def put(self, name: str, content: str, *, mode: int = 0o644, at: float = 1000.0) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(mode)
        os.utime(path, (at, at))
        return path


class Keeping(Replacing):
    def test_what_was_replaced_comes_back_as_it_was(self) -> None:
        secret = self.put("secret", "A=1\n", mode=0o600)
        fresh = self.root / "fresh"
        self.former.replace([File(secret, "A=2\n", 0o644), File(fresh, "new")])
        self.assertEqual((secret.read_text(), fresh.read_text()), ("A=2\n", "new"))
        self.former.clear()
        told = secret.stat()
        self.assertEqual((secret.read_text(), told.st_mode & 0o777, told.st_mtime), ("A=1\n", 0o600, 1000.0))
        self.assertFalse(fresh.exists())
        self.assertEqual(self.former.since, 0.0)

    def test_what_is_kept_is_readable_by_root_alone(self) -> None:
        self.former.replace([File(self.put("secret", "A=1\n"), "A=2\n")])
        self.assertEqual((lease.RUN / "randoms.former").stat().st_mode & 0o777, 0o600)

    def test_a_second_run_keeps_what_served_before_the_first(self) -> None:
        unit = self.put(SERVICE, OURS + "[Service]\n")
        self.former.replace([File(unit, OURS + "first")])
        since = self.former.since
        self.former.replace([File(unit, OURS + "second"), File(self.put("other", "old"), "new")])
        self.assertEqual(self.former.since, since)
        self.former.clear()
        self.assertEqual(unit.read_text(), OURS + "[Service]\n")
        self.assertEqual((self.root / "other").read_text(), "old")

    def test_one_that_is_refused_takes_all_of_its_run_back(self) -> None:
        first, second = self.put("first", "old"), self.put("second", "old")
        dropin = self.put("units/x.socket.d/50-listen.conf", OURS)

        def refuse(candidate: Path) -> None:
            raise ValueError("no")

        with self.assertRaises(ValueError):
            self.former.replace([File(first, "new"), File(second, "new", check=refuse)], [dropin])
        self.assertEqual((first.read_text(), second.read_text(), dropin.read_text()), ("old", "old", OURS))
        self.assertEqual(first.stat().st_mtime, 1000.0)

    def test_a_drop_in_that_went_comes_back(self) -> None:
        dropin = self.put("units/x.socket.d/50-listen.conf", OURS)
        self.former.replace([], [dropin])
        self.assertFalse(dropin.parent.exists())
        self.former.clear()
        self.assertEqual(dropin.read_text(), OURS)

    def test_a_file_that_is_no_text_comes_back(self) -> None:
        path = self.root / "bytes"
        path.write_bytes(b"\xff\x00a")
        self.former.replace([File(path, "text")])
        self.former.clear()
        self.assertEqual(path.read_bytes(), b"\xff\x00a")

    def test_a_unit_that_was_not_there_stays_until_it_is_down(self) -> None:
        fresh, dropin = self.units / "randoms-new@.service", self.units / "x.socket.d" / "50-listen.conf"
        self.former.replace([File(fresh, OURS), File(dropin, OURS)])
        self.former.put_back()
        self.assertEqual((fresh.exists(), dropin.exists()), (True, False))
        self.former.clear()
        self.assertFalse(fresh.exists())

    def test_systemd_reads_units_and_drop_ins_at_once(self) -> None:
        for name, verbs in ((SERVICE, ["daemon-reload"]), ("units/x.socket.d/own.conf", ["daemon-reload"]),
                            ("etc/randoms/host.json", [])):  # fmt: skip
            self.systemd.verbs.clear()
            with self.subTest(name):
                former.put(self.host, self.systemd, [File(self.root / name, OURS)])
                self.assertEqual(self.systemd.verbs, verbs)

    def read(self, name: str, text: str) -> bool:
        """Whether systemd is told at once that a file says so now."""
        self.systemd.verbs.clear()
        former.put(self.host, self.systemd, [File(self.root / name, OURS + text)])
        return self.systemd.verbs == ["daemon-reload"]

    def test_systemd_keeps_a_socket_that_is_to_be_elsewhere_until_its_turn(self) -> None:
        unit, dropin = "units/x-port@.socket", "units/x-port@.socket.d/50-listen.conf"
        self.assertTrue(self.read(unit, "[Socket]\nListenStream=1\n"))
        self.assertTrue(self.read(unit, "[Socket]\nBacklog=5\nListenStream=1\n"))
        self.assertFalse(self.read(unit, "[Socket]\nListenStream=2\n"))
        self.assertFalse(self.read(dropin, "[Socket]\nListenStream=3\n"))
        self.assertTrue(self.read(dropin, "[Socket]\nListenStream=3\nIPAddressAllow=localhost\n"))
        self.systemd.verbs.clear()
        former.put(self.host, self.systemd, [], [self.root / dropin])
        self.assertEqual(self.systemd.verbs, [])

    def test_what_was_described_is_understood_or_is_not(self) -> None:
        place = self.root / "etc" / "randoms" / "host.json"
        self.assertIsNone(self.former.host())
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(booted.raw_host()))
        self.assertEqual(self.former.host(), self.host)
        self.former.replace([File(place, "{}")])
        self.assertEqual(self.former.host(), self.host)
        place.write_text("{}")
        self.former.forget()
        self.assertIsNone(self.former.host())


class GoingBack(Replacing):
    """A run changes units for the worse."""

    def setUp(self) -> None:
        super().setUp()
        start = self.systemd.start
        self.patch(self.systemd, "start", lambda unit: self.start(unit, start))
        for module in (converge, handover, retreat):
            self.patch(module, "probe", self.systemd.health)
        self.patch(listener, "listeners", list)
        self.unit = self.put(SERVICE, OURS + "good")
        self.place = self.root / "etc" / "randoms" / "host.json"
        self.place.parent.mkdir(parents=True)
        self.place.write_text(json.dumps(booted.raw_host()))
        self.ship(self.admit("v1"))
        self.runs = {unit: self.systemd.units[unit].invocation for unit in UNITS}
        for unit in UNITS:
            self.systemd.units[unit] = replace(self.systemd.units[unit], started_at=2000.0)
        for listener_ in booted.raw_host()["pools"][0]["listeners"]:
            name = listener_["socket"]
            self.systemd.units[name] = State(name, active="active", active_since=2000.0)
        self.systemd.verbs.clear()

    def start(self, unit: str, start) -> None:
        """A run starts by what its unit says then."""
        is_bad = unit.endswith(".service") and self.unit.read_text().endswith("bad")
        self.systemd.behaviour[self.systemd.current()] = "exits" if is_bad else "good"
        known = self.systemd.states([unit])[unit]
        start(unit)
        told = {"started_at": time.time(), "active_since": time.time(), "changed_at": time.time()}
        told |= {"files": known.files, "listens": known.listens, "users": known.users}
        self.systemd.units[unit] = replace(self.systemd.units[unit], **told)

    def change(self, *more: File) -> None:
        """What genconf_files does."""
        former.put(self.host, self.systemd, [File(self.unit, OURS + "bad"), *more])
        for unit in UNITS:
            self.systemd.units[unit] = replace(self.systemd.units[unit], files=(str(self.unit),))

    def serve(self, host: description.Host | None = None) -> None:
        converge.Convergence(host or self.host, self.systemd, dry=False).serve()

    def test_units_that_no_instance_comes_up_by_are_put_back(self) -> None:
        self.change()
        told = f"(?s)exit status 3.*{UNITS[0]} were not restarted.*the files from before this run.its instances run"
        with self.assertRaisesRegex(Abandoned, told):
            self.serve()
        self.assertEqual(self.unit.read_text(), OURS + "good")
        states = [self.systemd.units[unit] for unit in UNITS]
        self.assertTrue(all(state.is_active for state in states))
        self.assertEqual([state.invocation for state in states[1:]], [self.runs[unit] for unit in UNITS[1:]])

    def test_one_that_came_up_by_them_is_started_anew(self) -> None:
        self.change()
        behave = self.systemd.start

        def start_well_once(unit: str) -> None:
            # The first one comes up by the bad unit, and only the second one does not.
            behave(unit)
            if unit == UNITS[0] and self.unit.read_text().endswith("bad"):
                state = self.systemd.units[unit]
                self.systemd.units[unit] = replace(state, active="active", sub="running", pid=1, exit_code=0)

        self.patch(self.systemd, "start", start_well_once)
        self.patch(converge, "probe", lambda url: None)
        with self.assertRaisesRegex(Abandoned, "its instances run with these files"):
            self.serve()
        self.assertEqual(self.systemd.verbs.count(f"restart {UNITS[0]}"), 2)

    def test_secret_variables_come_back_as_well(self) -> None:
        secret = self.root / "etc" / "randoms" / "randoms.env"
        secret.write_text(OURS + "A=1\n")
        self.change(File(secret, OURS + "A=2\n", 0o600))
        with self.assertRaises(Abandoned):
            self.serve()
        self.assertEqual(secret.read_text(), OURS + "A=1\n")

    def test_what_was_not_described_before_is_stopped(self) -> None:
        raw = booted.raw_host()
        more = {**raw["pools"][0]["listeners"][0], "socket": "randoms-spread-port@8085.socket"}
        more |= {"services": ["randoms-spread@8085.service"]}
        raw["pools"][0]["listeners"].append(more)
        self.change(File(self.place, json.dumps(raw)))
        with self.assertRaises(Abandoned):
            self.serve(description.read(raw))
        self.assertFalse(self.systemd.units["randoms-spread-port@8085.socket"].is_active)
        self.assertEqual(json.loads(self.place.read_text()), booted.raw_host())

    def test_sockets_that_moved_or_were_to_move_go_back(self) -> None:
        sockets = [pool.sockets for pool in self.host.pools][0]
        dropin = self.units / "randoms-spread-port@.socket.d" / "50-listen.conf"
        self.change(File(dropin, OURS))
        for socket in sockets:
            self.systemd.units[socket] = replace(self.systemd.units[socket], files=(str(dropin),))
        with self.assertRaises(Abandoned):
            self.serve()
        self.assertFalse(dropin.exists())
        starts = [verb for verb in self.systemd.verbs if verb.startswith("start") and ".socket" in verb]
        # One was, when its instance did not come up.
        self.assertEqual(starts, [f"start {socket}" for socket in (sockets[0], *sockets)])

    def test_a_port_that_had_passed_to_a_new_unit_passes_back(self) -> None:
        raw = booted.raw_host()
        for socket in raw["pools"][0]["listeners"]:
            port = socket["health"]["url"].split(":")[2].split("/")[0]
            socket |= {"socket": f"randoms-new-port@{port}.socket", "services": [f"randoms-new@{port}.service"]}
            for name in (f"randoms-spread-port@{port}.socket", socket["socket"]):
                user = name.replace("-port", "").replace(".socket", ".service")
                told = {"listens": f"127.0.0.1:{port}", "users": (user,), "files": (str(self.unit),)}
                known = self.systemd.states([name])[name]
                self.systemd.units[name] = replace(known, **told)
        self.change(File(self.place, json.dumps(raw)), File(self.units / "randoms-new@.service", OURS))
        self.unit.write_text(OURS + "good bad")
        with self.assertRaisesRegex(Abandoned, "randoms-new@8082.service: exited before"):
            self.serve(description.read(raw))
        verbs = self.systemd.verbs
        self.assertLess(verbs.index("stop randoms-spread-port@8082.socket"), verbs.index("start randoms-new-port@8082.socket"))
        back = ["stop randoms-new-port@8082.socket", "stop randoms-new@8082.service", f"start {self.host.pools[0].sockets[0]}"]
        at = verbs.index(back[0])
        self.assertEqual(verbs[at : at + 3], back)
        self.assertFalse((self.units / "randoms-new@.service").exists())
        self.assertTrue(all(self.systemd.units[unit].is_active for unit in UNITS))

    def test_a_proxy_that_came_to_run_what_was_meant_for_it_is_restarted(self) -> None:
        told = {"name": "edge", "engine": "nginx", "health": "", "certificate": "", "key": ""}
        names = {"unit": "edge.service", "socket": "edge.socket", "destination": "/etc/edge.conf"}
        raw = {**booted.raw_host(), "proxies": [{**told, **names}]}
        self.place.write_text(json.dumps(raw))
        old, new = 2000.0, time.time() + 1.0
        for active_since, changed_at, verb in ((old, old, ""), (new, new, "restart"), (old, new, "reload")):
            self.unit.write_text(OURS + "good")
            self.change()
            self.systemd.units["edge.service"] = State(
                "edge.service", active="active", active_since=active_since, changed_at=changed_at
            )
            self.systemd.verbs.clear()
            with self.assertRaises(Abandoned):
                self.serve(description.read(raw))
            done = [words for words in self.systemd.verbs if words.endswith("edge.service")]
            self.assertEqual(done, [f"{verb} edge.service"] if verb else [])

    def test_a_monitor_that_read_what_goes_is_restarted(self) -> None:
        raw = {**booted.raw_host(), "triggers": ["randoms-monitor.service", "randoms-edge-rotate.timer"]}
        self.place.write_text(json.dumps(raw))
        for active_since, is_restarted in ((2000.0, False), (time.time() + 1.0, True)):
            self.unit.write_text(OURS + "good")
            self.change()
            self.systemd.units["randoms-monitor.service"] = State(
                "randoms-monitor.service", active="active", active_since=active_since
            )
            self.systemd.verbs.clear()
            with self.assertRaises(Abandoned):
                self.serve(description.read(raw))
            self.assertEqual("restart randoms-monitor.service" in self.systemd.verbs, is_restarted)

    def test_what_fails_still_is_told_and_nothing_follows(self) -> None:
        self.unit.write_text(OURS + "also bad")
        os.utime(self.unit, (1000.0, 1000.0))
        self.change()
        with self.assertRaisesRegex(Abandoned, "(?s)before this run.still failing: .*exit status 3"):
            self.serve()
        self.assertEqual(len([verb for verb in self.systemd.verbs if verb == f"start {UNITS[0]}"]), 1)

    def test_without_a_change_of_files_there_is_nothing_to_go_back_to(self) -> None:
        self.systemd.run("stop", UNITS[0])
        self.unit.write_text(OURS + "bad")
        with self.assertRaises(Abandoned) as failure:
            self.serve()
        self.assertNotIn("before this run", str(failure.exception))


if __name__ == "__main__":
    unittest.main()
