"""Undoes a deploy that nobody confirms: it may have locked out the very person who would.

Armed on the host before anything is touched, by a timer of systemd's that needs no connection;
disarmed by the run that armed it, once all of its hosts passed.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from . import lease
from .deploy import Outcome
from .systemd import Manager, Refused

PROGRAM = "/usr/local/sbin/genconf-host"


def arm(project: str, seconds: float, manager: Manager) -> None:
    """From now on, what is noted is undone in so many seconds. Only who has the turn may arm."""
    disarm(project, manager)
    _dismiss(project, manager)
    note(project, [])
    # Collected even when it failed, for as long as it is loaded nothing can be armed again.
    command = ["systemd-run", "--quiet", "--collect", f"--unit={project}-undo"]
    command += [f"--on-active={seconds}s", "--timer-property=AccuracySec=1s", PROGRAM, "undo", project]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        _file(project).unlink(missing_ok=True)
        raise Refused(f"cannot arm the undo of {project}: {done.stderr.strip()}")


def note(project: str, outcomes: Iterable[Outcome]) -> None:
    """What is to be undone."""
    _file(project).parent.mkdir(mode=0o755, exist_ok=True)
    fresh = _file(project).with_suffix(".fresh")
    fresh.write_text(json.dumps([asdict(outcome) for outcome in outcomes]))
    fresh.rename(_file(project))


def unconfirmed(project: str) -> list[Outcome] | None:
    """What was noted and not confirmed; None when nothing is armed."""
    try:
        return [Outcome(**raw) for raw in json.loads(_file(project).read_text())]
    except FileNotFoundError:
        return None


def disarm(project: str, manager: Manager) -> None:
    """What was noted stays."""
    if unconfirmed(project) is None:
        return
    # A timer that has fired, or that a reboot took, is not there to be stopped.
    with contextlib.suppress(Refused):
        manager.run("stop", f"{project}-undo.timer")
    _file(project).unlink(missing_ok=True)


def _dismiss(project: str, manager: Manager) -> None:
    """Ends an earlier run's undo that still waits for its turn: it would undo this run instead.

    Only who has the turn may call this, for then no undo can be at work.
    """
    with contextlib.suppress(Refused):
        manager.run("stop", f"{project}-undo.service")


def _file(project: str) -> Path:
    return lease.RUN / f"{project}.unconfirmed"
