#!/usr/bin/python3
"""Takes one step of bringing systemd to the described state."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host.converge import QUESTION

DOCUMENTATION = r"""
module: genconf_converge
short_description: Start, reload or remove units until systemd agrees with the description
description:
  - The last step, prune, gives the host back.
options:
  host: {type: dict, required: true, description: What is described for this host}
  run: {type: dict, required: true, description: Which run of a playbook this is}
  step: {type: str, required: true, choices: [serve, front, prune]}
  artifacts: {type: dict, default: {}, description: SHA-256 of the artifact of each app (serve)}
  described: {type: list, elements: path, default: [], description: Files that prune leaves alone}
"""

if __name__ == "__main__":
    QUESTION.put(AnsibleModule(argument_spec=QUESTION.arguments, supports_check_mode=True))
