#!/usr/bin/python3
"""Tells how each instance of this host is."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host import description, status
from ansible.module_utils.genconf_host.systemd import Systemctl

DOCUMENTATION = r"""
module: genconf_status
short_description: Tell how each instance of this host is
options:
  host: {type: dict, required: true, description: What is described for this host}
"""


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec={"host": {"type": "dict", "required": True}}, supports_check_mode=True
    )
    host = description.read(module.params["host"])
    module.exit_json(changed=False, rows=status.report(host, Systemctl()))


if __name__ == "__main__":
    main()
