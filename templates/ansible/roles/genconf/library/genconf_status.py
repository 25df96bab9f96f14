#!/usr/bin/python3
"""Tells how each instance of this host is."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host.status import QUESTION

DOCUMENTATION = r"""
module: genconf_status
short_description: Tell how each instance of this host is
options:
  host: {type: dict, required: true, description: What is described for this host}
"""

if __name__ == "__main__":
    QUESTION.put(AnsibleModule(argument_spec=QUESTION.arguments, supports_check_mode=True))
