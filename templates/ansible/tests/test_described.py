"""What is described is on disk, and of what was described before nothing that would mislead."""

import unittest

import booted

from genconf_host import described, lease

ALICE = {"who": "alice@laptop", "pid": "10", "living": ["10"], "take_over": False}


class Described(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.programs = self.root / "lib/genconf_host"
        self.patch(described, "PROGRAMS", self.programs)
        lease.take("randoms", lease.run(ALICE))

    def put(self, *names: str, dry: bool = False) -> list[str]:
        """Describes programs of these names; returns those of the files that changed."""
        files = {str(self.programs / name): f"# {name}\n" for name in names}
        given = {"host": booted.raw_host(), "run": ALICE, "files": files, "is_recorded": True}
        answer = described.QUESTION.answered(given, dry=dry)
        self.assertEqual(answer["changed"], bool(answer["written"]))
        return [path.rpartition("/")[2] for path in answer["written"]]

    def there(self) -> list[str]:
        return sorted(path.name for path in self.programs.glob("*.py"))

    def test_a_program_of_an_older_edition_goes(self) -> None:
        self.put("a.py", "b.py")
        self.assertEqual(self.put("a.py", dry=True), ["files.json", "b.py"])
        self.assertEqual(self.there(), ["a.py", "b.py"])
        self.assertEqual(self.put("a.py"), ["files.json", "b.py"])
        self.assertEqual(self.there(), ["a.py"])
        self.assertEqual(self.put("a.py"), [])

    def test_a_host_that_another_run_has_is_left_alone(self) -> None:
        (lease.RUN / "randoms.lease").unlink()
        lease.take("randoms", lease.run({**ALICE, "who": "bob@desk"}))
        given = {"host": booted.raw_host(), "run": ALICE, "files": {str(self.programs / "a.py"): ""}}
        answer = described.QUESTION.answered(given, dry=False)
        self.assertTrue(answer["failed"])
        self.assertIn("bob@desk", answer["msg"])
        self.assertEqual(self.there(), [])


if __name__ == "__main__":
    unittest.main()
