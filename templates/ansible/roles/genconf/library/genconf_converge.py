#!/usr/bin/python3
"""Takes one step of bringing systemd to the described state."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host import description, lease
from ansible.module_utils.genconf_host.converge import Convergence
from ansible.module_utils.genconf_host.deploy import Abandoned
from ansible.module_utils.genconf_host.roll import Failed, Silent
from ansible.module_utils.genconf_host.store import Rejected
from ansible.module_utils.genconf_host.systemd import Refused, Systemctl

DOCUMENTATION = r"""
module: genconf_converge
short_description: Start, reload or remove units until systemd agrees with the description
description:
  - The last step, prune, gives the host back.
options:
  host: {type: dict, required: true, description: What is described for this host}
  run: {type: dict, required: true, description: Which run of a playbook this is}
  step: {type: str, required: true, choices: [serve, front, prune]}
  artifacts: {type: dict, default: {}, description: SHA-256 of the artifact of each app (serve)}
  described: {type: list, elements: path, default: [], description: Files that prune leaves alone}
"""


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "dict", "required": True},
            "run": {"type": "dict", "required": True},
            "step": {"type": "str", "required": True, "choices": ["serve", "front", "prune"]},
            "artifacts": {"type": "dict", "default": {}},
            "described": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    host = description.read(module.params["host"])
    work = Convergence(host, Systemctl(), dry=module.check_mode, artifacts=module.params["artifacts"])
    try:
        with lease.turn(host.project):
            if not module.check_mode:
                lease.renew(host.project, lease.run(module.params["run"]))
            if module.params["step"] == "prune":
                work.prune({Path(path) for path in module.params["described"]})
                # The last step: nobody has to wait for the other hosts of the run.
                if not module.check_mode:
                    lease.give_back(host.project, lease.run(module.params["run"]))
            else:
                getattr(work, module.params["step"])()
    except (Abandoned, Failed, Rejected, Silent, Refused, lease.Held) as error:
        module.fail_json(msg=str(error), actions=work.log)
    after = "".join(f"{action}\n" for action in work.log)
    module.exit_json(
        changed=bool(work.log),
        actions=work.log,
        diff=[{"before": "", "after": after, "after_header": "systemctl"}] if work.log else [],
    )


if __name__ == "__main__":
    main()
