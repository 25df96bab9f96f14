#!/usr/bin/python3
"""Moves the apps of this host between releases."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host.release import QUESTION

DOCUMENTATION = r"""
module: genconf_release
short_description: Move the apps of this host between releases
options:
  host: {type: dict, required: true, description: What is described for this host}
  step: {type: str, required: true, choices: [look, admit, choose, deploy, rollback, undo, confirm, give_back]}
  artifacts: {type: dict, default: {}, description: SHA-256 of the artifact of each app}
  only_first: {type: bool, default: false, description: Look only for apps without a release}
  programs: {type: list, elements: path, default: [], description: Programs that may be there (look)}
  uploaded: {type: dict, default: {}, description: "Where the artifact of each app was put (admit)"}
  release: {type: str, default: "", description: Where to go back to; empty for the previous (choose)}
  apps: {type: list, elements: str, default: [], description: Only these go back; empty for all (choose)}
  chosen: {type: dict, default: {}, description: The release to which each app goes back (rollback)}
  observe: {type: float, default: 0, description: Seconds the first instance runs alone}
  confirm: {type: float, default: 0, description: Seconds after which what is not confirmed is undone}
  guard: {type: float, default: 0, description: Seconds for which the host looks on after the run (confirm)}
  run: {type: dict, default: {}, description: "The run that takes the host (look, choose) and works on it"}
  outcomes: {type: list, elements: dict, default: [], description: What to undo or confirm}
"""

if __name__ == "__main__":
    QUESTION.put(AnsibleModule(argument_spec=QUESTION.arguments, supports_check_mode=True))
