"""Who is working on this host, and since when.

Two locks, because two different things can die. The *turn* is a flock(2): it belongs to the
program that changes this host and ends with it. The *lease* is a file: it belongs to a run of a
playbook, which spans many programs on many hosts, and outlives a controller that is killed. A
lease is taken over when its run is known to be dead, when it is old, or when a person says so.
Both live in /run: no disk can be too full for them, and a reboot clears them.
"""

from __future__ import annotations

import fcntl
import json
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Iterator

RUN = Path("/run/genconf")

# Seconds after which a lease whose run cannot be asked counts as left behind.
STALE = 900.0

# Seconds to wait for a program that a dead controller left at work.
PATIENCE = 120.0


class Held(Exception):
    """Somebody else is at work."""


@dataclass(frozen=True)
class Holder:
    """One run of a playbook: a person at a machine, and the process id of the run there."""

    who: str
    pid: int


@contextmanager
def turn(project: str, patience: float = PATIENCE) -> Iterator[None]:
    """Holds this host while its instances are changed."""
    RUN.mkdir(mode=0o755, exist_ok=True)
    deadline = time.monotonic() + patience
    with (RUN / f"{project}.turn").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Held(f"another run is still changing {project} here") from None
                time.sleep(0.1)
        yield


def take(project: str, holder: Holder, living: list[int], by_force: bool = False) -> str | None:
    """Takes the lease; says whose it took over, if it did.

    `living` are the process ids of playbook runs on the holder's own machine: a lease from there
    whose process is not among them was left behind.
    """
    with turn(project):
        other = _read(project)
        if other is None or other[0] == holder:
            _write(project, holder)
            return None
        owner, since = other
        age = max(0.0, time.time() - since)
        dead = owner.who == holder.who and owner.pid not in living
        if not (dead or age > STALE or by_force):
            raise Held(f"{project} is held by {owner.who} (process {owner.pid}) since {age:.0f} s")
        _write(project, holder)
        return f"{owner.who} (process {owner.pid}, {age:.0f} s ago)"


def give_back(project: str, holder: Holder) -> None:
    """Ends the lease if it is still this holder's."""
    found = _read(project)
    if found and found[0] == holder:
        _file(project).unlink(missing_ok=True)


def _file(project: str) -> Path:
    return RUN / f"{project}.lease"


def _read(project: str) -> tuple[Holder, float] | None:
    try:
        raw = json.loads(_file(project).read_text())
        return Holder(raw["who"], raw["pid"]), raw["since"]
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _write(project: str, holder: Holder) -> None:
    fresh = _file(project).with_suffix(".fresh")
    fresh.write_text(json.dumps({**asdict(holder), "since": time.time()}))
    fresh.rename(_file(project))
