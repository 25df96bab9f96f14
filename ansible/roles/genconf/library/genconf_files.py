#!/usr/bin/python3
"""Makes a set of files be exactly so, in one task."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host import acceptance, description, files

DOCUMENTATION = r"""
module: genconf_files
short_description: Make a set of files be exactly so
description:
  - Writes those that differ, each atomically, a proxy's configuration once its engine accepts it.
options:
  files: {type: dict, required: true, description: Content by path}
  modes: {type: dict, default: {}, description: "Mode by path, where it is not 0644"}
  host: {type: dict, required: true, description: What is described for this host}
  folders: {type: list, elements: path, default: [], description: "Folders to make, mode 0755"}
  is_recorded: {type: bool, default: false, description: Whether status is to tell when one is altered}
"""


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "dict", "required": True},
            "modes": {"type": "dict", "default": {}},
            "host": {"type": "dict", "required": True},
            "folders": {"type": "list", "elements": "path", "default": []},
            "is_recorded": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    host = description.read(params["host"])
    checks = {
        proxy.destination: partial(acceptance.check, proxy, host.project) for proxy in host.proxies
    }
    wanted = [
        files.File(
            Path(path),
            content,
            mode=int(params["modes"].get(path, "0644"), 8),
            check=checks.get(Path(path)),
        )
        for path, content in sorted(params["files"].items())
    ]
    if params["is_recorded"]:
        wanted.append(files.record(host.project, wanted))
    folders = [Path(path) for path in params["folders"] if not Path(path).is_dir()]
    differing = files.differing(wanted)
    diff = [files.change(file).as_diff() for file in differing]
    if not module.check_mode:
        _make(module, folders, differing)
    changed = [str(path) for path in (*folders, *(file.path for file in differing))]
    module.exit_json(changed=bool(changed), written=changed, diff=diff)


def _make(module: AnsibleModule, folders: list[Path], differing: list[files.File]) -> None:
    try:
        for folder in folders:
            folder.mkdir(mode=0o755, parents=True)
        for file in differing:
            files.write(file)
    except (files.Refused, acceptance.Refused, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
