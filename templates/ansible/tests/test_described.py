"""What is described is on disk, and of what was described before nothing that would mislead."""

import os
import unittest
from unittest import mock

import booted

from genconf_host import binary, described, lease
from genconf_host.store import sha256_of

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

    def test_modes_do_not_depend_on_the_umask_and_are_repaired(self) -> None:
        """Folders of an earlier run under umask 077, and files and folders of this one."""
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        release = self.store.root / "releases/0123456789ab"
        release.mkdir(parents=True)
        self.put("a.py")
        made = [self.programs, self.programs / "a.py", release, *list(release.parents)[:3]]
        modes = {str(path.relative_to(self.root)): oct(path.stat().st_mode & 0o777) for path in made}
        files = {name for name, mode in modes.items() if mode == "0o644"}
        self.assertEqual(files, {"lib/genconf_host/a.py"})
        self.assertEqual({modes[name] for name in modes.keys() - files}, {"0o755"}, modes)

    def test_an_uploaded_program_is_installed_if_it_is_the_one_that_was_sent(self) -> None:
        program = self.root / "lib/genconf-host"
        self.patch(binary, "PATH", program)
        upload = self.root / "upload"
        for content, sha256, is_installed in (("cut sh", "0" * 64, False), ("whole", None, True)):
            upload.write_text(content)
            given = {"host": booted.raw_host(), "run": ALICE, "files": {}, "uploaded": {"genconf-host": str(upload)}}
            given["binary"] = sha256 or sha256_of(upload)
            answer = described.QUESTION.answered(given, dry=False)
            self.assertEqual((program.exists(), answer.get("failed", False)), (is_installed, not is_installed))
        self.assertEqual(program.stat().st_mode & 0o777, 0o755)

    def test_programs_print_in_a_known_language(self) -> None:
        with mock.patch.dict(os.environ, LC_ALL="de_DE.UTF-8"):
            self.put("a.py")
            self.assertEqual(os.environ["LC_ALL"], "C.UTF-8")

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
