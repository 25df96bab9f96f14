"""Sends artifacts to a host and has them admitted there.

As Ansible's own `unarchive` sends what it unpacks. `copy` would run two modules on the host besides,
each of which takes a fifth of a second of a processor that has requests to answer.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """`host` and `artifacts` as genconf_release has them; `apps` to send, of all `files` by app."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sends each file to a folder of this task, which goes with it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        args, shell = self._task.args, self._connection._shell
        try:
            uploaded = {}
            for app in args["apps"]:
                uploaded[app] = shell.join_path(shell.tmpdir, app)
                self._transfer_file(args["files"][app], uploaded[app])
            admit = {"host": args["host"], "step": "admit", "artifacts": args["artifacts"]}
            admitted = self._execute_module(
                module_name="genconf_release",
                module_args={**admit, "uploaded": uploaded},
                task_vars=task_vars,
            )
        finally:
            self._remove_tmp_path(shell.tmpdir)
        return {**result, **admitted}
