"""Starts, reloads and removes until systemd agrees with the description.

In three steps, because several hosts take them together: first everything new serves, then the
proxies learn of it, and only then what nobody is sent to any more is drained and removed.
Each step looks at what is, so it may be cut short anywhere and run again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from . import files
from .deploy import Site
from .description import Host, Proxy, port_socket
from .health import probe
from .roll import Roll, wait_until
from .systemd import Manager, Refused, State

# What is stopped first when something goes: a socket that is closed starts nothing again.
ORDER = (".timer", ".path", ".socket", ".service", ".target")
PROXY_DEADLINE = 30.0


@dataclass
class Convergence:
    """One step on one host. With `dry`, says what it would do and does nothing."""

    host: Host
    manager: Manager
    dry: bool
    artifacts: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def serve(self) -> None:
        """Every described unit is enabled and up, every instance runs what is on disk."""
        host = self.host
        sockets = [socket for pool in host.pools for socket in pool.sockets]
        targets = [f"{host.project}.target", *(pool.target for pool in host.pools)]
        if not self.dry:
            self.manager.run("daemon-reload")
        self._renew_sockets(sockets)
        self._open(sockets)
        self._release_ports()
        self._roll()
        # What never came up is not to come up at the next boot.
        self._enable([*targets, *sockets, *(i.unit for i in host.instances), *host.triggers])
        self._start([*targets, *host.triggers])

    def front(self) -> None:
        """Every described proxy is up and runs the configuration on disk."""
        moved = self._reopen_moved()
        for proxy in self.host.proxies:
            # One that was closed just now may be up again, by a connection to its new door.
            if proxy.socket not in moved:
                self._refuse_taken(proxy)
            sockets = [proxy.socket] if proxy.socket else []
            self._enable([*sockets, proxy.unit])
            self._start(sockets)
            self._refresh(proxy, was_closed=proxy.socket in moved)

    def prune(self, described: set[Path]) -> None:
        """What genconf wrote for this project and no longer describes is drained and removed."""
        gone = self.strangers()
        for suffix in ORDER:
            units = sorted(unit for unit in gone if unit.endswith(suffix))
            if units:
                self._do("disable", *units)
                self._do("stop", *units)
        orphans = files.orphans(self.host.project, described)
        for path in orphans:
            self.log.append(f"remove {path}")
            if not self.dry:
                files.remove(path)
        if orphans and not self.dry:
            self.manager.run("daemon-reload")

    def strangers(self) -> list[str]:
        """Units of this project, known to systemd, that are not described for this host."""
        project, described = self.host.project, self.host.unit_names
        listed = self.manager.list(f"{project}-*") | self.manager.list(f"{project}.*")
        others = {unit for unit in listed if unit not in described and "@." not in unit}
        states = self.manager.states(sorted(others))
        return [unit for unit, state in states.items() if self._is_ours(state)]

    def _is_ours(self, state: State) -> bool:
        in_use = state.active not in ("inactive", "failed") or state.is_enabled
        return in_use and any(files.owner(Path(file)) == self.host.project for file in state.files)

    def _enable(self, units: list[str]) -> None:
        states = self.manager.states(units)
        missing = [unit for unit in units if not states[unit].is_enabled]
        if missing:
            self._do("enable", *missing)

    def _start(self, units: list[str]) -> None:
        states = self.manager.states(units)
        down = [unit for unit in units if not states[unit].is_active]
        if down:
            self._do("start", *down)

    def _open(self, sockets: list[str]) -> None:
        """Starts sockets that are down; an app that so far had the port itself ends for it.

        Port by port: while one is closed, the others are open, and the first connection to the
        new socket starts the service again.
        """
        states = self.manager.states([*sockets, *(i.unit for i in self.host.instances)])
        for socket in sockets:
            if states[socket].is_active:
                continue
            users = [i.unit for i in self.host.instances if i.socket == socket]
            holders = [unit for unit in users if states[unit].is_active]
            if holders:
                self._do("stop", *holders)
            self._do("start", socket)

    def _release_ports(self) -> None:
        """Stops sockets of apps that are to open their ports themselves; the roll does the rest."""
        own = [port_socket(i.unit) for i in self.host.instances if not i.socket]
        states = self.manager.states(own)
        active = [socket for socket in own if states[socket].is_active]
        if active:
            self._do("stop", *active)

    def _renew_sockets(self, sockets: list[str]) -> None:
        """A socket unit that changed is bound anew, which its services must end for."""
        for socket in self._moved(sockets):
            users = [i.unit for i in self.host.instances if i.socket == socket]
            self._do("stop", socket, *users)

    def _reopen_moved(self) -> list[str]:
        """Sockets of proxies whose doors are elsewhere now, which are opened there.

        nginx and HAProxy are handed their sockets when they start, so with the old ones neither a
        restart nor a reload gets them to the new configuration. All close before any opens: two
        proxies may change ports with each other.
        """
        moved = self._moved([proxy.socket for proxy in self.host.proxies if proxy.socket])
        for proxy in self.host.proxies:
            if proxy.socket in moved:
                self.log.append(f"re-open {proxy.socket} (its port is closed for a moment)")
                self._do("stop", proxy.unit, proxy.socket)
        if moved:
            self._do("start", *moved)
        return moved

    def _moved(self, sockets: list[str]) -> list[str]:
        """Open sockets whose unit is not the one they were bound by."""
        states = self.manager.states(sockets)
        return [
            socket
            for socket, state in states.items()
            if state.is_active and _newest(state) > state.active_since
        ]

    def _roll(self) -> None:
        roll = Roll(self.host, self.manager)
        if self.dry:
            needed = ((roll.needs(instance), instance) for instance in self.host.instances)
            self.log.extend(f"{verb} {instance.unit}" for verb, instance in needed if verb)
            return
        for outcome in Site(self.host, self.manager).begin(self.artifacts):
            self.log.extend(outcome.log)
        # What has no releases is brought up as it is.
        try:
            roll.bring_up(self.host.instances)
        finally:
            self.log.extend(roll.log)

    def _refresh(self, proxy: Proxy, *, was_closed: bool) -> None:
        state = self.manager.states([proxy.unit])[proxy.unit]
        # A connection to the new door may already have started it, which is as good.
        if was_closed or state.active in ("inactive", "failed"):
            self._do("start", "--no-block", proxy.unit)
        # A renewed certificate as well: systemd hands it over when the proxy starts (LoadCredential=).
        elif not state.is_active or max(_newest(state), _renewed(proxy)) > state.active_since:
            self._do("restart", "--no-block", proxy.unit)
        elif files.written(proxy.destination) > state.changed_at:
            self._do("reload", proxy.unit)
        else:
            return
        if not self.dry:
            wait_until(lambda: self._complaint(proxy), PROXY_DEADLINE, proxy.unit)

    def _refuse_taken(self, proxy: Proxy) -> None:
        """What answers for a proxy that is down is not it: it could not bind its status page, and
        the other's answer would pass for its own."""
        if not self._is_down(proxy) or probe(proxy.health) is not None:
            return
        # Unless a connection to its door started it between the two.
        if self._is_down(proxy):
            told = f"{proxy.unit}: something else answers at {proxy.health}"
            raise Refused(f"{told}; give this proxy another port by `status:`")

    def _is_down(self, proxy: Proxy) -> bool:
        return self.manager.states([proxy.unit])[proxy.unit].is_down

    def _complaint(self, proxy: Proxy) -> str | None:
        state = self.manager.states([proxy.unit])[proxy.unit]
        return probe(proxy.health) if state.is_active else state.last_words()

    def _do(self, *words: str) -> None:
        self.log.append(" ".join(words))
        if not self.dry:
            self.manager.run(*words)


def _renewed(proxy: Proxy) -> float:
    held = [Path(file) for file in (proxy.certificate, proxy.key) if file]
    return max(map(files.written, held), default=0.0)


def _newest(state: State) -> float:
    return max((files.written(Path(file)) for file in state.files), default=0.0)
