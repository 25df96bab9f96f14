"""Parse the desired state of a host from the inventory. Does not access the host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .files import SYSCTL
from .health import Check

OPT = Path("/opt")


@dataclass(frozen=True)
class App:
    """A program and the deadlines it is held to."""

    name: str
    # How its artifact is called where it comes from.
    file: str
    # What a release runs, by its path inside.
    executable: str
    is_archive: bool
    build: str
    image: str
    stop_timeout: float
    ready_timeout: float


@dataclass(frozen=True)
class Instance:
    """One process a user can name with systemctl."""

    unit: str
    socket: str
    pool: str
    app: App
    health: Check


@dataclass(frozen=True)
class Pool:
    """An app on some ports of this host."""

    name: str
    app: App
    target: str
    sockets: tuple[str, ...]
    instances: tuple[Instance, ...]


@dataclass(frozen=True)
class Proxy:
    """A front door on this host."""

    name: str
    engine: str
    unit: str
    socket: str
    destination: Path
    # Its status page.
    health: Check
    # On the host; empty for a door that is not encrypted.
    certificate: str
    key: str
    # Its kernel settings; None for a proxy without.
    sysctl: Path | None = None


@dataclass(frozen=True)
class Host:
    """Everything described for one host."""

    project: str
    name: str
    units: tuple[str, ...]
    triggers: tuple[str, ...]
    apps: tuple[App, ...]
    pools: tuple[Pool, ...]
    proxies: tuple[Proxy, ...]
    # What the monitor reads.
    spec: Path | None = None

    @property
    def instances(self) -> Iterator[Instance]:
        """Each instance, in the order in which a roll touches them."""
        for pool in self.pools:
            yield from pool.instances

    @property
    def unit_names(self) -> set[str]:
        """Each unit that may be up here, templates left out."""
        names = {f"{self.project}.target", *(unit for unit in self.units if "@." not in unit)}
        for pool in self.pools:
            names |= {pool.target, *pool.sockets, *(instance.unit for instance in pool.instances)}
        for proxy in self.proxies:
            names |= {proxy.unit, proxy.socket}
        return names

    def app_root(self, app: str) -> Path:
        """Where the releases of `app` live."""
        return OPT / self.project / app

    def app(self, name: str) -> App:
        """The app called `name`."""
        return next(app for app in self.apps if app.name == name)


def read(raw: dict[str, Any]) -> Host:
    """A host from the inventory's data."""
    apps = {
        app["name"]: App(
            name=app["name"],
            file=app["file"],
            executable=app["executable"],
            is_archive=app["artifact_is"] == "archive",
            build=app["build"],
            image=app["image"],
            stop_timeout=float(app["stop_timeout_seconds"]),
            ready_timeout=float(app["ready_timeout_seconds"]),
        )
        for app in raw["apps"]
    }
    return Host(
        project=raw["project"],
        name=raw["name"],
        units=tuple(raw["units"]),
        triggers=tuple(raw["triggers"]),
        spec=Path(raw["spec"]["destination"]) if "spec" in raw else None,
        apps=tuple(apps.values()),
        pools=tuple(_pool(pool, apps[pool["app"]]) for pool in raw["pools"]),
        proxies=tuple(_proxy(proxy) for proxy in raw["proxies"]),
    )


def _pool(raw: dict[str, Any], app: App) -> Pool:
    listeners = raw["listeners"]
    return Pool(
        name=raw["name"],
        app=app,
        target=raw["target"],
        sockets=tuple(listener["socket"] for listener in listeners if listener["socket"]),
        instances=tuple(
            Instance(unit, listener["socket"], raw["name"], app, _check(listener["health"]))
            for listener in listeners
            for unit in _services(listener)
        ),
    )


def _check(raw: dict[str, str] | str) -> Check:
    """What an earlier edition described is a URL; a host that goes back to that is held to its rule."""
    if isinstance(raw, str):
        return Check(raw, urlsplit(raw).netloc if raw.startswith("http://") else "localhost", "200-399")
    return Check(**raw)


def _services(listener: dict[str, Any]) -> list[str]:
    if "services" in listener:
        return list(listener["services"])
    # The processors this host lets us use, which in a container are fewer than it has.
    workers = len(os.sched_getaffinity(0))
    return [f"{listener['services_from']}{number}.service" for number in range(1, workers + 1)]


def _proxy(raw: dict[str, Any]) -> Proxy:
    beside = [Path(file["destination"]) for file in raw.get("extra_files", [])]
    return Proxy(
        name=raw["name"],
        engine=raw["engine"],
        unit=raw["unit"],
        socket=raw["socket"],
        destination=Path(raw["destination"]),
        health=Check(raw["health"]),
        certificate=raw["certificate"],
        key=raw["key"],
        sysctl=next((path for path in beside if path.parent == SYSCTL), None),
    )


def port_socket(service: str) -> str:
    """What holds the port of the instance `service`, if systemd does: `randoms-spread-port@8082.socket`."""
    stem, _, port = service.removesuffix(".service").partition("@")
    return f"{stem}-port@{port}.socket"
