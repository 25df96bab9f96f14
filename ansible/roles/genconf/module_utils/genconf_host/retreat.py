"""Restore the files that a run replaced on this host, and the instances that ran with them.

Only units that were started since are restarted. This happens once: an error is reported and causes no
other action.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field

from . import files, listener
from .deploy import Abandoned
from .description import Host
from .former import Former
from .handover import Handover
from .health import probe
from .roll import Failed, Roll, Silent
from .step import Step
from .store import Rejected
from .systemd import Manager, Refused

# What is stopped first when something goes: a socket that is closed starts nothing again.
ORDER = (".timer", ".path", ".socket", ".service", ".target")

# What a step ends with that did not get there.
FAILURES = (Abandoned, Failed, Rejected, Silent, Refused)


def retreat(described: Host, manager: Manager) -> str:
    """Says what has become of the host; nothing if no file of it was replaced."""
    former = Former(described.project)
    if not former.since:
        return ""
    back = Retreat(former.host() or described, manager, dry=False, former=former)
    return back.take(described)


@dataclass
class Retreat(Step):
    """The host as it was described before."""

    former: Former = field(kw_only=True)
    complaints: list[str] = field(default_factory=list)

    def take(self, described: Host) -> str:
        """Back from what is described now."""
        since, moved = self.former.since, self._bound_since()
        self.former.put_back()
        self.do("daemon-reload")
        back_at = time.time()
        handover = Handover(self.host, self.manager, dry=False, log=self.log, relays=False)
        for turn in handover.turns([*moved, *self._lost()]):
            try:
                turn()
            except FAILURES as failure:
                self.complaints.append(f"still failing: {failure}")
        self._stop(described.unit_names - self.host.unit_names)
        self.former.clear()
        self.do("daemon-reload")
        self._restart(since, back_at)
        self._restart_proxies(since)
        self._restart_triggers(since)
        told = f"{self.host.name}: restored the files from before this run"
        return "\n".join([told, *(self.complaints or ["its instances run with these files"])])

    def _bound_since(self) -> list[str]:
        """Sockets that were bound by what goes, or are still to be."""
        states = self.manager.states(self._sockets)
        return [
            socket
            for socket, state in states.items()
            if state.is_active
            and (state.active_since > self.former.since or files.newest(state.files) > state.active_since)
        ]

    def _lost(self) -> list[str]:
        """Sockets that systemd let go of when it read where they were to be."""
        states = self.manager.states(self._sockets)
        lost = (name for name, state in states.items() if listener.is_lost(state.listens.split()))
        return [name for name in lost if states[name].is_active]

    @property
    def _sockets(self) -> list[str]:
        return [socket for pool in self.host.pools for socket in pool.sockets]

    def _stop(self, units: set[str]) -> None:
        """What was not described before; a port that it had taken has been taken from it again."""
        for suffix in ORDER:
            if going := sorted(unit for unit in units if unit.endswith(suffix)):
                for verb in ("stop", "reset-failed"):
                    # One that is not loaded cannot be stopped or reset, and need not be.
                    with contextlib.suppress(Refused):
                        self.do(verb, *going)

    def _restart(self, since: float, back_at: float) -> None:
        roll = Roll(self.host, self.manager, probe)
        for instance in self.host.instances:
            started_at = self.manager.states([instance.unit])[instance.unit].started_at
            try:
                roll.touch_if_needed(instance, is_forced=since < started_at < back_at)
            except Failed as failure:
                self.complaints.append(f"still failing: {failure}")
                roll.touched.clear()
        self.log.extend(roll.log)

    def _restart_proxies(self, since: float) -> None:
        """Those that came to run what was put there for them: by a crash, for instance.

        One that was reloaded only, as when another host goes out of rotation, keeps its connections.
        """
        states = self.manager.states(proxy.unit for proxy in self.host.proxies)
        active = {unit: state for unit, state in states.items() if state.is_active and state.changed_at > since}
        if started := [unit for unit, state in active.items() if state.active_since > since]:
            self.do("restart", "--no-block", *started)
        if reloaded := [unit for unit in active if unit not in started]:
            self.do("reload", *reloaded)

    def _restart_triggers(self, since: float) -> None:
        """The monitor read its file of the run that goes: it would check what is described no more."""
        states = self.manager.states(unit for unit in self.host.triggers if unit.endswith(".service"))
        if started := [unit for unit, state in states.items() if state.is_active and state.active_since > since]:
            self.do("restart", *started)
