"""Report one row for each instance of this host, for playbooks and operators."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import description, files, guard
from .description import Host
from .former import Former
from .health import Check, probe
from .question import Question
from .roll import running_release
from .store import Store
from .strangers import strangers
from .systemd import Manager, State, Systemctl

# Seconds between the two looks at processor time from which its share is told.
SAMPLE = 0.2


@dataclass(frozen=True)
class Row:
    """One instance or proxy. Memory is in bytes, uptime in seconds, cpu in percent of one."""

    host: str
    pool: str
    instance: str
    state: str
    pid: int
    uptime: int
    restarts: int
    memory: int
    cpu: float
    release: str
    health: str

    @property
    def is_fine(self) -> bool:
        """Running as described."""
        return self.state == "active" and self.health == "ok"


def rows(host: Host, manager: Manager) -> list[Row]:
    """What is described for this host, as it is, and what runs without being described."""
    described = [(i.pool, i.unit, i.app.name, i.health) for i in host.instances]
    described += [(proxy.name, proxy.unit, "", proxy.health) for proxy in host.proxies]
    described += [("-", stranger.unit, "", Check("")) for stranger in strangers(host, manager)]
    states = manager.states(unit for _, unit, _, _ in described)
    shares = _processor_shares([state.pid for state in states.values() if state.pid])
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda entry: _health(entry[3]), described))
    running = [
        _row(host, entry, states[entry[1]], shares, answer)
        for entry, answer in zip(described, answers, strict=True)
    ]
    return [*running, *_drift(host, manager), *_unfinished(host), *_taken_back(host, manager)]


def report(host: Host, manager: Manager) -> list[dict[str, Any]]:
    """The rows as data."""
    return [{**asdict(row), "healthy": row.is_fine} for row in rows(host, manager)]


def _drift(host: Host, manager: Manager) -> list[Row]:
    """Sockets, timers, and the monitor that are not up, and files that are not as they were written."""
    sockets = {socket: pool.name for pool in host.pools for socket in pool.sockets}
    sockets |= {proxy.socket: proxy.name for proxy in host.proxies if proxy.socket}
    sockets |= dict.fromkeys(host.triggers, "-")
    states = manager.states(sockets)
    closed = [(sockets[name], name, state.active) for name, state in states.items() if not state.is_active]
    altered = [("-", str(path), state) for path, state in files.altered(host.project).items()]
    return [
        Row(host.name, pool, what, state, 0, 0, 0, 0, 0.0, "", "") for pool, what, state in (*closed, *altered)
    ]


def _unfinished(host: Host) -> list[Row]:
    """Files that a run wrote and did not apply: an instance that starts now would use them."""
    if not Former(host.project).since:
        return []
    told = "files of an unfinished run: run site.yml again"
    return [Row(host.name, "-", "configuration", "pending", 0, 0, 0, 0, 0.0, "", told)]


def _taken_back(host: Host, manager: Manager) -> list[Row]:
    """A release that died after its deploy had ended; told until the next deploy."""
    unit = guard.unit(host.project)
    state = manager.states([unit])[unit]
    if state.active != "failed":
        return []
    log = manager.log(unit, state.invocation, 10)
    # systemd's own words about the service are among them.
    told = next((line for line in log if "is rolled back" in line), log[-1] if log else "")
    return [Row(host.name, "-", unit.removesuffix(".service"), state.active, 0, 0, 0, 0, 0.0, "", told)]


def _row(
    host: Host, entry: tuple[str, str, str, Check], state: State, shares: dict[int, float], health: str
) -> Row:
    pool, unit, app, _ = entry
    return Row(
        host=host.name,
        pool=pool,
        instance=unit.removesuffix(".service"),
        state="unmanaged" if pool == "-" else state.active,
        pid=state.pid,
        uptime=round(time.time() - state.started_at) if state.pid else 0,
        restarts=state.restarts,
        memory=state.memory or _resident(state.pid),
        cpu=round(shares.get(state.pid, 0.0), 1),
        release=_release(host, app, state.pid) if app else "",
        health=health,
    )


def _release(host: Host, app: str, pid: int) -> str:
    root = host.app_root(app)
    return running_release(root, pid) or Store(root).current or ""


def _health(check: Check) -> str:
    return (probe(check) or "ok") if check.url else ""


def _resident(pid: int) -> int:
    """For where systemd keeps no account of memory."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _processor_shares(pids: list[int]) -> dict[int, float]:
    before = {pid: _ticks(pid) for pid in pids}
    if pids:
        time.sleep(SAMPLE)
    ticks = os.sysconf("SC_CLK_TCK") * SAMPLE
    return {pid: 100 * (_ticks(pid) - before[pid]) / ticks for pid in pids}


def _ticks(pid: int) -> int:
    """User and system time, fields 14 and 15 of proc(5) stat."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(after_name[11]) + int(after_name[12])
    except (OSError, IndexError):
        return 0


def _answer(params: dict[str, Any], _: bool) -> dict[str, Any]:
    return {"changed": False, "rows": report(description.read(params["host"]), Systemctl())}


QUESTION = Question({"host": {"type": "dict", "required": True}}, _answer)
