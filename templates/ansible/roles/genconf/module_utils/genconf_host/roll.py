"""Restart instances one at a time: check, observe, roll back.

An instance restarts only when the previous one is active and passes its health check. Restarted instances
are observed until the end. The first failure ends the roll. The rollback happens once and causes no other
roll.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from .description import Host, Instance
from .files import written
from .health import Check, probe
from .store import Store
from .systemd import Manager, Refused, State

# Seconds between two looks at a unit that is on its way up.
PULSE = 0.05
# Seconds in which an instance that says it is ready must answer its health path.
GRACE = 5.0
# Questions for each worker behind a shared socket, so that the new one hardly escapes them.
ASKS = 4
LOG_LINES = 10


class Failed(Exception):
    """An instance did not come up, or did not stay up."""

    def __init__(self, instance: Instance, reason: str, log: list[str]) -> None:
        lines = "".join(f"\n    {line}" for line in log)
        super().__init__(
            f"{instance.unit}: {reason}" + (f"\n  last log lines:{lines}" if log else "")
        )
        self.instance = instance


@dataclass
class Roll:
    """One pass over the instances of a host."""

    host: Host
    manager: Manager
    health: Callable[[Check], str | None] = probe
    observe: float = 0.0
    touched: dict[Instance, str] = field(default_factory=dict)
    # When each was touched, and the run that it had then.
    before: dict[Instance, tuple[float, str]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def bring_up(self, instances: Iterable[Instance]) -> None:
        """Starts what is down and restarts what runs something old, one after the other."""
        for instance in self.needing(instances):
            self.touch_if_needed(instance)
        self.check()

    def needing(self, instances: Iterable[Instance]) -> dict[Instance, str]:
        """Those that are not as described, each with what would bring it there: `start` or `restart`."""
        listed = list(instances)
        states = self.manager.states(instance.unit for instance in listed)
        needs = ((instance, self._needs(instance, states[instance.unit])) for instance in listed)
        return {instance: verb for instance, verb in needs if verb}

    def touch_if_needed(self, instance: Instance, *, is_forced: bool = False) -> None:
        """Brings one instance up, and returns when it answers."""
        states = self.manager.states(other.unit for other in (*self.touched, instance))
        state = states[instance.unit]
        if verb := "restart" if is_forced else self._needs(instance, state):
            self._check(states)
            self._touch(instance, state, verb)

    def not_on(self, release: str, instances: Iterable[Instance]) -> list[Instance]:
        """Those that are down or run another release; one that serves `release` is not among them,
        whatever has changed on disk since it started."""
        listed = list(instances)
        states = self.manager.states(instance.unit for instance in listed)

        def is_on(instance: Instance) -> bool:
            state, root = states[instance.unit], self.host.app_root(instance.app.name)
            return state.is_active and running_release(root, state.pid) in (None, release)

        return [instance for instance in listed if not is_on(instance)]

    def runs(self) -> dict[str, str]:
        """What was touched, by unit name, with the invocation that passed."""
        return {instance.unit: invocation for instance, invocation in self.touched.items()}

    def worst_first(self) -> list[Instance]:
        """What was touched: first what is not up as it passed, for that does not serve and the
        others have to, until it does again; then the newest."""
        states = self.manager.states(instance.unit for instance in self.touched)

        def serves(instance: Instance) -> bool:
            state = states[instance.unit]
            return state.is_active and state.invocation == self.touched[instance]

        return sorted(reversed(self.touched), key=serves)

    @property
    def last(self) -> str:
        """The instance touched last."""
        return next(reversed(self.runs()), "none")

    def check(self) -> None:
        """Fails if anything touched so far has not stayed up."""
        self._check(self.manager.states(instance.unit for instance in self.touched))

    def _check(self, states: Mapping[str, State]) -> None:
        for instance, invocation in self.touched.items():
            state = states[instance.unit]
            if state.invocation != invocation or not state.is_active:
                self._fail(instance, f"exited after it was healthy: {self._ending(instance, state)}", invocation)

    def _needs(self, instance: Instance, state: State) -> str | None:
        if not state.is_active:
            return "start" if state.is_idle else "restart"
        return "restart" if self._is_old(instance, state) else None

    def _touch(self, instance: Instance, before: State, verb: str) -> None:
        self.touched.pop(instance, None)
        self.before[instance] = (time.time(), before.invocation)
        try:
            verb = self._calmed(instance, before, verb)
            self.manager.run(verb, "--no-block", instance.unit)
        except Refused as refusal:
            self._fail(instance, str(refusal))
        self._gate(instance, before)
        self.log.append(f"{verb} {instance.unit}")
        if len(self.touched) == 1:
            self._watch()

    def _calmed(self, instance: Instance, before: State, verb: str) -> str:
        """From here on, what systemd counts as restarts of its own are those of the next run.

        One by hand starts that count anew but, in systemd 252, not between the end of a run and
        systemd's own start of the next: a good release would answer for the one that it replaces.
        """
        is_unsteady = before.restarts > 0 or before.active in ("activating", "deactivating")
        if is_unsteady:
            # Or systemd might start and count it once more before we do; a socket may, uncounted.
            self.manager.run("stop", instance.unit)
        if is_unsteady or before.active == "failed":
            # Once stopped it may no longer be loaded, and neither is its count.
            with contextlib.suppress(Refused):
                self.manager.run("reset-failed", instance.unit)
        return "start" if is_unsteady else verb

    def _gate(self, instance: Instance, before: State) -> None:
        """Returns when a new run of the instance answers. Each phase has its own deadline."""
        ready = instance.app.ready_timeout
        stopping = instance.app.stop_timeout if before.is_active else 0.0
        allowed = {"stopping": stopping + ready, "starting": ready, "unhealthy": min(GRACE, ready)}
        phase, since = "stopping", time.monotonic()
        while (reason := self._complaint(instance, before, state := self._state(instance))) is not None:
            reached = _phase(state, before)
            if reached != phase:
                phase, since = reached, time.monotonic()
            if time.monotonic() > since + allowed[phase]:
                self._fail(instance, f"still {phase} after {allowed[phase]:.0f} s: {reason}")
            time.sleep(PULSE)

    def _complaint(self, instance: Instance, before: State, state: State) -> str | None:
        """What a new run of the instance lacks. Notes it as touched when that is nothing."""
        if _is_same_run(state, before):
            return f"still {state.active} ({state.sub})"
        if state.is_down or state.restarts > 0:
            self._fail(instance, f"exited before it was healthy: {self._ending(instance, state)}")
        if not state.is_active:
            return f"{state.active} ({state.sub})"
        asked = (self.health(instance.health) for _ in range(self._times(instance)))
        reason = next((reason for reason in asked if reason), None)
        if reason is None:
            self.touched[instance] = state.invocation
        return reason

    def _ending(self, instance: Instance, state: State) -> str:
        """How its first run ended; systemd may be about to start the next, which hides it."""
        if instance not in self.before:
            return state.last_words()
        since, besides = self.before[instance]
        return self.manager.ending(instance.unit, since, besides) or state.last_words()

    def _times(self, instance: Instance) -> int:
        """How often to ask: any worker behind a shared socket may answer for the new one."""
        workers = sum(other.socket == instance.socket for other in self.host.instances)
        return 1 if workers == 1 or not instance.socket else ASKS * workers

    def _watch(self) -> None:
        """The first instance runs alone for a while before others follow it."""
        until = time.monotonic() + self.observe
        while time.monotonic() < until:
            time.sleep(min(PULSE * 4, self.observe))
            self.check()

    def _is_old(self, instance: Instance, state: State) -> bool:
        root = self.host.app_root(instance.app.name)
        running, current = running_release(root, state.pid), Store(root).current
        if running and running != current:
            return True
        inputs = [Path(file) for file in state.files]
        inputs.append(Path("/etc") / self.host.project / f"{instance.app.name}.env")
        if not running:
            inputs.append(root / "current")
        return any(written(path) > state.started_at for path in inputs)

    def _state(self, instance: Instance) -> State:
        return self.manager.states([instance.unit])[instance.unit]

    def _fail(self, instance: Instance, reason: str, invocation: str = "") -> NoReturn:
        invocation = invocation or self._state(instance).invocation
        self.touched.setdefault(instance, invocation)
        raise Failed(instance, reason, self.manager.log(instance.unit, invocation, LOG_LINES))


def _phase(state: State, before: State) -> str:
    if _is_same_run(state, before):
        return "stopping"
    return "unhealthy" if state.says_ready else "starting"


def _is_same_run(state: State, before: State) -> bool:
    """Whether no other run has begun; one that is not loaded any more has none at all."""
    return state.invocation in ("", before.invocation)


def running_release(root: Path, pid: int) -> str | None:
    """The release a process was started from, as the kernel tells it; None if it cannot tell.

    The executable of an interpreted app is its interpreter; its working directory may still tell.
    """
    for link in ("exe", "cwd"):
        try:
            path = Path(os.readlink(f"/proc/{pid}/{link}").removesuffix(" (deleted)"))
            return path.relative_to(root / "releases").parts[0]
        except (OSError, ValueError, IndexError):
            continue
    return None


class Silent(Exception):
    """Something did not answer in time."""


def wait_until(complaint: Callable[[], str | None], seconds: float, what: str) -> None:
    """Asks until there is no complaint any more."""
    deadline = time.monotonic() + seconds
    while reason := complaint():
        if time.monotonic() > deadline:
            raise Silent(f"{what} is not healthy after {seconds:.0f} s: {reason}")
        time.sleep(PULSE)
