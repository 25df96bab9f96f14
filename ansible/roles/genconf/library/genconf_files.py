#!/usr/bin/python3
"""Makes a set of files be exactly so, in one task."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host.described import QUESTION

DOCUMENTATION = r"""
module: genconf_files
short_description: Make a set of files be exactly so
description:
  - Writes those that differ, each atomically, a proxy's configuration once its engine accepts it.
  - All of them or none, and what they replace is kept until the proxies know. systemd reads units among them.
options:
  files: {type: dict, required: true, description: Content by path}
  modes: {type: dict, default: {}, description: "Mode by path, where it is not 0644"}
  host: {type: dict, required: true, description: What is described for this host}
  run: {type: dict, required: true, description: Which run of a playbook this is}
  folders: {type: list, elements: path, default: [], description: "Folders to make, mode 0755"}
  is_recorded:
    type: bool
    default: false
    description: Whether these are all, so that status tells when one is altered, and drop-ins beside them go
"""

if __name__ == "__main__":
    QUESTION.put(AnsibleModule(argument_spec=QUESTION.arguments, supports_check_mode=True))
