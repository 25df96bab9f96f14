"""Restarts what hangs."""

import unittest

import booted
from booted import UNITS

from genconf_host.prober import Prober


class Probes(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.silent: set[str] = set()
        self.prober = Prober("randoms-spread", self.root, self.systemd, self.answer)
        self.systemd.start(UNITS[0])
        self.systemd.start(UNITS[1])
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

    def test_what_is_down_is_not_asked(self) -> None:
        self.silent = {"down"}
        self.assertEqual(self.look() + self.look(), [])


if __name__ == "__main__":
    unittest.main()
