#!/usr/bin/python3
"""Switch the apps of this host between releases."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host.release import QUESTION

DOCUMENTATION = r"""
module: genconf_release
short_description: Switch the apps of this host between releases
description:
  - Each step is a task of a playbook. The steps look and choose acquire the deploy lock, give_back releases it.
options:
  host: {type: dict, required: true, description: Desired state of this host}
  step:
    type: str
    required: true
    choices: [look, admit, choose, deploy, rollback, undo, confirm, give_back]
    description: The step
  artifacts: {type: dict, default: {}, description: SHA-256 of the artifact of each app}
  only_first: {type: bool, default: false, description: Check only apps without a release}
  programs: {type: list, elements: path, default: [], description: Programs whose presence is reported (look)}
  uploaded: {type: dict, default: {}, description: "Path of the uploaded artifact of each app (admit)"}
  release: {type: str, default: "", description: Release to return to; empty for the previous one (choose)}
  apps: {type: list, elements: str, default: [], description: Apps to roll back; empty for all (choose)}
  chosen: {type: dict, default: {}, description: Release to return to, by app (rollback)}
  observe: {type: float, default: 0, description: Seconds for which the first instance runs the new release alone}
  confirm: {type: float, default: 0, description: Seconds after which the host rolls back unless the run has confirmed}
  guard: {type: float, default: 0, description: Seconds for which the host monitors the release after the run (confirm)}
  run: {type: dict, default: {}, description: "Identity of the playbook run"}
  outcomes: {type: list, elements: dict, default: [], description: Results to roll back or confirm}
"""

if __name__ == "__main__":
    QUESTION.put(AnsibleModule(argument_spec=QUESTION.arguments, supports_check_mode=True))
