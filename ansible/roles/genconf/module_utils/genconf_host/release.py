"""Switch the apps of this host between releases, in the steps of a playbook."""

from __future__ import annotations

import signal
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from . import binary, confirmation, deploy, description, guard, lease, note
from .question import Question
from .roll import Failed
from .store import NoRelease, Rejected
from .systemd import Refused, Systemctl


def look(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Takes the host, and says which programs it has, and which apps' artifacts it lacks."""
    taken = _take(params, site)
    if taken["refusal"]:
        return {**taken, "programs": [], "lacking": [], "machine": "", "binary": ""}
    lacking = site.lacking(params["artifacts"], params["only_first"])
    return {
        **taken,
        # In a dry run nothing follows that could report the change.
        "changed": site.dry and bool(lacking),
        "programs": [program for program in params["programs"] if Path(program).exists()],
        "lacking": lacking,
        "machine": binary.machine(),
        "binary": binary.digest(),
    }


def admit(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """What was uploaded becomes releases."""
    with lease.turn(site.host.project):
        site.receive(params["artifacts"], params["uploaded"])
        return {"changed": True, "releases": site.admit(params["artifacts"])}


def choose(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Takes the host, and says where a rollback takes each app, for the hosts of a run to be compared."""
    taken = _take(params, site)
    if taken["refusal"]:
        return taken
    with lease.turn(site.host.project):
        site = replace(site, unended=note.unended(site.host.project).read() or ())
        try:
            chosen = site.choose(params["release"], params["apps"])
        except NoRelease as reason:
            # As on a host that was added since: the others go back all the same.
            left = f"{reason}; this host stays as it is"
            return {**taken, "chosen": {}, "ways": {}, "none": str(reason), "warnings": [*taken["warnings"], left]}
        current = {app: site.store(site.host.app(app)).current for app in chosen}
    unended = [
        f"{site.host.name}: an interrupted rollback of {app} to {digest} completes first"
        for app, digest in chosen.items()
        if digest == current[app] and not params["release"]
    ]
    return {
        **taken,
        "chosen": {app: digest for app, digest in chosen.items() if digest},
        "ways": {app: _way(app, current[app], digest) for app, digest in chosen.items()},
        "warnings": taken["warnings"] + unended,
    }


def roll_out(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Moves to the releases that were admitted."""
    with lease.turn(site.host.project):
        return _told(_begun(params, site).deploy(params["artifacts"], params["observe"]))


def rollback(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Moves to releases that are here."""
    with lease.turn(site.host.project):
        return _told(_begun(params, site).rollback(params["chosen"], params["observe"]))


def undo(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Takes back what an earlier step of this run did: as it told or, cut off, as it noted."""
    if site.dry:
        return {"changed": False, "summary": ""}
    project, run = site.host.project, lease.run(params["run"])
    unended = note.unended(project, run)
    with lease.turn(project):
        try:
            lease.renew(project, run)
        except lease.Held as held:
            # What is here now is what that run made of it.
            return {"changed": False, "summary": f"{site.host.name} was not rolled back: {held}"}
        summary = site.undo(_outcomes(params) or unended.read() or [])
        confirmation.disarm(project, site.manager)
        unended.remove()
    return {"changed": bool(summary), "summary": summary}


def confirm(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Everything touched is still as it was when it passed, so the host is given back.

    It looks on by itself from then on, for the release to die later than the run ends.
    """
    if site.dry:
        return {"changed": False}
    project, run, outcomes = site.host.project, lease.run(params["run"]), _outcomes(params)
    with lease.turn(project):
        lease.renew(project, run)
        site.confirm(outcomes)
        confirmation.disarm(project, site.manager)
        note.unended(project).remove()
        guard.begin(project, params["guard"], outcomes, site.manager)
        lease.give_back(project, run)
    return {"changed": False}


def give_back(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Ends a run that goes no further."""
    if not site.dry:
        lease.give_back(site.host.project, lease.run(params["run"]))
    return {"changed": False}


STEPS = {
    "look": look,
    "admit": admit,
    "choose": choose,
    "deploy": roll_out,
    "rollback": rollback,
    "undo": undo,
    "confirm": confirm,
    "give_back": give_back,
}


def _take(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Takes the host for the run.

    A refusal is a result, not a failure: every host of a run is asked before any gives up.
    """
    refusal, warnings = "", []
    if not site.dry:
        try:
            if warning := lease.take(site.host.project, lease.run(params["run"])):
                warnings.append(f"{site.host.name}: {warning}")
        except lease.Held as held:
            refusal = f"{site.host.name}: {held}"
    # A lease is gone when the run is: it is no change to the host.
    return {"changed": False, "refusal": refusal, "warnings": warnings}


def _begun(params: dict[str, Any], site: deploy.Site) -> deploy.Site:
    """The site, whose moves are noted from now on, in the place of those of a run that did not end."""
    if site.dry:
        return site
    project, run = site.host.project, lease.run(params["run"])
    lease.renew(project, run)
    # What an earlier run left armed would undo this one.
    confirmation.disarm(project, site.manager)
    before = note.unended(project).read() or ()
    noted = note.unended(project, run)
    noted.write([])
    if params["confirm"]:
        confirmation.arm(project, params["confirm"], site.manager)
    return replace(site, keep=noted.write, unended=before)


def _way(app: str, current: str | None, chosen: str | None) -> str:
    return f"{app} would change from {current or 'none'} to {chosen or 'none'}"


def _outcomes(params: dict[str, Any]) -> list[deploy.Outcome]:
    return [deploy.Outcome(**outcome) for outcome in params["outcomes"]]


def _told(outcomes: list[deploy.Outcome]) -> dict[str, Any]:
    log = [line for outcome in outcomes for line in outcome.log]
    return {
        "changed": any(outcome.changed for outcome in outcomes),
        "outcomes": [asdict(outcome) for outcome in outcomes],
        "diff": [{"before": "", "after": "".join(f"{line}\n" for line in log)}] if log else [],
    }


def _answer(params: dict[str, Any], dry: bool) -> dict[str, Any]:
    # A controller that is killed takes its terminal along; a roll under way ends in order.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    host = description.read(params["host"])
    try:
        return STEPS[params["step"]](params, deploy.Site(host, Systemctl(), dry=dry))
    except (deploy.Abandoned, Failed, Rejected, Refused, lease.Held, OSError) as error:
        return {"failed": True, "msg": str(error)}


QUESTION = Question(
    {
        "host": {"type": "dict", "required": True},
        "step": {"type": "str", "required": True, "choices": list(STEPS)},
        "artifacts": {"type": "dict", "default": {}},
        "only_first": {"type": "bool", "default": False},
        "programs": {"type": "list", "elements": "path", "default": []},
        "uploaded": {"type": "dict", "default": {}},
        "release": {"type": "str", "default": ""},
        "apps": {"type": "list", "elements": "str", "default": []},
        "chosen": {"type": "dict", "default": {}},
        "observe": {"type": "float", "default": 0},
        "confirm": {"type": "float", "default": 0},
        "guard": {"type": "float", "default": 0},
        "run": {"type": "dict", "default": {}},
        "outcomes": {"type": "list", "elements": "dict", "default": []},
    },
    _answer,
)
