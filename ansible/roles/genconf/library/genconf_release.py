#!/usr/bin/python3
"""Moves the apps of this host between releases."""

from __future__ import annotations

import signal
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host import confirmation, deploy, description, guard, lease
from ansible.module_utils.genconf_host.roll import Failed
from ansible.module_utils.genconf_host.store import Rejected
from ansible.module_utils.genconf_host.systemd import Refused, Systemctl

DOCUMENTATION = r"""
module: genconf_release
short_description: Move the apps of this host between releases
options:
  host: {type: dict, required: true, description: What is described for this host}
  step: {type: str, required: true, choices: [look, admit, deploy, rollback, undo, confirm]}
  artifacts: {type: dict, default: {}, description: SHA-256 of the artifact of each app}
  only_first: {type: bool, default: false, description: Look only for apps without a release}
  release: {type: str, default: "", description: Where to go back to; empty for the previous}
  apps: {type: list, elements: str, default: [], description: Only these go back; empty for all}
  observe: {type: float, default: 0, description: Seconds the first instance runs alone}
  confirm: {type: float, default: 0, description: Seconds after which what is not confirmed is undone}
  guard: {type: float, default: 0, description: Seconds for which the host looks on after the run (confirm)}
  run: {type: dict, default: {}, description: The run that takes the host (look) and leaves it (confirm)}
  outcomes: {type: list, elements: dict, default: [], description: What to undo or confirm}
"""


def look(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Takes the host, and says which artifacts it lacks and where to put them.

    A refusal is a result, not a failure: every host of a run is asked before any gives up.
    """
    warning = ""
    if not site.dry:
        try:
            warning = lease.take(site.host.project, lease.run(params["run"]))
        except lease.Held as held:
            return {"changed": False, "refusal": f"{site.host.name}: {held}", "uploads": []}
    uploads = site.lacking(params["artifacts"], params["only_first"])
    # In a dry run nothing follows that could report the change.
    return {
        "changed": site.dry and bool(uploads),
        "refusal": "",
        "warnings": [f"{site.host.name}: {warning}"] if warning else [],
        "uploads": [asdict(upload) for upload in uploads],
    }


def admit(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """What was uploaded becomes releases."""
    with lease.turn(site.host.project):
        return {"changed": True, "releases": site.admit(params["artifacts"])}


def roll_out(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Moves to the releases that were admitted."""
    with lease.turn(site.host.project):
        _arm(params, site)
        return _told(site, site.deploy(params["artifacts"], params["observe"]))


def rollback(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Moves to releases that are here."""
    with lease.turn(site.host.project):
        _arm(params, site)
        return _told(site, site.rollback(params["release"], params["observe"], params["apps"]))


def undo(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Takes back what an earlier step of this run did."""
    outcomes = [deploy.Outcome(**outcome) for outcome in params["outcomes"]]
    with lease.turn(site.host.project):
        summary = site.undo(outcomes)
        confirmation.disarm(site.host.project, site.manager)
        guard.dismiss(site.host.project, site.manager)
    return {"changed": bool(summary), "summary": summary}


def confirm(params: dict[str, Any], site: deploy.Site) -> dict[str, Any]:
    """Everything touched is still as it was when it passed, so the host is given back.

    It looks on by itself from then on, for the release to die later than the run ends.
    """
    project, outcomes = site.host.project, [deploy.Outcome(**outcome) for outcome in params["outcomes"]]
    with lease.turn(project):
        site.confirm(outcomes)
        confirmation.disarm(project, site.manager)
        guard.begin(project, params["guard"], outcomes, site.manager)
    lease.give_back(project, lease.run(params["run"]))
    return {"changed": False}


STEPS = {
    "look": look,
    "admit": admit,
    "deploy": roll_out,
    "rollback": rollback,
    "undo": undo,
    "confirm": confirm,
}


def _arm(params: dict[str, Any], site: deploy.Site) -> None:
    if site.dry:
        return
    # What an earlier run left armed would undo this one.
    confirmation.disarm(site.host.project, site.manager)
    guard.dismiss(site.host.project, site.manager)
    if params["confirm"]:
        confirmation.arm(site.host.project, params["confirm"], site.manager)


def _told(site: deploy.Site, outcomes: list[deploy.Outcome]) -> dict[str, Any]:
    if not site.dry and confirmation.unconfirmed(site.host.project) is not None:
        confirmation.note(site.host.project, outcomes)
    log = [line for outcome in outcomes for line in outcome.log]
    return {
        "changed": any(outcome.changed for outcome in outcomes),
        "outcomes": [asdict(outcome) for outcome in outcomes],
        "diff": [{"before": "", "after": "".join(f"{line}\n" for line in log)}] if log else [],
    }


def main() -> None:
    """Runs the module."""
    # A controller that is killed takes its terminal along; a roll under way ends in order.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "dict", "required": True},
            "step": {"type": "str", "required": True, "choices": list(STEPS)},
            "artifacts": {"type": "dict", "default": {}},
            "only_first": {"type": "bool", "default": False},
            "release": {"type": "str", "default": ""},
            "apps": {"type": "list", "elements": "str", "default": []},
            "observe": {"type": "float", "default": 0},
            "confirm": {"type": "float", "default": 0},
            "guard": {"type": "float", "default": 0},
            "run": {"type": "dict", "default": {}},
            "outcomes": {"type": "list", "elements": "dict", "default": []},
        },
        supports_check_mode=True,
    )
    host = description.read(module.params["host"])
    site = deploy.Site(host, Systemctl(), dry=module.check_mode)
    try:
        result = STEPS[module.params["step"]](module.params, site)
    except (deploy.Abandoned, Failed, Rejected, Refused, lease.Held, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
