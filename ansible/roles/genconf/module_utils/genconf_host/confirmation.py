"""Roll back a deploy that is not confirmed in time, for example because it cut off SSH.

A transient systemd timer is started before the host is changed; it needs no connection. The run stops it
when all of its hosts have succeeded. The rollback covers the changes that the run has recorded
(`note.unended`).
"""

from __future__ import annotations

import contextlib

from .systemd import Manager, Refused, start_transient


def arm(project: str, seconds: float, manager: Manager) -> None:
    """In so many seconds, what is noted by then is undone. Only who has the turn may arm."""
    disarm(project, manager)
    # Collected even when it failed, for as long as it is loaded nothing can be armed again.
    timer = ["--collect", f"--on-active={seconds}s", "--timer-property=AccuracySec=1s"]
    try:
        start_transient(_name(project), timer, "undo", project)
    except Refused as refusal:
        raise Refused(f"cannot start the rollback timer of {project}: {refusal}") from None


def disarm(project: str, manager: Manager) -> None:
    """What was noted stays. Ends an undo as well that still waits for its turn.

    Only who has the turn may call this, for then no undo can be at work.
    """
    # A timer that has fired, or that a reboot took, is not there to be stopped.
    with contextlib.suppress(Refused):
        manager.run("stop", f"{_name(project)}.timer", f"{_name(project)}.service")


def _name(project: str) -> str:
    return f"{project}.undo"
