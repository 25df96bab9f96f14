"""Outcomes of a run, kept for a program of this host that may have to take them back later.

In /run, where no disk can be too full for them; a reboot clears them.
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
    """What is noted for one project, for one purpose."""

    project: str
    purpose: str

    def write(self, outcomes: Iterable[Outcome]) -> None:
        """Replaces what was noted."""
        self._file.parent.mkdir(mode=0o755, exist_ok=True)
        fresh = self._file.with_suffix(".fresh")
        fresh.write_text(json.dumps([asdict(outcome) for outcome in outcomes]))
        fresh.rename(self._file)

    def read(self) -> list[Outcome] | None:
        """What was noted; None when nothing was, or no longer is."""
        try:
            return [Outcome(**raw) for raw in json.loads(self._file.read_text())]
        except FileNotFoundError:
            return None

    def remove(self) -> None:
        """Nothing is noted any more."""
        self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return lease.RUN / f"{self.project}.{self.purpose}"
