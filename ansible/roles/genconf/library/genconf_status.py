#!/usr/bin/python3
"""Report the state of each instance of this host."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host.status import QUESTION

DOCUMENTATION = r"""
module: genconf_status
short_description: Report the state of each instance of this host
description:
  - Returns one row for each instance, proxy, modified file, and unmanaged unit.
options:
  host: {type: dict, required: true, description: Desired state of this host}
"""

if __name__ == "__main__":
    QUESTION.put(AnsibleModule(argument_spec=QUESTION.arguments, supports_check_mode=True))
