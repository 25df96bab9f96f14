"""A file put on the host becomes a release."""

import contextlib
import hashlib
import io
import unittest

import booted

from genconf_host import deploy, watch


class Watching(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.patch(watch, "QUIET", 0.0)
        self.watch = watch.Watch(self.site, self.app)
        self.watch.path.parent.mkdir(parents=True)
        self.good = self.admit("v1")
        self.ship(self.good)

    def put(self, content: str, behaviour: str = "good") -> str:
        """Puts a build where it is watched; returns the release it becomes."""
        self.watch.path.write_text(content)
        release = hashlib.sha256(content.encode()).hexdigest()[:12]
        self.systemd.behaviour[release] = behaviour
        return release

    def settle(self) -> str:
        """What is said until what runs is what lies there."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            self.watch.settle()
        return said.getvalue()

    def test_what_is_put_there_is_rolled_out(self) -> None:
        release = self.put("v2")
        self.assertIn(f"release {release}", self.settle())
        self.assertEqual(self.running(), [release] * 3)

    def test_a_bad_build_fails_and_is_taken_back(self) -> None:
        self.put("v2", "exits")
        with self.assertRaises(deploy.Abandoned):
            self.settle()
        self.assertEqual(self.running(), [self.good[:12]] * 3)

    def test_a_build_put_there_while_a_bad_one_is_rolled_is_rolled_out_next(self) -> None:
        bad, start, mended = self.put("v2", "exits"), self.systemd.start, []

        def start_and_mend(unit: str) -> None:
            start(unit)
            if self.systemd.current() == bad:
                mended.append(self.put("v3"))

        self.patch(self.systemd, "start", start_and_mend)
        self.assertIn(f"release {bad}: ", self.settle())
        self.assertEqual(self.running(), [mended[0]] * 3)

    def test_a_bad_build_that_is_removed_meanwhile_is_nothing_to_fail_for(self) -> None:
        bad, start = self.put("v2", "exits"), self.systemd.start

        def start_and_remove(unit: str) -> None:
            start(unit)
            if self.systemd.current() == bad:
                self.watch.path.unlink()

        self.patch(self.systemd, "start", start_and_remove)
        self.assertIn(f"release {bad}: ", self.settle())
        self.assertEqual(self.running(), [self.good[:12]] * 3)


if __name__ == "__main__":
    unittest.main()
