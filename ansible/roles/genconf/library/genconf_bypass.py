#!/usr/bin/python3
"""Lets the proxies of this host send nothing to another host, or again as described."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host.bypass import QUESTION

DOCUMENTATION = r"""
module: genconf_bypass
short_description: Let the proxies of this host send nothing to another host
options:
  host: {type: dict, required: true, description: What is described for this host}
  other: {type: str, required: true, description: The host that is bypassed}
  state: {type: str, required: true, choices: [bypassed, served]}
  health: {type: list, elements: dict, default: [], description: The health checks of the instances of all hosts}
"""

if __name__ == "__main__":
    QUESTION.put(AnsibleModule(argument_spec=QUESTION.arguments, supports_check_mode=True))
