"""An artifact that is unpacked."""

import hashlib
import io
import subprocess
import tarfile
import unittest
from pathlib import Path
from unittest import mock

import booted

from genconf_host.store import Rejected


class Archives(booted.HostTest):
    def arrives(self, members: dict[str, bytes], mode: int = 0o600, *, links: dict[str, str] | None = None) -> str:
        """Uploads an archive of these files; returns its digest."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as tar:
            for name, data in members.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode, member.uid = len(data), mode, 4711
                tar.addfile(member, io.BytesIO(data))
            for name, target in (links or {}).items():
                member = tarfile.TarInfo(name)
                member.type, member.linkname = tarfile.SYMTYPE, target
                tar.addfile(member)
        return self.upload(content.getvalue())

    def upload(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        upload = self.store.incoming(sha256)
        upload.parent.mkdir(parents=True, exist_ok=True)
        upload.write_bytes(content)
        return sha256

    def admitted(self, sha256: str, main: str = "server.js") -> Path:
        """The folder of the release."""
        return self.store.root / "releases" / self.store.admit(main, sha256, is_archive=True)

    def test_a_program_that_is_a_link_out_of_the_archive_is_refused(self) -> None:
        outside = self.root / "shadow"
        outside.write_text("secret")
        outside.chmod(0o600)
        for links in ({"server.js": str(outside)}, {"server.js": "../../../../../shadow"}, {"lib": str(self.root)}):
            main = "server.js" if "server.js" in links else "lib/shadow"
            with self.assertRaisesRegex(Rejected, "outside of the archive"):
                self.admitted(self.arrives({"other.js": b"//"}, links=links), main)
            self.assertEqual(outside.stat().st_mode & 0o777, 0o600)

    def test_a_program_that_is_a_link_inside_of_the_archive_is_run(self) -> None:
        release = self.admitted(self.arrives({"bin/real.js": b"//"}, links={"server.js": "bin/real.js"}))
        self.assertEqual((release / "bin/real.js").stat().st_mode & 0o777, 0o755)

    def test_everything_is_there_for_everybody_and_nobody_may_write(self) -> None:
        members = {"server.js": b"//", "node_modules/a/index.js": b"//", "public/a.html": b"<p>"}
        release = self.admitted(self.arrives(members, links={"node_modules/b": "a"}))
        modes = {str(p.relative_to(release)): oct(p.stat().st_mode & 0o7777) for p in release.rglob("*")}
        self.assertEqual(modes.pop("server.js"), "0o755")
        folders = {"node_modules", "node_modules/a", "node_modules/b", "public"}
        self.assertEqual({modes.pop(name) for name in folders}, {"0o755"})
        self.assertEqual(set(modes.values()), {"0o644"})
        self.assertEqual(list((self.store.root / "incoming").iterdir()), [])

    def test_what_may_be_run_stays_so_but_as_nobody_else(self) -> None:
        release = self.admitted(self.arrives({"bin/run": b"#!/bin/sh"}, mode=0o4700), main="bin/run")
        self.assertEqual((release / "bin/run").stat().st_mode & 0o7777, 0o755)

    def refused(self, sha256: str, reason: str) -> None:
        with self.assertRaisesRegex(Rejected, reason):
            self.admitted(sha256)
        self.assertEqual(self.store.releases(), [])
        self.assertEqual(list((self.store.root / "incoming").iterdir()), [])

    def test_an_archive_without_the_file_that_is_run_is_refused(self) -> None:
        sha256 = self.arrives({"app/server.js": b"//"})
        self.refused(sha256, "server.js is not in the archive; found: app$")

    def test_what_is_no_archive_is_refused(self) -> None:
        self.refused(self.upload(b"no archive"), "tar could not extract it: ")

    def test_a_file_outside_of_the_release_is_not_written(self) -> None:
        with self.assertRaises(Rejected):
            self.admitted(self.arrives({"server.js": b"//", "../../../escaped": b"x"}))
        self.assertFalse((self.root / "opt/randoms/escaped").exists())

    def test_a_pipe_is_refused(self) -> None:
        pack = self.root / "pack"
        pack.mkdir()
        (pack / "server.js").write_text("//")
        subprocess.run(["mkfifo", str(pack / "pipe")], check=True)
        tar = subprocess.run(["tar", "-cC", str(pack), "."], check=True, capture_output=True)
        self.refused(self.upload(tar.stdout), "pipe is not a file or a directory")

    def test_a_disk_that_is_full_keeps_no_half(self) -> None:
        sha256 = self.arrives({"server.js": b"//"})
        full = subprocess.CompletedProcess([], 2, "", "tar: server.js: No space left on device\n")
        with mock.patch("subprocess.run", return_value=full):
            self.refused(sha256, "No space left on device")


if __name__ == "__main__":
    unittest.main()
