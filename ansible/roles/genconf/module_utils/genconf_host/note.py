"""Record the changes of a run on this host, for a later rollback.

A task that is interrupted cannot report its changes to the run, and timers and services of this host have
no connection to the run. The record is in /run: a full disk has no effect, and a reboot clears it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from . import lease
from .deploy import Outcome


@dataclass(frozen=True)
class Note:
    """What is noted for one project, for one purpose, and by which run of a playbook."""

    project: str
    purpose: str
    run: lease.Run | None = None

    def write(self, outcomes: Iterable[Outcome]) -> None:
        """Replaces what was noted, whoever did."""
        self._file.parent.mkdir(mode=0o755, exist_ok=True)
        fresh = self._file.with_name(f"{self._file.name}.fresh")
        noted = {"run": self._signature, "outcomes": [asdict(outcome) for outcome in outcomes]}
        fresh.write_text(json.dumps(noted))
        fresh.rename(self._file)

    def read(self) -> tuple[Outcome, ...] | None:
        """What was noted; None when nothing was, no longer is, or another run did."""
        try:
            noted = json.loads(self._file.read_text())
        except FileNotFoundError:
            return None
        if self.run and noted["run"] != self._signature:
            return None
        return tuple(Outcome(**raw) for raw in noted["outcomes"])

    def remove(self) -> None:
        """Nothing is noted any more."""
        self._file.unlink(missing_ok=True)

    @property
    def _signature(self) -> str:
        return f"{self.run.who} {self.run.machine} {self.run.pid}" if self.run else ""

    @property
    def _file(self) -> Path:
        return lease.RUN / f"{self.project}.{self.purpose}"


def unended(project: str, run: lease.Run | None = None) -> Note:
    """What a run did here that has not ended well yet: it, or a timer of this host, may undo it."""
    return Note(project, "unended", run)


def guarded(project: str) -> Note:
    """What a run that ended well did here, and what is taken back if it dies soon."""
    return Note(project, "guarded")
