#!/usr/bin/python3
"""Makes a set of files be exactly so, in one task."""

from __future__ import annotations

import compileall
from functools import partial
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.genconf_host import acceptance, description, files, former, lease
from ansible.module_utils.genconf_host.systemd import Refused, Systemctl

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


# What runs on hosts by itself.
PROGRAMS = "/usr/local/lib/genconf/genconf_host"


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "dict", "required": True},
            "modes": {"type": "dict", "default": {}},
            "host": {"type": "dict", "required": True},
            "run": {"type": "dict", "required": True},
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
    gone: list[Path] = []
    if params["is_recorded"]:
        gone = files.misleading(host.project, host.units, {file.path for file in wanted})
        wanted.append(files.record(host.project, wanted))
    folders = [Path(path) for path in params["folders"] if not Path(path).is_dir()]
    differing = files.differing(wanted)
    diff = [files.change(file).as_diff() for file in differing]
    diff += [files.Change(path, path.read_text(), "").as_diff() for path in gone]
    if not module.check_mode:
        _make(module, host, folders, differing, gone)
    changed = [str(path) for path in (*folders, *(file.path for file in differing), *gone)]
    module.exit_json(changed=bool(changed), written=changed, diff=diff)


def _make(
    module: AnsibleModule,
    host: description.Host,
    folders: list[Path],
    differing: list[files.File],
    gone: list[Path],
) -> None:
    try:
        with lease.turn(host.project):
            lease.renew(host.project, lease.run(module.params["run"]))
            for folder in folders:
                folder.mkdir(mode=0o755, parents=True)
            former.put(host, Systemctl(), differing, gone)
            # A prober has a second for its work, and may not keep what it compiled.
            compileall.compile_dir(PROGRAMS, quiet=2)
    except (files.Refused, acceptance.Refused, lease.Held, Refused, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
