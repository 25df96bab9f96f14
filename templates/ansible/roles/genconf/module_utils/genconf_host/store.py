"""Store the releases of one app on this host, and the links that select one.

    releases/<digest>/   one release; its name is the start of the artifact's SHA-256
    current              the release that a unit starts
    proven               the release that last passed its checks; `current` differs from it
                         only during a roll, or after a roll was interrupted
    history              digests that passed, oldest first: candidates for a rollback; a release
                         that was rolled back counts as oldest when another release follows

A link is replaced with rename(2), so it always names one complete release.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import archive, files

KEPT = 5
DIGEST_LENGTH = 12


class Rejected(Exception):
    """An upload or a release name that cannot be used."""


class NoRelease(Rejected):
    """There is no release to return to."""


@dataclass(frozen=True)
class Store:
    """The folder of one app."""

    root: Path

    @property
    def current(self) -> str | None:
        """The release a unit would start now."""
        return self._read("current")

    @property
    def proven(self) -> str | None:
        """The release that last passed its gates."""
        return self._read("proven")

    @property
    def history(self) -> list[str]:
        """Releases that passed and are still here, oldest first."""
        try:
            passed = (self.root / "history").read_text().split()
        except FileNotFoundError:
            return []
        return [digest for digest in passed if self.has(digest)]

    def previous(self, left: str | None = None) -> str | None:
        """What a rollback without an argument goes to: the one that passed before `current`.

        Unless a move from `left` is still to be ended: one to an older release is gone on with, any
        other is gone back from. A move that was cut short here was from `proven`.
        """
        history, current, proven = self.history, self.current, self.proven
        if proven and proven != current:
            left = proven
        if left and left != current and self.has(left):
            return current if self._came_before(current, left) else left
        older = history[: history.index(current)] if current in history else history
        return older[-1] if older else None

    def _came_before(self, digest: str | None, other: str) -> bool:
        """By the history; what is not there yet is younger than all of it."""
        history = self.history
        until = history.index(other) if other in history else len(history)
        return digest in history[:until]

    def releases(self) -> list[str]:
        """Every release here, proven or not."""
        folder = self.root / "releases"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def has(self, digest: str) -> bool:
        """Whether the release is here, whole."""
        return self._release(digest).is_dir()

    def find(self, prefix: str) -> str | None:
        """The release whose digest starts with `prefix`, if there is one and only one."""
        found = [digest for digest in self.releases() if digest.startswith(prefix)]
        if len(found) > 1:
            raise Rejected(f"more than one release starts with {prefix}: {', '.join(found)}")
        return found[0] if found else None

    def incoming(self, sha256: str) -> Path:
        """Where an artifact is uploaded to: beside the releases, on the same file system."""
        return self.root / "incoming" / sha256

    def receive(self, sha256: str, file: Path) -> None:
        """Takes an uploaded file over, wherever on this host it lies. All of it or nothing."""
        upload = self.incoming(sha256)
        upload.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._sweep()
        try:
            shutil.move(file, upload)
            # Of whoever the run came in as until now, who is nobody to change a release.
            os.chown(upload, os.geteuid(), os.getegid())
        except OSError:
            upload.unlink(missing_ok=True)
            raise

    def _sweep(self) -> None:
        """Removes what killed runs left. Nobody else uploads: the run has the deploy lock."""
        for left in self.root.joinpath("incoming").iterdir():
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink()

    def admit(self, executable: str, sha256: str, *, is_archive: bool = False) -> str:
        """Makes a release of an uploaded file whose digest is what the sender says it is.

        `executable` is what the release runs, by its path inside: what the file becomes or, of an
        archive, what comes out of it.
        """
        digest, upload = sha256[:DIGEST_LENGTH], self.incoming(sha256)
        if self.has(digest):
            upload.unlink(missing_ok=True)
            return digest
        arrived = sha256_of(upload)
        if arrived != sha256:
            upload.unlink()
            raise Rejected(f"{upload.name}: digest mismatch: expected {sha256}, found {arrived}")
        half = self.root / "incoming" / f"{digest}.release"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o755)
        if is_archive:
            self._unpack(upload, half, executable)
        else:
            # DynamicUser= runs it as nobody in particular, so anyone may read and execute it.
            upload.chmod(0o755)
            upload.rename(half / executable)
            files.sync(half / executable)
        (self.root / "releases").mkdir(mode=0o755, exist_ok=True)
        half.rename(self._release(digest))
        files.sync(self.root / "releases")
        return digest

    @staticmethod
    def _unpack(upload: Path, half: Path, executable: str) -> None:
        try:
            archive.unpack(upload, half, executable)
        except (archive.Unusable, OSError) as reason:
            # Both: who has no room for it needs none for what is left of it.
            shutil.rmtree(half, ignore_errors=True)
            upload.unlink()
            raise Rejected(f"{executable} cannot be run: {reason}") from None
        upload.unlink()
        # Many files: all of them, rather than each.
        os.sync()

    def flip(self, digest: str) -> None:
        """Points `current` at a release."""
        self._point("current", digest)

    def record(self, digest: str, previous: str | None = None) -> None:
        """Writes down that a release passed, and lets go of the oldest beyond five.

        `previous` ran until then, so it comes directly before.
        """
        passed = [*(known for known in self._leading_to(previous) if known != digest), digest]
        self._write_history(passed[-KEPT:])
        kept = {*passed[-KEPT:], self.current, self.proven}
        for release in self.releases():
            if release not in kept:
                self._remove(release)

    def prove(self, digest: str) -> None:
        """Marks the release that all instances run and that passed its gates."""
        self._point("proven", digest)

    def forget(self, digest: str) -> None:
        """Removes a release that did not pass, with every trace of it."""
        for link in ("current", "proven"):
            if self._read(link) == digest:
                (self.root / link).unlink()
        if digest in self.history:
            self._write_history([known for known in self.history if known != digest])
        self._remove(digest)

    def _remove(self, digest: str) -> None:
        """Renamed first: what is deleted halfway is no release."""
        gone = self.root / "incoming" / f"{digest}.gone"
        shutil.rmtree(gone, ignore_errors=True)
        gone.parent.mkdir(mode=0o755, exist_ok=True)
        try:
            self._release(digest).rename(gone)
        except FileNotFoundError:
            return
        files.sync(self.root / "releases")
        shutil.rmtree(gone, ignore_errors=True)

    def _leading_to(self, digest: str | None) -> list[str]:
        """The history, with `digest` as its youngest.

        What was younger has been left by a rollback: no further one is to meet it before those
        that came before `digest`.
        """
        history = self.history
        if digest is None or not self.has(digest):
            return history
        until = history.index(digest) if digest in history else len(history)
        return [*history[until + 1 :], *history[:until], digest]

    def _release(self, digest: str) -> Path:
        return self.root / "releases" / digest

    def _read(self, link: str) -> str | None:
        try:
            return Path(os.readlink(self.root / link)).name
        except FileNotFoundError:
            return None

    def _point(self, link: str, digest: str) -> None:
        if self._read(link) == digest:
            return
        fresh = self.root / f".{link}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("releases") / digest)
        fresh.rename(self.root / link)
        files.sync(self.root)

    def _write_history(self, digests: list[str]) -> None:
        fresh = self.root / ".history"
        fresh.write_text("".join(f"{digest}\n" for digest in digests))
        files.sync(fresh)
        fresh.rename(self.root / "history")
        files.sync(self.root)


def sha256_of(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


