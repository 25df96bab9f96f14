#!/usr/bin/python3
"""Install a set of files in one task."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host.described import QUESTION

DOCUMENTATION = r"""
module: genconf_files
short_description: Install a set of files in one task
description:
  - Writes the files that differ, each atomically. The engine must accept the configuration of a proxy.
  - Writes all files or none. The previous files are kept until the proxies are updated.
  - systemd reads changed units.
options:
  files: {type: dict, required: true, description: Content by path}
  modes: {type: dict, default: {}, description: "Mode by path; default 0644"}
  host: {type: dict, required: true, description: Desired state of this host}
  run: {type: dict, required: true, description: Identity of the playbook run}
  uploaded: {type: dict, default: {}, description: "Path of the uploaded program of the monitor, as genconf-host"}
  binary: {type: str, default: "", description: SHA-256 of the uploaded program}
  folders: {type: list, elements: path, default: [], description: "Directories to create, mode 0755"}
  is_recorded:
    type: bool
    default: false
    description: Whether the list is complete. Then status reports modified files, and other drop-ins are removed
"""

if __name__ == "__main__":
    QUESTION.put(AnsibleModule(argument_spec=QUESTION.arguments, supports_check_mode=True))
