"""Deploy a file that was copied to the watched directory of an app.

systemd.path(5) triggers when the file is closed or moved there. It does not trigger again during a roll,
so the roll checks for a newer file at its end.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from . import lease
from .deploy import Abandoned, Site
from .description import App
from .roll import Failed
from .store import Rejected, sha256_of
from .systemd import Refused

# A file that has not changed for so long is whole: a compiler or a copy may close it more than once.
QUIET = 0.3

# What a roll ends with that does not get to its release.
FAILURES = (Abandoned, Failed, Rejected, Refused, lease.Held, OSError)


@dataclass(frozen=True)
class Watch:
    """One app whose file is watched."""

    site: Site
    app: App

    @property
    def path(self) -> Path:
        """The file that is watched."""
        return self.site.host.app_root(self.app.name) / "watched" / self.app.file

    def settle(self) -> None:
        """Rolls to what lies there, until what runs is what lies there.

        Fails if that does not pass, and nothing else was put there meanwhile.
        """
        while (sha256 := self._whole()) is not None:
            try:
                if self._is_settled(sha256):
                    return
            except FAILURES as failure:
                if self._whole() == sha256:
                    raise
                print(failure, flush=True)

    def _is_settled(self, sha256: str) -> bool:
        """Whether that is what runs; rolls to it if not."""
        with lease.turn(self.site.host.project):
            if self._is_current(sha256):
                return True
            print(f"{self.path} changed", flush=True)
            self._roll(sha256)
            return False

    def _roll(self, sha256: str) -> None:
        store = self.site.store(self.app)
        incoming = store.incoming(sha256)
        incoming.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.copyfile(self.path, incoming)
        self.site.admit({self.app.name: sha256})
        for outcome in self.site.deploy({self.app.name: sha256}, observe=0.0):
            print("\n".join([f"{outcome.app}: release {outcome.release}", *outcome.log]), flush=True)

    def _is_current(self, sha256: str) -> bool:
        store = self.site.store(self.app)
        return store.current == store.proven and sha256.startswith(store.current or "none")

    def _whole(self) -> str | None:
        """The digest of the file once nobody writes to it any more; None when it is gone."""
        try:
            before = None
            while before != (seen := self._version()):
                before = seen
                time.sleep(QUIET)
            return sha256_of(self.path)
        except FileNotFoundError:
            return None

    def _version(self) -> tuple[int, int, int]:
        """Differs once somebody has written; clocks are not compared, for the writer has his own."""
        seen = self.path.stat()
        return seen.st_ino, seen.st_mtime_ns, seen.st_size
