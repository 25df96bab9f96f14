#!/usr/bin/python3
"""Takes a host for this run of a playbook, or gives it back."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host import lease

DOCUMENTATION = r"""
module: genconf_lease
short_description: Take a host for this run, or give it back
description:
  - A refusal is a result, not a failure, so that every host of a run is asked before any gives up.
options:
  project: {type: str, required: true}
  who: {type: str, required: true, description: A person at a machine}
  pid: {type: int, required: true, description: Process id of the run on that machine}
  living: {type: list, elements: int, default: [], description: Such processes now alive there}
  take_over: {type: bool, default: false, description: Take it whoever holds it}
  state: {type: str, default: taken, choices: [taken, given_back]}
"""


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec={
            "project": {"type": "str", "required": True},
            "who": {"type": "str", "required": True},
            "pid": {"type": "int", "required": True},
            "living": {"type": "list", "elements": "int", "default": []},
            "take_over": {"type": "bool", "default": False},
            "state": {"type": "str", "default": "taken", "choices": ["taken", "given_back"]},
        },
        supports_check_mode=True,
    )
    params = module.params
    holder = lease.Holder(params["who"], params["pid"])
    if module.check_mode:
        module.exit_json(changed=False, refusal="")
    if params["state"] == "given_back":
        lease.give_back(params["project"], holder)
        module.exit_json(changed=False, refusal="")
    try:
        former = lease.take(params["project"], holder, params["living"], params["take_over"])
    except lease.Held as held:
        module.exit_json(changed=False, refusal=str(held))
    if former:
        module.warn(f"took over {params['project']}, left behind by {former}")
    # A lease is gone when the run is: it is no change to the host.
    module.exit_json(changed=False, refusal="")


if __name__ == "__main__":
    main()
