"""Restarts what hangs."""

import http.server
import sys
import threading
import time
import unittest
from dataclasses import replace
from unittest import mock

import booted
from booted import UNITS

from genconf_host import prober
from genconf_host.health import Check
from genconf_host.prober import Prober
from genconf_host.systemd import State

FIRST, SECOND, DOWN = (f"http://127.0.0.1:{port}/health" for port in booted.PORTS)


class Healthy(http.server.BaseHTTPRequestHandler):
    """Answers every question."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class Probes(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.silent: set[str] = set()
        self.asked: list[str] = []
        self.prober = Prober("randoms-spread", "/health", self.root, self.systemd, self.answer)
        for unit in UNITS[:2]:
            self.systemd.start(unit)
            self.begin(unit, seconds_ago=60.0)
        self.systemd.verbs.clear()

    def answer(self, check: Check) -> str | None:
        self.asked.append(check.url)
        return "timed out" if check.url in self.silent else None

    def look(self) -> list[str]:
        return self.prober.look(booted.PORTS)

    def test_one_silence_is_tolerated_two_in_a_row_are_not(self) -> None:
        self.silent = {FIRST}
        self.assertIn("failed the health check", self.look()[0])
        self.assertEqual(self.systemd.verbs, [])
        self.assertIn("restarted", self.look()[0])
        self.assertEqual(self.systemd.verbs, [f"kill {UNITS[0]}"])

    def test_an_answer_between_two_silences_starts_the_count_anew(self) -> None:
        for silent in ({FIRST}, set(), {FIRST}):
            self.silent = silent
            self.look()
        self.assertEqual(self.systemd.verbs, [])

    def test_where_all_are_silent_one_is_replaced_at_a_time(self) -> None:
        self.silent = {FIRST, SECOND}
        patient = replace(self.prober, ready=30.0)
        for port in booted.PORTS[:2]:
            (self.root / str(port)).write_text(f"{self.systemd.units[f'randoms-spread@{port}.service'].invocation} 0")

        def look() -> list[str]:
            self.systemd.verbs.clear()
            patient.look(booted.PORTS)
            return list(self.systemd.verbs)

        self.assertEqual((look(), look()), ([], [f"kill {UNITS[0]}"]))
        # systemd starts it again. Until it answers, the other has to be borne.
        self.systemd.start(UNITS[0])
        self.begin(UNITS[0], seconds_ago=1.0)
        self.assertEqual((look(), look()), ([], []))
        # The other one answers again; or it does not, and is the next.
        self.silent = {SECOND}
        self.assertEqual(look(), [f"kill {UNITS[1]}"])

    def test_what_never_answered_is_on_its_way_up_for_as_long_as_it_may_take(self) -> None:
        self.silent = {FIRST, SECOND}
        self.begin(UNITS[0], seconds_ago=5.0)
        patient = replace(self.prober, ready=30.0)
        told = [line for _ in range(3) for line in patient.look(booted.PORTS)]
        self.assertEqual(self.systemd.verbs, [])
        self.assertFalse([line for line in told if UNITS[0] in line])
        self.begin(UNITS[0], seconds_ago=60.0)
        self.assertIn(f"{UNITS[1]} failed the health check 4 times, restarted: timed out", patient.look(booted.PORTS))

    def test_silences_belong_to_the_run_that_was_silent(self) -> None:
        self.silent = {FIRST}
        self.look()
        self.systemd.start(UNITS[0])
        self.begin(UNITS[0], seconds_ago=60.0)
        self.assertNotIn("replaced", self.look()[0])

    def test_each_is_asked_where_its_socket_listens(self) -> None:
        self.listen(8082, "[fd00::11]:8082")
        self.listen(8083, "/run/randoms/spread-8083.sock")
        self.look()
        unix = "http+unix:///run/randoms/spread-8083.sock:/health"
        self.assertEqual(set(self.asked), {"http://[fd00::11]:8082/health", unix})

    def test_what_opens_its_port_itself_is_asked_on_loopback(self) -> None:
        self.look()
        self.assertEqual(set(self.asked), {FIRST, SECOND})

    def test_an_instance_that_answers_other_hosts_alone_is_left_alone(self) -> None:
        """As it is run by its unit, with a real server that is not on loopback's usual address."""
        with http.server.ThreadingHTTPServer(("127.0.0.2", 0), Healthy) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            port = server.server_address[1]
            unit = f"randoms-spread@{port}.service"
            self.systemd.start(unit)
            self.begin(unit, seconds_ago=60.0)
            self.listen(port, f"127.0.0.2:{port}")
            for _ in range(3):
                self.run_for(port)
            server.shutdown()
        self.assertFalse([verb for verb in self.systemd.verbs if verb.startswith("kill")])

    def run_for(self, port: int) -> None:
        """One run of the pool's probe service."""
        words = "probe --unit randoms-spread --path /health --timeout-ms 2000 --ready-seconds 30"
        with (
            mock.patch.object(sys, "argv", [*words.split(), str(port)]),
            mock.patch.dict("os.environ", RUNTIME_DIRECTORY=str(self.root)),
            mock.patch.object(prober, "Systemctl", lambda: self.systemd),
        ):
            prober.main()

    def listen(self, port: int, where: str) -> None:
        """systemd holds the socket of `port` there."""
        unit = f"randoms-spread-port@{port}.socket"
        self.systemd.units[unit] = State(unit, active="active", listens=where)

    def begin(self, unit: str, seconds_ago: float) -> None:
        """`unit` was started then."""
        state = self.systemd.units[unit]
        self.systemd.units[unit] = replace(state, started_at=time.time() - seconds_ago)

    def test_what_is_down_is_not_asked(self) -> None:
        self.silent = {DOWN}
        self.assertEqual(self.look() + self.look(), [])


if __name__ == "__main__":
    unittest.main()
