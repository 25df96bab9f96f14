"""Run a command of the host agent, or the Ansible module of the same name if the agent differs.

A module first imports Ansible's library. That takes 0.2 s of CPU time on a host that serves requests,
and about 3 s in an emulated VM.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

PROGRAM = "/usr/local/sbin/genconf-host"
PACKAGE = Path(__file__).parent.parent / "module_utils/genconf_host"

# What it ends with before it did anything: it is another text or knows no `ask`, or, by sh(1), cannot
# be run or is not there.
NOT_ASKED = (2, 3, 126, 127)


class ActionModule(ActionBase):
    """The name of a module with its arguments; `send` are files by name, which it finds as `uploaded`."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the host answers."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        send = args.pop("send", {})
        ((module, given),) = args.items()
        try:
            if send:
                given = {**given, "uploaded": self._sent(send)}
            answer = self._asked(module, given)
            if answer is None:
                answer = self._execute_module(module_name=module, module_args=given, task_vars=task_vars)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return {**result, **answer}

    def _sent(self, files: dict[str, str]) -> dict[str, str]:
        """Sends each file to a folder of this task, which goes with it; as `unarchive` does."""
        self._make_tmp_path()
        shell = self._connection._shell
        uploaded = {name: shell.join_path(shell.tmpdir, name) for name in files}
        for name, file in files.items():
            self._transfer_file(file, uploaded[name])
        return uploaded

    def _asked(self, module: str, given: dict[str, Any]) -> dict[str, Any] | None:
        """What the program answers, if it is the one that the module would be."""
        if not self._is_pipelining_enabled("new"):
            return None
        question = {"module": module, "given": given, "dry": bool(self._task.check_mode)}
        command = f"{PROGRAM} ask {edition(PACKAGE)}"
        done = self._low_level_execute_command(command, in_data=json.dumps(question, default=str).encode())
        if done["rc"] in NOT_ASKED:
            return None
        try:
            answer: dict[str, Any] = json.loads(done["stdout"].splitlines()[-1])
        except (IndexError, ValueError):
            told = done["stderr"].strip() or done["stdout"].strip()
            return {"failed": True, "msg": f"{PROGRAM} exited with status {done['rc']}: {told}"}
        for warning in answer.pop("warnings", []):
            Display().warning(warning)
        return answer


def _edition() -> Any:
    """The package is not where Python finds it here, so the one file is taken by its path."""
    spec = importlib.util.spec_from_file_location("genconf_edition", PACKAGE / "edition.py")
    if spec is None or spec.loader is None:
        raise ImportError(str(PACKAGE))
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded.edition


edition = _edition()
