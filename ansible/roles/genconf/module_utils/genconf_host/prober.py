"""Restarts instances that do not answer, for apps that cannot tell systemd that they are alive.

Run by a timer for one pool. One silence may be a busy moment; two in a row are a hang. The count
lies in the runtime folder of the unit, one file for each port, and starts anew after a restart.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .health import probe
from .systemd import Manager, Systemctl

TOLERATED = 1


@dataclass(frozen=True)
class Prober:
    """One look at all instances of a pool."""

    unit: str
    counts: Path
    manager: Manager
    health: Callable[[str], str | None]

    def look(self, urls: dict[int, str]) -> list[str]:
        """Asks every instance that is up. Says what was silent, and what it restarted."""
        states = self.manager.states(self._instance(port) for port in urls)
        running = [port for port in urls if states[self._instance(port)].is_active]
        with ThreadPoolExecutor(max(1, len(running))) as pool:
            answers = pool.map(lambda port: self.health(urls[port]), running)
        judged = (self._judge(port, answer) for port, answer in zip(running, answers, strict=True))
        return [told for told in judged if told]

    def _judge(self, port: int, complaint: str | None) -> str | None:
        count = self.counts / str(port)
        if complaint is None:
            count.unlink(missing_ok=True)
            return None
        silences = 1 + (int(count.read_text()) if count.exists() else 0)
        if silences <= TOLERATED:
            count.write_text(str(silences))
            return f"{self._instance(port)} did not answer: {complaint}"
        count.unlink()
        # It hangs, so asking it to stop is lost time; Restart=always brings it back.
        self.manager.run("kill", "--kill-whom=all", "--signal=SIGKILL", self._instance(port))
        return f"{self._instance(port)} did not answer {silences} times, replaced: {complaint}"

    def _instance(self, port: int) -> str:
        return f"{self.unit}@{port}.service"


def main() -> int:
    """`probe --unit randoms-spread --path /health --timeout-ms 2000 8082 8083`."""
    parser = argparse.ArgumentParser(description="Restarts instances that do not answer twice in a row.")
    parser.add_argument("--path", required=True)
    parser.add_argument("--timeout-ms", type=int, required=True)
    parser.add_argument("--unit", required=True)
    parser.add_argument("--sockets", default="", help="the instances' unix sockets, up to the port")
    parser.add_argument("ports", type=int, nargs="+")
    given = parser.parse_args()
    where = "http+unix://{0}{1}.sock:{2}" if given.sockets else "http://127.0.0.1:{1}{2}"
    urls = {port: where.format(given.sockets, port, given.path) for port in given.ports}
    counts = Path(os.environ["RUNTIME_DIRECTORY"])
    patience = given.timeout_ms / 1000
    prober = Prober(given.unit, counts, Systemctl(), lambda url: probe(url, patience))
    for line in prober.look(urls):
        print(line, flush=True)
    return 0
