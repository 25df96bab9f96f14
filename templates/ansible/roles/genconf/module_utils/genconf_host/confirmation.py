"""Undoes a deploy that nobody confirms: it may have locked out the very person who would.

Armed on the host before anything is touched, by a timer of systemd's that needs no connection;
disarmed by the run that armed it, once all of its hosts passed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from .deploy import Outcome
from .note import Note
from .systemd import Manager, Refused, start_transient


def arm(project: str, seconds: float, manager: Manager) -> None:
    """From now on, what is noted is undone in so many seconds. Only who has the turn may arm."""
    disarm(project, manager)
    _dismiss(project, manager)
    note(project, [])
    # Collected even when it failed, for as long as it is loaded nothing can be armed again.
    timer = ["--collect", f"--on-active={seconds}s", "--timer-property=AccuracySec=1s"]
    try:
        start_transient(f"{project}.undo", timer, "undo", project)
    except Refused as refusal:
        _noted(project).remove()
        raise Refused(f"cannot arm the undo of {project}: {refusal}") from None


def note(project: str, outcomes: Iterable[Outcome]) -> None:
    """What is to be undone."""
    _noted(project).write(outcomes)


def unconfirmed(project: str) -> list[Outcome] | None:
    """What was noted and not confirmed; None when nothing is armed."""
    return _noted(project).read()


def disarm(project: str, manager: Manager) -> None:
    """What was noted stays."""
    if unconfirmed(project) is None:
        return
    # A timer that has fired, or that a reboot took, is not there to be stopped.
    with contextlib.suppress(Refused):
        manager.run("stop", f"{project}.undo.timer")
    _noted(project).remove()


def _dismiss(project: str, manager: Manager) -> None:
    """Ends an earlier run's undo that still waits for its turn: it would undo this run instead.

    Only who has the turn may call this, for then no undo can be at work.
    """
    with contextlib.suppress(Refused):
        manager.run("stop", f"{project}.undo.service")


def _noted(project: str) -> Note:
    return Note(project, "unconfirmed")
