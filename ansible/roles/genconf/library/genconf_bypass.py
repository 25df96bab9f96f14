#!/usr/bin/python3
"""Take another host out of rotation on the proxies of this host, or return it."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host.bypass import QUESTION

DOCUMENTATION = r"""
module: genconf_bypass
short_description: Take another host out of rotation on the proxies of this host, or return it
description:
  - Marks the servers of the other host in the configuration of each proxy, and reloads the proxies.
options:
  host: {type: dict, required: true, description: Desired state of this host}
  other: {type: str, required: true, description: The host to take out of rotation or to return}
  state: {type: str, required: true, choices: [bypassed, served], description: Out of rotation or in rotation}
  health: {type: list, elements: dict, default: [], description: Health checks of the instances of all hosts}
"""

if __name__ == "__main__":
    QUESTION.put(AnsibleModule(argument_spec=QUESTION.arguments, supports_check_mode=True))
