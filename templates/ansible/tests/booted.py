"""A host in a temporary folder, and a systemd that does what its releases would make it do."""

from __future__ import annotations

import itertools
import sys
import tempfile
import unittest
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent.parent / "roles/genconf/module_utils"))

from genconf_host import deploy, description, files, kernel, lease, roll  # noqa: E402
from genconf_host.health import Check  # noqa: E402
from genconf_host.systemd import Refused, State  # noqa: E402

PORTS = (8082, 8083, 8084)
UNITS = [f"randoms-spread@{port}.service" for port in PORTS]


def raw_host() -> dict:
    """One pool of three fork instances, as the inventory tells it."""
    listeners = [
        {
            "socket": f"randoms-spread-port@{port}.socket",
            "health": {"url": f"http://127.0.0.1:{port}/health", "host": "localhost", "status": "200-299"},
            "services": [f"randoms-spread@{port}.service"],
        }
        for port in PORTS
    ]
    app = {"name": "randoms", "executable": "randoms", "build": "cargo build", "image": ""}
    app |= {"file": "randoms", "artifact_is": "file"}
    deadlines = {"stop_timeout_seconds": 1, "ready_timeout_seconds": 0.2}
    pool = {"name": "spread", "app": "randoms", "target": "randoms-spread.target"}
    return {
        "project": "randoms",
        "name": "node1",
        "units": ["randoms-spread@.service", "randoms-spread-port@.socket", "randoms.target"],
        "triggers": [],
        "apps": [{**app, **deadlines}],
        "pools": [{**pool, "listeners": listeners}],
        "proxies": [],
    }


class Systemd:
    """Units start what `current` names, and behave as `behaviour` says of that release."""

    def __init__(self, site: deploy.Site | None = None) -> None:
        self.units: dict[str, State] = {}
        self.runs: dict[int, str] = {}
        self.behaviour: dict[str, str] = {}
        self.verbs: list[str] = []
        self.site = site
        self._numbers = itertools.count(1)
        # What ended by itself and has not been started again. systemd 252 keeps its count of
        # restarts when it is a person who starts it.
        self._waiting: set[str] = set()

    def states(self, units: Iterable[str]) -> dict[str, State]:
        return {unit: self.units.get(unit, State(unit)) for unit in units}

    def run(self, *words: str) -> None:
        verb, *units = [word for word in words if not word.startswith("--")]
        self.verbs.append(" ".join([verb, *units]))
        for unit in units:
            if verb in ("start", "restart"):
                self.start(unit)
            elif verb == "reset-failed":
                self.reset(unit)
            elif verb in ("stop", "kill"):
                self.units[unit] = replace(
                    self.states([unit])[unit], active="inactive", sub="dead", pid=0
                )

    def log(self, unit: str, invocation: str, lines: int) -> list[str]:
        return [f"log of {invocation}"]

    def ending(self, unit: str, since: float, besides: str) -> str:
        return ""

    def list(self, pattern: str) -> set[str]:
        return {unit for unit in self.units if unit.startswith(pattern.rstrip("*"))}

    def start(self, unit: str) -> None:
        """A new run of `unit`."""
        restarts = self.states([unit])[unit].restarts if unit in self._waiting else 0
        self._waiting.discard(unit)
        number = next(self._numbers)
        release = self.current()
        if self.behaviour.get(release) == "unknown":
            raise Refused(f"Unit {unit} not found.")
        up = self.behaviour.get(release) not in ("exits", "missing")
        self.runs[number] = release
        self.units[unit] = State(
            unit,
            kind="notify",
            load="loaded",
            enabled=self.states([unit])[unit].enabled,
            active="active" if up else "activating",
            sub="running" if up else "auto-restart",
            invocation=f"run{number}",
            pid=number if up else 0,
            restarts=restarts,
            exit_code=0 if up else 1,
            exit_status=0 if up else 3,
            started_at=1e12,
        )
        if not up:
            self._waiting.add(unit)

    def crash(self, unit: str) -> None:
        """The run ends; systemd is about to start another one."""
        self.units[unit] = replace(self.units[unit], active="activating", sub="auto-restart")
        self._waiting.add(unit)

    def come_back(self, unit: str) -> None:
        """What crashed is started again by systemd, which counts that."""
        self.units[unit] = replace(self.units[unit], restarts=self.units[unit].restarts + 1)
        self.start(unit)

    def reset(self, unit: str) -> None:
        """As `systemctl reset-failed` does, which knows only what is loaded."""
        if unit not in self.units:
            raise Refused(f"Unit {unit} not loaded.")
        self.units[unit] = replace(self.units[unit], restarts=0)

    def current(self) -> str:
        """What a unit would start now."""
        return self.site.store(self.site.host.apps[0]).current or "" if self.site else ""

    def health(self, check: Check) -> str | None:
        """What the instance that `check` requests answers."""
        port = check.url.split(":")[2].split("/")[0]
        state = self.units[f"randoms-spread@{port}.service"]
        return "500" if self.behaviour.get(self.runs[state.pid]) == "sick" else None


class HostTest(unittest.TestCase):
    """Each test has a host of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.systemd = Systemd()
        self.patch(description, "OPT", self.root / "opt")
        self.patch(files, "ETC", self.root / "etc")
        self.patch(files, "UNITS", self.root / "units")
        self.patch(files, "LOGROTATE", self.root / "logrotate.d")
        self.patch(files, "SYSCTL", self.root / "sysctl.d")
        self.patch(description, "SYSCTL", self.root / "sysctl.d")
        self.patch(kernel, "PROC", self.root / "proc")
        self.patch(kernel, "FOLDERS", (self.root / "sysctl.d", self.root / "usr/lib/sysctl.d"))
        self.patch(lease, "RUN", self.root / "run")
        self.patch(roll, "PULSE", 0.001)
        self.patch(roll, "running_release", lambda root, pid: self.systemd.runs.get(pid))
        self.host = description.read(raw_host())
        self.app = self.host.apps[0]
        self.site = deploy.Site(self.host, self.systemd, health=self.systemd.health)
        self.systemd.site = self.site
        self.store = self.site.store(self.app)

    def patch(self, target: object, name: str, value: object) -> None:
        patcher = mock.patch.object(target, name, value)
        patcher.start()
        self.addCleanup(patcher.stop)

    def admit(self, content: str, behaviour: str = "good") -> str:
        """An artifact arrives and becomes a release; returns its digest as a whole."""
        import hashlib

        sha256 = hashlib.sha256(content.encode()).hexdigest()
        upload = self.store.incoming(sha256)
        upload.parent.mkdir(parents=True, exist_ok=True)
        upload.write_text(content)
        self.store.admit(self.app.executable, sha256)
        self.systemd.behaviour[sha256[:12]] = behaviour
        return sha256

    def ship(self, sha256: str) -> list[deploy.Outcome]:
        """Deploys what was admitted."""
        return self.site.deploy({"randoms": sha256}, observe=0.0)

    def back(self, release: str = "", apps: Iterable[str] = ()) -> list[deploy.Outcome]:
        """Goes back to a release, or to the one before."""
        return self.site.rollback(self.site.choose(release, list(apps)), observe=0.0)

    def running(self) -> list[str]:
        """The release that each instance runs."""
        return [self.systemd.runs[self.systemd.units[unit].pid] for unit in UNITS]
