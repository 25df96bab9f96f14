"""Start, reload, and remove units until systemd is in the desired state.

There are three steps, which the hosts of a run take together: start new instances, update the proxies,
then drain and remove units that receive no requests. Each step reads the current state, so it can be
interrupted at any point and run again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import binary, description, files, kernel, lease, listener
from .deploy import Abandoned, Site
from .description import Instance, Proxy
from .former import Former
from .handover import Handover
from .health import probe
from .question import Question
from .retreat import FAILURES, ORDER, retreat
from .roll import Failed, Roll, Silent, wait_until
from .step import Step
from .store import Rejected
from .strangers import strangers
from .systemd import Refused, State, Systemctl, reread

PROXY_DEADLINE = 30.0


@dataclass
class Convergence(Step):
    """One step on one host."""

    artifacts: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def serve(self) -> None:
        """Every described unit is enabled and up, every instance runs what is on disk.

        If one does not get there, this host goes back to the files that it had before the run.
        """
        try:
            self._serve()
        except FAILURES as failure:
            if self.dry:
                raise
            told = retreat(self.host, self.manager)
            raise Abandoned(f"{failure}\n{told}".rstrip()) from failure

    def restore(self) -> None:
        """This host goes back to the files from before a run that failed on another one."""
        if not self.dry:
            self.log += retreat(self.host, self.manager).splitlines()

    def front(self) -> None:
        """Every described proxy is up and runs the configuration on disk."""
        if not self.dry:
            # From here on proxies send to what this run describes: nothing goes back behind it.
            Former(self.host.project).forget()
        handover = Handover(self.host, self.manager, self.dry, self.log)
        moved = self._close_moved()
        for socket in moved:
            handover.bind(socket)
        for proxy in self.host.proxies:
            # One that was closed just now may be up again, by a connection to its new door.
            if proxy.socket not in moved:
                handover.open(proxy.socket)
                self._refuse_taken(proxy)
            self._enable([proxy.socket, proxy.unit])
            self._set_kernel(proxy)
            self._refresh(proxy, was_closed=proxy.socket in moved)

    def prune(self, described: set[Path]) -> None:
        """What genconf wrote for this project and no longer describes is drained and removed."""
        gone = strangers(self.host, self.manager)
        for suffix in ORDER:
            units = [state for state in gone if state.unit.endswith(suffix)]
            if enabled := [state.unit for state in units if state.is_enabled]:
                self.do("disable", *enabled)
            if units:
                self.do("stop", *(state.unit for state in units))
        orphans = files.orphans(self.host.project, described)
        for path in orphans:
            stays = " (its settings remain until the next boot)" if path.parent == files.SYSCTL else ""
            self.log.append(f"remove {path}{stays}")
            if not self.dry:
                files.remove(path)
        if orphans and not self.dry:
            self.manager.run("daemon-reload")

    def _serve(self) -> None:
        host = self.host
        sockets = [socket for pool in host.pools for socket in pool.sockets]
        targets = [f"{host.project}.target", *(pool.target for pool in host.pools)]
        units = [instance.unit for instance in host.instances]
        if not self.dry:
            reread(self.manager, [*units, *(proxy.unit for proxy in host.proxies)])
        Handover(host, self.manager, self.dry, self.log).take(self._moved(sockets))
        self._roll()
        # What never came up is not to come up at the next boot.
        self._enable([*targets, *sockets, *units, *host.triggers])
        self._start([*targets, *host.triggers])

    def _enable(self, units: list[str]) -> None:
        states = self.manager.states(units)
        missing = [unit for unit in units if not states[unit].is_enabled]
        if missing:
            self.do("enable", *missing)

    def _start(self, units: list[str]) -> None:
        states = self.manager.states(units)
        down = [unit for unit in units if not states[unit].is_active]
        if down:
            self.do("start", *down)
        stale = [unit for unit, state in states.items() if unit.endswith(".service") and self._is_stale(state)]
        if stale:
            self.do("restart", *stale)

    def _is_stale(self, state: State) -> bool:
        """Whether a unit or what it reads when it starts is newer than its process."""
        read = [*state.files, binary.PATH, *([self.host.spec] if self.host.spec else [])]
        return state.is_active and files.newest(read) > state.active_since

    def _close_moved(self) -> list[str]:
        """Sockets of proxies whose doors are elsewhere now, which are to be opened there.

        nginx and HAProxy are handed their sockets when they start, so with the old ones neither a
        restart nor a reload gets them to the new configuration. All close before any opens: two
        proxies may change ports with each other.
        """
        moved = self._moved([proxy.socket for proxy in self.host.proxies if proxy.socket])
        for proxy in self.host.proxies:
            if proxy.socket in moved:
                self.log.append(f"reopen {proxy.socket} (its port closes briefly)")
                self.do("stop", proxy.unit, proxy.socket)
        return moved

    def _moved(self, sockets: list[str]) -> list[str]:
        """Open sockets whose unit is not the one they were bound by."""
        states = self.manager.states(sockets)
        return [
            socket
            for socket, state in states.items()
            if state.is_active
            and (files.newest(state.files) > state.active_since or listener.is_lost(state.listens.split()))
        ]

    def _roll(self) -> None:
        roll = Roll(self.host, self.manager, probe)
        if self.dry:
            needed = self._unread() | roll.needing(self.host.instances)
            self.log.extend(f"{needed[i]} {i.unit}" for i in self.host.instances if i in needed)
            return
        for outcome in Site(self.host, self.manager, health=probe).begin(self.artifacts):
            self.log.extend(outcome.log)
        # What has no releases is brought up as it is.
        try:
            roll.bring_up(self.host.instances)
        finally:
            self.log.extend(roll.log)

    def _unread(self) -> dict[Instance, str]:
        """What is to be done to those of whose files systemd has not read all."""
        states = self.manager.states(instance.unit for instance in self.host.instances)
        return {i: "restart" for i in self.host.instances if states[i.unit].needs_reload}

    def _set_kernel(self, proxy: Proxy) -> None:
        """Kernel settings of this proxy are in force; a warning where they cannot be.

        A container may not be allowed to set them, and the proxy serves without.
        """
        if proxy.sysctl is None:
            return
        for key, value in kernel.pending(proxy.sysctl).items():
            problem = f"{proxy.unit}: {key} = {value} of {proxy.sysctl} is not in effect"
            if later := kernel.overriding(proxy.sysctl, key, value):
                self.warnings.append(f"{problem}: overridden by {later}")
            elif reason := kernel.put(key, value, dry=self.dry):
                self.warnings.append(f"{problem}: {kernel.PROC}/{key.replace('.', '/')}: {reason}")
            else:
                self.log.append(f"set {key} = {value}")

    def _refresh(self, proxy: Proxy, *, was_closed: bool) -> None:
        state = self.manager.states([proxy.unit])[proxy.unit]
        # A connection to the new door may already have started it, which is as good.
        if was_closed or state.is_idle:
            self.do("start", "--no-block", proxy.unit)
        # A renewed certificate as well: systemd hands it over when the proxy starts (LoadCredential=).
        elif not state.is_active or max(files.newest(state.files), _renewed(proxy)) > state.active_since:
            self.do("restart", "--no-block", proxy.unit)
        elif files.written(proxy.destination) > state.changed_at:
            self.do("reload", proxy.unit)
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
            told = f"{proxy.unit}: another process answers at {proxy.health.url}"
            raise Refused(f"{told}; set another `status_port` for this proxy")

    def _is_down(self, proxy: Proxy) -> bool:
        return self.manager.states([proxy.unit])[proxy.unit].is_down

    def _complaint(self, proxy: Proxy) -> str | None:
        state = self.manager.states([proxy.unit])[proxy.unit]
        return probe(proxy.health) if state.is_active else state.last_words()


def _renewed(proxy: Proxy) -> float:
    return files.newest(file for file in (proxy.certificate, proxy.key) if file)


def _answer(params: dict[str, Any], dry: bool) -> dict[str, Any]:
    host = description.read(params["host"])
    work = Convergence(host, Systemctl(), dry=dry, artifacts=params["artifacts"])
    try:
        with lease.turn(host.project):
            if not dry:
                lease.renew(host.project, lease.run(params["run"]))
            if params["step"] == "prune":
                work.prune({Path(path) for path in params["described"]})
                # The last step: nobody has to wait for the other hosts of the run.
                if not dry:
                    lease.give_back(host.project, lease.run(params["run"]))
            else:
                getattr(work, params["step"])()
    except (Abandoned, Failed, Rejected, Silent, Refused, lease.Held) as error:
        return {"failed": True, "msg": str(error), "actions": work.log, "warnings": work.warnings}
    after = "".join(f"{action}\n" for action in work.log)
    diff = [{"before": "", "after": after, "after_header": "systemctl"}] if work.log else []
    summary = after.rstrip() if params["step"] == "restore" else ""
    return {
        "changed": bool(work.log), "actions": work.log, "summary": summary, "diff": diff, "warnings": work.warnings
    }  # fmt: skip


QUESTION = Question(
    {
        "host": {"type": "dict", "required": True},
        "run": {"type": "dict", "required": True},
        "step": {"type": "str", "required": True, "choices": ["serve", "restore", "front", "prune"]},
        "artifacts": {"type": "dict", "default": {}},
        "described": {"type": "list", "elements": "path", "default": []},
    },
    _answer,
)
