"""Restart instances that fail two health checks in a row, for apps without a systemd watchdog.

A timer runs it for one pool. One failed check can be a load peak; two in a row are a hang. The count is
in the runtime directory of the unit, one file for each port, with the invocation ID of the instance.
Until an instance has passed a check it counts as starting, for at most `ready_timeout`.

One instance is restarted at a time, and only while no other is starting: if all fail because of load,
restarting them at once would leave no instance in service.

Each instance is checked at the address on which its socket listens now, as systemd reports it: for
proxies on other hosts this is an address of this host, and the configuration on disk changes before the
socket moves.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .description import port_socket
from .health import HOST, STATUS, Check, probe
from .systemd import Manager, State, Systemctl

TOLERATED = 1


@dataclass(frozen=True)
class Look:
    """What one instance did when it was asked, and how often in a row it did not answer."""

    unit: str
    complaint: str | None
    silences: int

    @property
    def is_on_its_way_up(self) -> bool:
        """It has not answered yet, and need not have."""
        return self.complaint is not None and self.silences == 0

    def told(self, deed: str = "") -> str:
        """A line for the journal, with what was done about it."""
        times = f" {self.silences} times" if self.silences > 1 else ""
        return f"{self.unit} failed the health check{times}{deed}: {self.complaint}"


@dataclass(frozen=True)
class Prober:
    """One look at all instances of a pool."""

    unit: str
    path: str
    counts: Path
    manager: Manager
    health: Callable[[Check], str | None]
    ready: float = 0.0
    host: str = HOST
    status: str = STATUS

    def look(self, ports: Iterable[int]) -> list[str]:
        """Asks every instance that is up. Says what was silent, and what it restarted."""
        units = {port: (self._instance(port), self._socket(port)) for port in ports}
        states = self.manager.states(unit for pair in units.values() for unit in pair)
        running = [port for port in units if states[self._instance(port)].is_active]
        checks = [self._check(port, states[self._socket(port)]) for port in running]
        with ThreadPoolExecutor(max(1, len(running))) as pool:
            answers = pool.map(self.health, checks)
        looks = [
            self._counted(port, states[self._instance(port)], answer)
            for port, answer in zip(running, answers, strict=True)
        ]
        return self._replace_one([look for look in looks if look.complaint])

    def _replace_one(self, silent: list[Look]) -> list[str]:
        late = [look for look in silent if not look.is_on_its_way_up]
        worst = max(late, key=lambda look: look.silences, default=None)
        if worst is None or worst.silences <= TOLERATED or late != silent:
            return [look.told() for look in late]
        # It hangs, so asking it to stop is lost time; Restart=always brings it back.
        self.manager.run("kill", "--kill-whom=all", "--signal=SIGKILL", worst.unit)
        return [look.told(", restarted" if look is worst else "") for look in late]

    def _check(self, port: int, socket: State) -> Check:
        # Without a socket of systemd's, the app opens its port itself, on loopback in any case.
        where = socket.listens or f"127.0.0.1:{port}"
        url = f"http+unix://{where}:{self.path}" if where[0] == "/" else f"http://{where}{self.path}"
        return Check(url, self.host, self.status)

    def _counted(self, port: int, state: State, complaint: str | None) -> Look:
        """How often in a row this run has now been silent; noted for the next look."""
        note = self.counts / str(port)
        words = note.read_text().split() if note.exists() else []
        is_known = len(words) == 2 and words[0] == state.invocation
        if complaint and not is_known and time.time() - state.started_at < self.ready:
            return Look(self._instance(port), complaint, silences=0)
        silences = (int(words[1]) if is_known else 0) + 1 if complaint else 0
        note.write_text(f"{state.invocation} {silences}")
        return Look(self._instance(port), complaint, silences)

    def _instance(self, port: int) -> str:
        return f"{self.unit}@{port}.service"

    def _socket(self, port: int) -> str:
        return port_socket(self._instance(port))


def main() -> int:
    """`probe --unit randoms-spread --path /health --host localhost --status 200-299
    --timeout-ms 2000 --ready-seconds 30 8082`."""
    parser = argparse.ArgumentParser(description="Restart instances that fail two health checks in a row.")
    parser.add_argument("--path", required=True)
    # Without them it is a unit of an earlier edition, which is replaced within the same run and is
    # held to that edition's rule until then.
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--status", default="200-399")
    parser.add_argument("--timeout-ms", type=int, required=True)
    parser.add_argument("--ready-seconds", type=float, required=True)
    parser.add_argument("--unit", required=True)
    parser.add_argument("ports", type=int, nargs="+")
    given = parser.parse_args()
    counts = Path(os.environ["RUNTIME_DIRECTORY"])
    patience = given.timeout_ms / 1000
    health = partial(probe, timeout=patience)
    prober = Prober(
        given.unit, given.path, counts, Systemctl(), health, given.ready_seconds, given.host, given.status
    )
    for line in prober.look(given.ports):
        print(line, flush=True)
    return 0
