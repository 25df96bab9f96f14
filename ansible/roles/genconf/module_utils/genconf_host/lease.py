"""Lock this host for one playbook run.

There are two locks, for two kinds of failures. The *turn* is a flock(2): it belongs to the program that
changes this host, and ends when the program exits. The *deploy lock* is a file: it belongs to
a playbook run, which consists of many programs on many hosts, and remains when the controller is killed.
A deploy lock is broken if its run is known to have exited, if it is old and its run cannot be checked, or if the
user requests it. A run that is assumed to have exited may be suspended, so before each change it checks
that it still holds the lock. The file remains after the release of a lock, so the run also detects a
run that started and ended since. Both locks are in /run: a full disk has no effect, and a reboot clears
them.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

RUN = Path("/run/genconf")

# Seconds after which a lease whose run cannot be asked counts as left behind.
STALE = 900.0

# Seconds to wait for a program that a dead controller left at work.
PATIENCE = 120.0


class Held(Exception):
    """Somebody else is at work."""


@dataclass(frozen=True)
class Run:
    """One run of a playbook: a person at a machine, and the process id of the run there.

    `living` are the process ids of such runs now alive on that machine: a lease from there whose
    process is not among them was left behind. With `take_over`, a person says that any was.
    """

    who: str
    pid: int
    living: list[int]
    take_over: bool
    # Where the process ids are valid.
    machine: str = ""


def run(raw: dict[str, Any]) -> Run:
    """A run from a task's arguments, whose numbers may have become text on the way."""
    living = [int(pid) for pid in raw["living"]]
    return Run(str(raw["who"]), int(raw["pid"]), living, bool(raw["take_over"]), str(raw.get("machine", "")))


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
                    raise Held(f"another run is changing {project} on this host") from None
                time.sleep(0.1)
        yield


@dataclass(frozen=True)
class Lease:
    """What is written while a run lasts."""

    who: str
    pid: int
    since: float
    is_over: bool = False
    machine: str = ""

    def is_of(self, run: Run) -> bool:
        """Whether this run took it."""
        return (self.who, self.machine, self.pid) == (run.who, run.machine, run.pid)

    def is_left_behind(self, run: Run) -> bool:
        """Whether the run that took it is known to be gone or, if nobody can tell, is old enough."""
        # A long run is no dead one, where its process can be asked for.
        is_known = (self.who, self.machine) == (run.who, run.machine)
        return self.pid not in run.living if is_known else self.age > STALE

    @property
    def age(self) -> float:
        """Seconds since its run last changed something here."""
        return max(0.0, time.time() - self.since)

    def __str__(self) -> str:
        return f"{self.who} (PID {self.pid}, {self.age:.0f} s ago)"


def take(project: str, run: Run) -> str:
    """Takes the lease. Returns a warning if another one was taken over, else nothing."""
    with turn(project):
        held = _read(project)
        if held and (held.is_over or held.is_of(run)):
            held = None
        if held and not (held.is_left_behind(run) or run.take_over):
            raise Held(f"{project} is locked by {held}; if that run has exited, retry with -e genconf_take_over=true")
        _write(project, Lease(run.who, run.pid, time.time(), machine=run.machine))
        return f"broke the deploy lock of {project} left by {held}" if held else ""


def renew(project: str, run: Run) -> None:
    """Raises `Held` unless no other run has taken the host since this one did.

    Only who has the turn may call this, for then nobody can take it before the work is done.
    """
    held = _read(project)
    if held and not held.is_of(run):
        raise Held(f"the deploy lock of {project} was taken by {held}")
    # Nothing at all: the host was booted since.
    _write(project, Lease(run.who, run.pid, time.time(), machine=run.machine))


def give_back(project: str, run: Run) -> None:
    """Ends the lease if it is still this run's."""
    held = _read(project)
    if held and held.is_of(run):
        _write(project, replace(held, is_over=True))


def _file(project: str) -> Path:
    return RUN / f"{project}.lease"


def _read(project: str) -> Lease | None:
    try:
        return Lease(**json.loads(_file(project).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _write(project: str, lease: Lease) -> None:
    fresh = _file(project).with_suffix(".fresh")
    fresh.write_text(json.dumps(asdict(lease)))
    fresh.rename(_file(project))
