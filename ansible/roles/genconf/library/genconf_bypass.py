#!/usr/bin/python3
"""Lets the proxies of this host send nothing to another host, or again as described."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host import bypass, description
from ansible.module_utils.genconf_host.systemd import Refused, Systemctl

DOCUMENTATION = r"""
module: genconf_bypass
short_description: Let the proxies of this host send nothing to another host
options:
  host: {type: dict, required: true, description: What is described for this host}
  other: {type: str, required: true, description: The host that is bypassed}
  state: {type: str, required: true, choices: [bypassed, served]}
  health: {type: list, elements: str, default: [], description: Where the instances of all hosts tell their health}
"""


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "dict", "required": True},
            "other": {"type": "str", "required": True},
            "state": {"type": "str", "required": True, "choices": ["bypassed", "served"]},
            "health": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    host = description.read(module.params["host"])
    reloaded = []
    try:
        if not module.check_mode:
            other = module.params["other"] if module.params["state"] == "bypassed" else None
            is_healthy = bypass.health_by(module.params["health"])
            reloaded = bypass.bypass(host, Systemctl(), other, is_healthy)
    except (OSError, Refused) as error:
        module.fail_json(msg=f"{host.name}: {error}")
    # It is over when the run is, so it is no change to the host.
    module.exit_json(changed=False, reloaded=reloaded)


if __name__ == "__main__":
    main()
