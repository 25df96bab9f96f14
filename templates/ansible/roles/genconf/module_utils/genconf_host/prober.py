"""Restarts instances that do not answer, for apps that cannot tell systemd that they are alive.

Run by a timer for one pool. One silence may be a busy moment; two in a row are a hang. The count
lies in the runtime folder of the unit, one file for each port, beside the run of the instance that
it belongs to. Until a run has answered once it is on its way up, for as long as the app may take.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .health import probe
from .systemd import Manager, State, Systemctl

TOLERATED = 1


@dataclass(frozen=True)
class Prober:
    """One look at all instances of a pool."""

    unit: str
    counts: Path
    manager: Manager
    health: Callable[[str], str | None]
    ready: float = 0.0

    def look(self, urls: dict[int, str]) -> list[str]:
        """Asks every instance that is up. Says what was silent, and what it restarted."""
        states = self.manager.states(self._instance(port) for port in urls)
        running = [port for port in urls if states[self._instance(port)].is_active]
        with ThreadPoolExecutor(max(1, len(running))) as pool:
            answers = pool.map(lambda port: self.health(urls[port]), running)
        judged = (
            self._judge(port, states[self._instance(port)], answer)
            for port, answer in zip(running, answers, strict=True)
        )
        return [told for told in judged if told]

    def _judge(self, port: int, state: State, complaint: str | None) -> str | None:
        count = self.counts / str(port)
        if complaint is None:
            count.write_text(f"{state.invocation} 0")
            return None
        counted = self._counted(count, state.invocation)
        if counted is None and time.time() - state.started_at < self.ready:
            return None
        silences = 1 + (counted or 0)
        if silences <= TOLERATED:
            count.write_text(f"{state.invocation} {silences}")
            return f"{self._instance(port)} did not answer: {complaint}"
        count.unlink()
        # It hangs, so asking it to stop is lost time; Restart=always brings it back.
        self.manager.run("kill", "--kill-whom=all", "--signal=SIGKILL", self._instance(port))
        return f"{self._instance(port)} did not answer {silences} times, replaced: {complaint}"

    @staticmethod
    def _counted(count: Path, invocation: str) -> int | None:
        """Silences of this run since it last answered; None when it never did."""
        words = count.read_text().split() if count.exists() else []
        return int(words[1]) if len(words) == 2 and words[0] == invocation else None

    def _instance(self, port: int) -> str:
        return f"{self.unit}@{port}.service"


def main() -> int:
    """`probe --unit randoms-spread --path /health --timeout-ms 2000 --ready-seconds 30 8082`."""
    parser = argparse.ArgumentParser(description="Restarts instances that do not answer twice in a row.")
    parser.add_argument("--path", required=True)
    parser.add_argument("--timeout-ms", type=int, required=True)
    parser.add_argument("--ready-seconds", type=float, required=True)
    parser.add_argument("--unit", required=True)
    parser.add_argument("--sockets", default="", help="the instances' unix sockets, up to the port")
    parser.add_argument("ports", type=int, nargs="+")
    given = parser.parse_args()
    where = "http+unix://{0}{1}.sock:{2}" if given.sockets else "http://127.0.0.1:{1}{2}"
    urls = {port: where.format(given.sockets, port, given.path) for port in given.ports}
    counts = Path(os.environ["RUNTIME_DIRECTORY"])
    patience = given.timeout_ms / 1000
    prober = Prober(
        given.unit, counts, Systemctl(), lambda url: probe(url, patience), given.ready_seconds
    )
    for line in prober.look(urls):
        print(line, flush=True)
    return 0
