#!/usr/bin/python3
"""Apply one step of the desired state to systemd."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host.converge import QUESTION

DOCUMENTATION = r"""
module: genconf_converge
short_description: Apply one step of the desired state to systemd
description:
  - The steps are serve (start instances), restore (the files from before the run), front (start or reload proxies), and prune (remove what is not in
    the desired state). The last step, prune, releases the deploy lock.
options:
  host: {type: dict, required: true, description: Desired state of this host}
  run: {type: dict, required: true, description: Identity of the playbook run}
  step: {type: str, required: true, choices: [serve, restore, front, prune], description: The step}
  artifacts: {type: dict, default: {}, description: SHA-256 of the artifact of each app (serve)}
  described: {type: list, elements: path, default: [], description: Files that prune keeps}
"""

if __name__ == "__main__":
    QUESTION.put(AnsibleModule(argument_spec=QUESTION.arguments, supports_check_mode=True))
