"""Keep the previous files of this host until a run has replaced them.

They are kept from the first file that a run replaces until the proxies are updated. A run that fails
before that restores them; if it was interrupted, the next run does. They are in /run, readable by root
only: secrets are not written to a disk, a full disk has no effect, and a reboot removes them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import description, files, lease
from .description import Host
from .files import File
from .systemd import Manager, reread


@dataclass(frozen=True)
class Snapshot:
    """One file at one moment; `text` is None when it was not there."""

    path: str
    text: str | None
    mode: int = 0
    written: int = 0

    @classmethod
    def of(cls, path: Path) -> Snapshot:
        """As it is now."""
        try:
            known, text = path.stat(), path.read_text(errors="surrogateescape")
            return cls(str(path), text, known.st_mode & 0o7777, known.st_mtime_ns)
        except FileNotFoundError:
            return cls(str(path), None)

    def restore(self) -> None:
        """Makes it so again, with the time at which it was written."""
        path = Path(self.path)
        if self == Snapshot.of(path):
            return
        if self.text is None:
            path.unlink(missing_ok=True)
            return
        files.write(File(path, self.text, self.mode))
        os.utime(path, ns=(self.written, self.written))


@dataclass(frozen=True)
class Former:
    """What is kept for one project."""

    project: str

    @property
    def since(self) -> float:
        """When the first of them was replaced, in seconds since 1970; 0 when nothing is kept."""
        return float(self._read()["since"])

    def replace(self, wanted: Iterable[File], gone: Iterable[Path] = ()) -> list[Snapshot]:
        """Writes files and removes some, all of that or nothing, and keeps what was there: returns it."""
        wanted, gone = list(wanted), list(gone)
        before = [Snapshot.of(path) for path in (*(file.path for file in wanted), *gone)]
        self._keep(before)
        try:
            for file in wanted:
                files.write(file)
            for path in gone:
                files.remove(path)
        except Exception:
            for snapshot in before:
                snapshot.restore()
            raise
        return before

    def host(self) -> Host | None:
        """What was described for this host; None if nothing was, or it is not understood any more."""
        place = str(files.ETC / self.project / "host.json")
        kept = next((snapshot for snapshot in self._kept() if snapshot.path == place), None)
        text = kept.text if kept else Snapshot.of(Path(place)).text
        try:
            return description.read(json.loads(text or ""))
        except (ValueError, KeyError, TypeError):
            return None

    def put_back(self) -> None:
        """All of them are there again. Units that were not there stay for as long as they are up."""
        for snapshot in self._kept():
            if snapshot.text is not None or Path(snapshot.path).parent != files.UNITS:
                snapshot.restore()

    def clear(self) -> None:
        """Those go as well, and nothing is kept any more."""
        for snapshot in self._kept():
            snapshot.restore()
        self.forget()

    def forget(self) -> None:
        """What has replaced them stays."""
        self._file.unlink(missing_ok=True)

    def _keep(self, snapshots: Iterable[Snapshot]) -> None:
        """Of a file that is kept already, the older one is what served."""
        kept = {snapshot.path: snapshot for snapshot in (*snapshots, *self._kept())}
        if kept:
            held = [asdict(snapshot) for snapshot in kept.values()]
            text = json.dumps({"since": self.since or time.time(), "files": held})
            files.write(File(self._file, text, 0o600))

    def _kept(self) -> list[Snapshot]:
        return [Snapshot(**raw) for raw in self._read()["files"]]

    def _read(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._file.read_text()))
        except FileNotFoundError:
            return {"since": 0.0, "files": []}

    @property
    def _file(self) -> Path:
        return lease.RUN / f"{self.project}.former"


def put(host: Host, manager: Manager, wanted: Iterable[File], gone: Iterable[Path] = ()) -> None:
    """Puts files in the place of others, which are kept, and has systemd read what of them are units.

    At once: what is started meanwhile would run what systemd remembers of the older ones. Unless a
    socket is to be elsewhere: systemd lets go of it when it reads so, and until it is this host's
    turn, which may be last, what is started meanwhile needs it.
    """
    before = Former(host.project).replace(wanted, gone)
    units = [snapshot for snapshot in before if files.is_unit(Path(snapshot.path))]
    if units and not any(map(_has_moved, units)):
        instances = (instance.unit for instance in host.instances)
        reread(manager, (*instances, *(proxy.unit for proxy in host.proxies)))


def _has_moved(before: Snapshot) -> bool:
    """Whether a socket that may be open is to be elsewhere now."""
    path = Path(before.path)
    is_fresh = before.text is None and path.parent == files.UNITS
    return ".socket" in before.path and not is_fresh and _places(before) != _places(Snapshot.of(path))


def _places(unit: Snapshot) -> list[str]:
    return [line for line in (unit.text or "").splitlines() if line.startswith("Listen")]
