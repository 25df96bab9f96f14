#!/usr/bin/python3
"""Takes a host for this run of a playbook, or gives it back."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host import description, lease

DOCUMENTATION = r"""
module: genconf_lease
short_description: Take a host for this run, or give it back
description:
  - A refusal is a result, not a failure, so that every host of a run is asked before any gives up.
options:
  host: {type: dict, required: true, description: What is described for this host}
  run: {type: dict, required: true, description: Which run of a playbook this is}
  state: {type: str, default: taken, choices: [taken, given_back]}
"""


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "dict", "required": True},
            "run": {"type": "dict", "required": True},
            "state": {"type": "str", "default": "taken", "choices": ["taken", "given_back"]},
        },
        supports_check_mode=True,
    )
    host = description.read(module.params["host"])
    run = lease.run(module.params["run"])
    refusal = ""
    if module.check_mode:
        pass
    elif module.params["state"] == "given_back":
        lease.give_back(host.project, run)
    else:
        try:
            if warning := lease.take(host.project, run):
                module.warn(f"{host.name}: {warning}")
        except lease.Held as held:
            refusal = f"{host.name}: {held}"
    # A lease is gone when the run is: it is no change to the host.
    module.exit_json(changed=False, refusal=refusal)


if __name__ == "__main__":
    main()
