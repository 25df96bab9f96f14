"""Restarts what hangs."""

import time
import unittest
from dataclasses import replace

import booted
from booted import UNITS

from genconf_host.prober import Prober


class Probes(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.silent: set[str] = set()
        self.prober = Prober("randoms-spread", self.root, self.systemd, self.answer)
        for unit in UNITS[:2]:
            self.systemd.start(unit)
            self.begin(unit, seconds_ago=60.0)
        self.systemd.verbs.clear()

    def answer(self, url: str) -> str | None:
        return "timed out" if url in self.silent else None

    def look(self) -> list[str]:
        return self.prober.look({8082: "a", 8083: "b", 8084: "down"})

    def test_one_silence_is_tolerated_two_in_a_row_are_not(self) -> None:
        self.silent = {"a"}
        self.assertIn("did not answer", self.look()[0])
        self.assertEqual(self.systemd.verbs, [])
        self.assertIn("replaced", self.look()[0])
        self.assertEqual(self.systemd.verbs, [f"kill {UNITS[0]}"])

    def test_an_answer_between_two_silences_starts_the_count_anew(self) -> None:
        for silent in ({"a"}, set(), {"a"}):
            self.silent = silent
            self.look()
        self.assertEqual(self.systemd.verbs, [])

    def test_what_never_answered_is_on_its_way_up_for_as_long_as_it_may_take(self) -> None:
        self.silent = {"a", "b"}
        self.begin(UNITS[0], seconds_ago=5.0)
        patient = replace(self.prober, ready=30.0)
        told = [line for _ in range(3) for line in patient.look({8082: "a", 8083: "b"})]
        self.assertEqual(self.systemd.verbs, [f"kill {UNITS[1]}"])
        self.assertFalse([line for line in told if UNITS[0] in line])

    def test_silences_belong_to_the_run_that_was_silent(self) -> None:
        self.silent = {"a"}
        self.look()
        self.systemd.start(UNITS[0])
        self.begin(UNITS[0], seconds_ago=60.0)
        self.assertNotIn("replaced", self.look()[0])

    def begin(self, unit: str, seconds_ago: float) -> None:
        """`unit` was started then."""
        state = self.systemd.units[unit]
        self.systemd.units[unit] = replace(state, started_at=time.time() - seconds_ago)

    def test_what_is_down_is_not_asked(self) -> None:
        self.silent = {"down"}
        self.assertEqual(self.look() + self.look(), [])


if __name__ == "__main__":
    unittest.main()
