"""Monitor a release after its deploy, and roll it back if an instance crashes.

A release can pass every check and crash seconds later. The run does not wait for that: a transient
systemd service on the host monitors the release without a connection. After a rollback, this service is
in state failed, which `status` reports.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import lease, note
from .deploy import Outcome, Site
from .systemd import Manager, Refused, State, start_transient

# Seconds between two looks at what is guarded.
PULSE = 0.2


class TakenBack(Exception):
    """A release died after its run had ended. The message says how, and what the host runs now."""


def unit(project: str) -> str:
    """The service that guards. No pool and no proxy is called so: their names have no dots."""
    return f"{project}.guard.service"


def begin(project: str, seconds: float, outcomes: Iterable[Outcome], manager: Manager) -> None:
    """From now on, and for so many seconds, these moves are taken back if what they brought dies.

    Only those to another release: without one to go back to, starting it again is all there is. An
    earlier guard ends with that; when nothing moved it goes on. What one told of a failure ends in
    either case. Only who has the turn may call this, for then no guard is taking anything back.
    """
    moves = [o for o in outcomes if o.previous and o.previous != o.release] if seconds else []
    for verb in ("stop", "reset-failed") if moves else ("reset-failed",):
        # One that is not loaded cannot be stopped or reset, and need not be.
        with contextlib.suppress(Refused):
            manager.run(verb, unit(project))
    if not moves:
        return
    note.guarded(project).write(moves)
    try:
        start_transient(unit(project), [], "guard", project, str(seconds))
    except Refused as refusal:
        note.guarded(project).remove()
        raise Refused(f"cannot start the post-deploy monitoring of {project}: {refusal}") from None


@dataclass(frozen=True)
class Guard:
    """One run's releases on this host."""

    site: Site
    since: float = field(default_factory=time.time)

    def keep(self, seconds: float) -> None:
        """Looks on for so long; raises `TakenBack` when it had to."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and (guarded := self._guarded()):
            if self._casualties(guarded):
                self._settle()
            time.sleep(PULSE)
        note.guarded(self.site.host.project).remove()

    def _settle(self) -> None:
        """Takes everything back, unless somebody else had the turn meanwhile and mended it.

        Waits for its turn however long it takes: nobody else would take it back.
        """
        project = self.site.host.project
        with lease.turn(project, math.inf):
            guarded = self._guarded()
            if casualties := self._casualties(guarded):
                aftermath = self.site.undo(guarded)
                note.guarded(project).remove()
                raise TakenBack("\n".join([*casualties, aftermath]))

    def _guarded(self) -> list[Outcome]:
        """What was noted, without that from which another run has moved on."""
        noted = note.guarded(self.site.host.project).read() or ()
        proven = {app.name: self.site.store(app).proven for app in self.site.host.apps}
        return [outcome for outcome in noted if proven.get(outcome.app) == outcome.release]

    def _casualties(self, guarded: list[Outcome]) -> list[str]:
        """Which instances died."""
        passed = {name: (outcome, run) for outcome in guarded for name, run in outcome.touched.items()}
        states = self.site.manager.states(passed)
        return [
            f"release {outcome.release} is rolled back, {name} exited: {self._ending(states[name])}"
            for name, (outcome, run) in passed.items()
            if _has_died(states[name], run)
        ]

    def _ending(self, state: State) -> str:
        """How it died; the unit itself may already show the next run."""
        return self.site.manager.ending(state.unit, self.since, "") or state.last_words()


def _has_died(state: State, passed: str) -> bool:
    """Whether the run that passed, or one after it, ended by itself.

    Then systemd starts it again, always: it waits a moment and counts that. The run that passed had
    a count of 0, to which one by hand returns it. A unit that failed is none that died: one is left
    by a stop by hand that took too long.
    """
    is_up = state.is_active and state.invocation == passed
    return state.sub.startswith("auto-restart") or (state.restarts > 0 and not is_up)
