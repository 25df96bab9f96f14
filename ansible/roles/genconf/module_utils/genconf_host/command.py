"""Run the commands of `genconf-host` for operators, timers, and path units."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import replace

from . import acceptance, description, files, guard, lease, note, process
from .deploy import Abandoned, Site
from .roll import Failed, Roll
from .status import report
from .store import Rejected
from .systemd import Refused, Systemctl
from .watch import Watch

# Nothing comes after the timer that calls `undo`: it waits for its turn for as long as it takes.
PATIENCE = {"undo": math.inf}

# What a command ends with that did not do what it was called for.
FAILURES = (Abandoned, Failed, Rejected, Refused, acceptance.Refused, guard.TakenBack, lease.Held)


def main() -> int:
    """Runs one command; exit 1 when something is not as described."""
    process.normalize()
    arguments = _parser().parse_args()
    host = description.read(json.loads((files.ETC / arguments.project / "host.json").read_text()))
    if arguments.command == "status":
        rows = report(host, Systemctl())
        json.dump(rows, sys.stdout, indent=2)
        print()
        return 0 if all(row["healthy"] for row in rows) else 1
    try:
        if arguments.command == "watched":
            Watch(Site(host, Systemctl()), host.app(arguments.app)).settle()
            return 0
        if arguments.command == "check":
            _check(host, arguments.proxy)
            return 0
        if arguments.command == "guard":
            guard.Guard(Site(host, Systemctl())).keep(arguments.seconds)
            return 0
        with lease.turn(host.project, PATIENCE.get(arguments.command, lease.PATIENCE)):
            _change(arguments, Site(host, Systemctl()))
    except FAILURES as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _check(host: description.Host, name: str) -> None:
    """Changes nothing, so it need not wait for a turn."""
    proxies = [proxy for proxy in host.proxies if name in ("", proxy.name)]
    if name and not proxies:
        names = ", ".join(proxy.name for proxy in host.proxies) or "none"
        raise acceptance.Refused(f"{host.name} has no proxy {name}; defined proxies: {names}")
    for proxy in proxies:
        acceptance.check(proxy, host.project, proxy.destination)
        print(f"{proxy.engine} accepts {proxy.destination}")


def _restart(site: Site, pool: str) -> None:
    """One after the other, each healthy before the next: what no `systemctl restart` waits for where
    the app cannot tell it."""
    pools = [known for known in site.host.pools if pool in ("", known.name)]
    if not pools:
        names = ", ".join(known.name for known in site.host.pools) or "none"
        raise Refused(f"{site.host.name} has no pool {pool}; defined pools: {names}")
    roll = Roll(site.host, site.manager, site.health)
    for instance in (instance for known in pools for instance in known.instances):
        roll.touch_if_needed(instance, is_forced=True)
        print(f"restarted {instance.unit}", flush=True)
    roll.check()


def _change(arguments: argparse.Namespace, site: Site) -> None:
    if arguments.command == "restart":
        _restart(site, arguments.pool)
        return
    unended = note.unended(arguments.project)
    outcomes = unended.read()
    if arguments.command == "rollback":
        site = replace(site, unended=outcomes or ())
        for outcome in site.rollback(site.choose(arguments.release), observe=0.0):
            print("\n".join([f"{outcome.app}: release {outcome.release}", *outcome.log]))
    elif outcomes is not None:
        print(site.undo(outcomes) or "nothing to roll back")
    # A timer that is still to undo it finds nothing.
    unended.remove()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="genconf-host", description="Check, restart, and roll back a project on this host.")
    commands = parser.add_subparsers(dest="command", required=True)
    status = commands.add_parser("status", help="print the state of every instance as JSON")
    status.add_argument("project")
    check = commands.add_parser("check", help="test the configuration of PROXY (default: every proxy)")
    check.add_argument("project")
    check.add_argument("proxy", nargs="?", default="")
    rollback = commands.add_parser("rollback", help="roll back to RELEASE (default: the previous release)")
    rollback.add_argument("project")
    rollback.add_argument("release", nargs="?", default="")
    restart = commands.add_parser("restart", help="restart POOL one instance at a time (default: every pool)")
    restart.add_argument("project")
    restart.add_argument("pool", nargs="?", default="")
    undo = commands.add_parser("undo", help="roll back an unfinished deploy")
    undo.add_argument("project")
    guarded = commands.add_parser("guard", help="roll back the last deploy if an instance exits within SECONDS")
    guarded.add_argument("project")
    guarded.add_argument("seconds", type=float)
    watched = commands.add_parser("watched", help="deploy the watched file of APP")
    watched.add_argument("project")
    watched.add_argument("app")
    return parser
