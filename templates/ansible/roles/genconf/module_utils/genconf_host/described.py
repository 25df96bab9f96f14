"""Install the files of the desired state, all or none."""

from __future__ import annotations

import compileall
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from . import acceptance, binary, description, files, former, lease
from .question import Question
from .systemd import Refused, Systemctl

# What runs on hosts by itself.
PROGRAMS = Path("/usr/local/lib/genconf/genconf_host")


def _answer(params: dict[str, Any], dry: bool) -> dict[str, Any]:
    host = description.read(params["host"])
    checks = {proxy.destination: partial(acceptance.check, proxy, host.project) for proxy in host.proxies}
    modes = params["modes"]
    wanted = [
        files.File(Path(path), content, mode=int(modes.get(path, "0644"), 8), check=checks.get(Path(path)))
        for path, content in sorted(params["files"].items())
    ]
    gone: list[Path] = []
    if params["is_recorded"]:
        described = {file.path for file in wanted}
        gone = files.misleading(host.project, host.units, described)
        # One that is left of an older edition would make another one of this.
        gone += sorted(path for path in PROGRAMS.glob("*.py") if path not in described)
        wanted.append(files.record(host.project, wanted))
    folders = [Path(path) for path in params["folders"] if not Path(path).is_dir()]
    closed = files.closed(_open_folders(host))
    program = params["uploaded"].get("genconf-host")
    differing = files.differing(wanted)
    diff = [files.change(file).as_diff() for file in differing]
    diff += [files.Change(path, path.read_text(), "").as_diff() for path in gone]
    if not dry:
        try:
            with lease.turn(host.project):
                lease.renew(host.project, lease.run(params["run"]))
                for folder in folders:
                    folder.mkdir(mode=0o755, parents=True)
                for folder in closed:
                    folder.chmod(0o755)
                if program:
                    binary.install(Path(program), params["binary"])
                former.put(host, Systemctl(), differing, gone)
                compileall.compile_dir(PROGRAMS, quiet=2)
        except (files.Refused, acceptance.Refused, lease.Held, Refused, OSError) as error:
            return {"failed": True, "msg": str(error)}
    changed = [str(path) for path in (*folders, *closed, *(file.path for file in differing), *gone)]
    changed += [str(binary.PATH)] if program else []
    return {"changed": bool(changed), "written": changed, "diff": diff}


def _open_folders(host: description.Host) -> Iterator[Path]:
    """Folders of this project that genconf makes, and units read."""
    yield from (description.OPT / host.project, files.ETC / host.project)
    yield from (proxy.destination.parent for proxy in host.proxies)
    for app in host.apps:
        releases = host.app_root(app.name) / "releases"
        yield from (releases.parent, releases, *releases.glob("*"))


QUESTION = Question(
    {
        "files": {"type": "dict", "required": True},
        "modes": {"type": "dict", "default": {}},
        "host": {"type": "dict", "required": True},
        "run": {"type": "dict", "required": True},
        "folders": {"type": "list", "elements": "path", "default": []},
        "is_recorded": {"type": "bool", "default": False},
        "uploaded": {"type": "dict", "default": {}},
        "binary": {"type": "str", "default": ""},
    },
    _answer,
)
