"""What is on disk."""

import os
import unittest
from pathlib import Path

import booted

from genconf_host import files

OURS = "# Written by genconf for randoms. Change the topology.\n"


class Files(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.units = self.root / "units"
        self.units.mkdir()

    def put(self, name: str, content: str) -> Path:
        path = self.units / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        return path

    def test_content_and_mode_both_count(self) -> None:
        file = files.File(self.root / "deep" / "secret", "A=1\n", mode=0o600)
        self.assertEqual(files.differing([file]), [file])
        files.write(file)
        self.assertEqual(files.differing([file]), [])
        self.assertEqual(file.path.stat().st_mode & 0o777, 0o600)
        file.path.chmod(0o644)
        self.assertEqual(files.differing([file]), [file])

    def test_a_refused_file_leaves_the_old_one_and_nothing_else(self) -> None:
        path = self.root / "nginx.conf"
        path.write_text("old")

        def refuse(candidate: Path) -> None:
            self.assertEqual(candidate.read_text(), "new")
            raise ValueError("no")

        with self.assertRaises(ValueError):
            files.write(files.File(path, "new", check=refuse))
        self.assertEqual(path.read_text(), "old")
        self.assertEqual([entry.name for entry in path.parent.glob("*nginx*")], ["nginx.conf"])

    def test_somebody_else_s_unit_is_not_replaced(self) -> None:
        path = self.put("randoms.target", "[Unit]\n")
        with self.assertRaisesRegex(files.Refused, "not written by genconf"):
            files.write(files.File(path, OURS))

    def test_a_unit_of_another_project_is_not_replaced(self) -> None:
        theirs = OURS.replace("randoms", "randoms-x")
        path = self.put("randoms-x-web.target", theirs)
        with self.assertRaisesRegex(files.Refused, "belongs to the project randoms-x: .*rename"):
            files.write(files.File(path, OURS))
        self.assertEqual(path.read_text(), theirs)

    def test_a_unit_of_this_project_is_replaced(self) -> None:
        path = self.put("randoms.target", OURS)
        files.write(files.File(path, OURS + "[Unit]\n"))
        self.assertEqual(path.read_text(), OURS + "[Unit]\n")

    def test_somebody_else_s_rotation_of_logs_is_not_replaced(self) -> None:
        path = self.root / "logrotate.d" / "randoms"
        path.parent.mkdir()
        for theirs in ("/var/log/randoms.log {}\n", OURS.replace("randoms", "other")):
            path.write_text(theirs)
            with self.assertRaises(files.Refused):
                files.write(files.File(path, OURS))
            self.assertEqual(path.read_text(), theirs)

    def test_only_ours_and_only_undescribed_are_orphans(self) -> None:
        gone = self.put("randoms-old@.service", OURS)
        dropin = self.put("randoms-old-port@.socket.d/50-listen.conf", OURS)
        kept = self.put("randoms-spread@.service", OURS)
        self.put("randoms-foreign.service", "[Service]\n")
        self.put("randoms-x-web@.service", OURS.replace("randoms", "randoms-x"))
        self.put("randomsx.service", OURS)
        self.assertEqual(files.orphans("randoms", {kept}), [dropin, gone])

    def test_secret_variables_are_orphans_only_if_ours(self) -> None:
        folder = self.root / "etc" / "randoms"
        folder.mkdir(parents=True)
        for name, content in (("old.env", OURS + "A=1\n"), ("kept.env", OURS), ("own.env", "B=2\n")):
            (folder / name).write_text(content)
        self.assertEqual(files.orphans("randoms", {folder / "kept.env"}), [folder / "old.env"])

    def test_what_was_altered_since_is_told(self) -> None:
        paths = [self.units / name for name in ("same", "edited", "gone")]
        wanted = [files.File(path, f"content of {path.name}") for path in paths]
        for file in [*wanted, files.record("randoms", wanted)]:
            files.write(file)
        self.assertEqual(files.altered("randoms"), {})
        paths[1].write_text("otherwise")
        paths[2].unlink()
        self.assertEqual(files.altered("randoms"), {paths[1]: "modified", paths[2]: "missing"})

    def aged(self, name: str, content: str) -> Path:
        """A unit that was written long ago."""
        path = self.put(name, content)
        os.utime(path, (1000.0, 1000.0))
        return path

    def test_a_unit_that_says_the_same_in_other_comments_is_as_old_as_before(self) -> None:
        for name in ("randoms-web@.socket", "randoms-web@.socket.d/50-listen.conf"):
            path = self.aged(name, OURS + "[Socket]\n# Why.\nListenStream=80\n")
            files.write(files.File(path, OURS + "; Why not.\n\n[Socket]\n  # Oh.\nListenStream=80\n"))
            self.assertIn("Oh.", path.read_text())
            self.assertEqual(path.stat().st_mtime, 1000.0)

    def test_a_unit_that_says_something_else_is_young(self) -> None:
        path = self.aged("randoms-web@.socket", OURS + "[Socket]\nListenStream=80\n")
        files.write(files.File(path, OURS + "[Socket]\nListenStream=81\n"))
        self.assertGreater(path.stat().st_mtime, 1000.0)

    def test_a_comment_elsewhere_may_mean_something(self) -> None:
        path = self.aged("../nginx.conf", "# one\n").resolve()
        files.write(files.File(path, "# other\n"))
        self.assertGreater(path.stat().st_mtime, 1000.0)

    def test_the_rotation_of_before_is_an_orphan_if_ours(self) -> None:
        shared = self.root / "logrotate.d"
        shared.mkdir()
        ours, others = shared / "randoms", shared / "randoms-x"
        for path in (ours, others):
            path.write_text(OURS.replace("randoms", path.name))
        self.assertEqual(files.orphans("randoms", set()), [ours])
        files.remove(ours)
        self.assertEqual(list(shared.iterdir()), [others])
        files.remove(others)
        self.assertTrue(shared.is_dir())
        ours.write_text("/var/log/randoms.log {}\n")
        self.assertEqual(files.orphans("randoms", set()), [])

    def test_a_drop_in_of_what_is_described_misleads_once_it_is_not(self) -> None:
        described = self.put("randoms-web-port@.socket.d/50-listen.conf", OURS)
        self.put("randoms-web-port@.socket.d/60-own.conf", "[Socket]\n")
        self.put("randoms-old-port@.socket.d/50-listen.conf", OURS)
        units = ["randoms-web-port@.socket", "randoms.target"]
        self.assertEqual(files.misleading("randoms", units, {described}), [])
        self.assertEqual(files.misleading("randoms", units, set()), [described])

    def test_a_folder_goes_with_its_last_file(self) -> None:
        dropin = self.put("randoms-old-port@.socket.d/50-listen.conf", OURS)
        files.remove(dropin)
        self.assertEqual(list(self.units.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
