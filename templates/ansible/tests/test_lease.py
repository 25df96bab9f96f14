"""Who is working on this host."""

import dataclasses
import importlib.util
import sys
import threading
import time
import types
import unittest
from pathlib import Path
from unittest import mock

import booted

from genconf_host import lease

ALICE = lease.Run("alice@laptop", 10, [10, 11], take_over=False)
BOB = lease.Run("bob@desk", 20, [20], take_over=False)
INSISTING = lease.Run("bob@desk", 20, [20], take_over=True)


def _lookup_plugin() -> types.ModuleType:
    """genconf_run.py, without Ansible's library."""
    theirs = {name: types.ModuleType(name) for name in ("ansible", "ansible.plugins", "ansible.plugins.lookup")}
    theirs["ansible.plugins.lookup"].LookupBase = object  # type: ignore[attr-defined]
    path = Path(__file__).parent.parent / "roles/genconf/lookup_plugins/genconf_run.py"
    spec = importlib.util.spec_from_file_location("genconf_run", path)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, theirs):
        spec.loader.exec_module(loaded)
    return loaded


genconf_run = _lookup_plugin()


class Leases(booted.HostTest):
    def test_a_held_host_is_refused_with_holder_and_age(self) -> None:
        lease.take("randoms", ALICE)
        with self.assertRaisesRegex(lease.Held, r"alice@laptop \(PID 10, 0 s ago\)"):
            lease.take("randoms", BOB)

    def test_the_same_run_may_take_it_again(self) -> None:
        lease.take("randoms", ALICE)
        self.assertEqual(lease.take("randoms", ALICE), "")

    def test_a_run_known_to_be_dead_is_taken_over(self) -> None:
        lease.take("randoms", ALICE)
        again = lease.Run("alice@laptop", 12, [12], take_over=False)
        self.assertIn("PID 10", lease.take("randoms", again))

    def test_a_living_run_of_the_same_person_is_not(self) -> None:
        lease.take("randoms", ALICE)
        with self.assertRaises(lease.Held):
            lease.take("randoms", lease.Run("alice@laptop", 11, [10, 11], take_over=False))

    def test_a_living_run_of_the_same_person_keeps_it_however_long_it_lasts(self) -> None:
        lease.take("randoms", ALICE)
        with mock.patch.object(lease, "STALE", -1.0), self.assertRaises(lease.Held):
            lease.take("randoms", lease.Run("alice@laptop", 11, [10, 11], take_over=False))

    def test_a_refusal_says_what_would_work(self) -> None:
        lease.take("randoms", ALICE)
        with self.assertRaisesRegex(lease.Held, "if that run has exited, retry with -e genconf_take_over=true"):
            lease.take("randoms", BOB)

    def test_an_old_lease_is_taken_over(self) -> None:
        lease.take("randoms", ALICE)
        with mock.patch.object(lease, "STALE", -1.0):
            self.assertIn("alice@laptop", lease.take("randoms", BOB))

    def test_a_person_may_insist(self) -> None:
        lease.take("randoms", ALICE)
        self.assertIn("alice@laptop", lease.take("randoms", INSISTING))

    def test_nobody_gives_back_what_is_another_s(self) -> None:
        lease.take("randoms", ALICE)
        lease.give_back("randoms", BOB)
        with self.assertRaises(lease.Held):
            lease.take("randoms", BOB)
        lease.give_back("randoms", ALICE)
        self.assertEqual(lease.take("randoms", BOB), "")

    def test_a_run_goes_on_with_what_is_its_own(self) -> None:
        lease.take("randoms", ALICE)
        with mock.patch.object(lease.time, "time", return_value=time.time() + 600):
            lease.renew("randoms", ALICE)
        # It has just worked, so it is not old however long ago it began.
        with mock.patch.object(lease.time, "time", return_value=time.time() + 1200):
            with self.assertRaisesRegex(lease.Held, "600 s ago"):
                lease.take("randoms", BOB)

    def test_a_run_that_was_taken_over_is_told(self) -> None:
        lease.take("randoms", ALICE)
        lease.take("randoms", INSISTING)
        for _ in range(2):
            with self.assertRaisesRegex(lease.Held, r"taken by bob@desk \(PID 20"):
                lease.renew("randoms", ALICE)
            # And when the other one has come and gone.
            lease.give_back("randoms", INSISTING)

    def test_a_run_may_take_up_again_what_it_gave_back(self) -> None:
        lease.take("randoms", ALICE)
        lease.give_back("randoms", ALICE)
        lease.renew("randoms", ALICE)
        with self.assertRaises(lease.Held):
            lease.take("randoms", BOB)

    def test_a_host_that_was_booted_meanwhile_is_still_the_run_s(self) -> None:
        lease.take("randoms", ALICE)
        (lease.RUN / "randoms.lease").unlink()
        lease.renew("randoms", ALICE)
        with self.assertRaises(lease.Held):
            lease.take("randoms", BOB)

    def test_process_ids_that_became_text_are_still_numbers(self) -> None:
        raw = {"who": "alice@laptop", "pid": "10", "living": ["10"], "take_over": False}
        lease.take("randoms", lease.run(raw))
        with self.assertRaises(lease.Held):
            lease.take("randoms", lease.Run("alice@laptop", 12, [10, 12], take_over=False))

    def test_a_program_waits_for_its_turn(self) -> None:
        with lease.turn("randoms"):
            with self.assertRaisesRegex(lease.Held, "another run is changing"):
                with lease.turn("randoms", patience=0.0):
                    self.fail("two at once")
            waiting = threading.Thread(target=lambda: lease.take("randoms", ALICE))
            waiting.start()
        waiting.join(timeout=5)
        self.assertFalse(waiting.is_alive())


class Identity(unittest.TestCase):
    """What genconf_run.py tells of a run."""

    def test_a_playbook_is_known_however_it_was_started(self) -> None:
        for command, is_one in (
            (b"/usr/bin/python3\0/usr/bin/ansible-playbook\0site.yml\0", True),
            (b"python3\0-m\0ansible\0playbook\0site.yml\0", True),
            (b"vim\0playbook\0", False),
            (b"", False),
        ):
            self.assertEqual(genconf_run._is_playbook(command), is_one, command)

    def test_two_containers_of_one_name_are_two_machines(self) -> None:
        run = lease.Run("root@deploy", 7, [7], take_over=False, machine="boot 1")
        held = lease.Lease("root@deploy", 7, lease.time.time(), machine="boot 2")
        self.assertFalse(held.is_of(run))
        # Its process cannot be looked for here.
        self.assertFalse(held.is_left_behind(dataclasses.replace(run, living=[])))
        self.assertEqual(len(genconf_run.machine().split()), 2)


if __name__ == "__main__":
    unittest.main()
