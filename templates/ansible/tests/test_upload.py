"""What is sent to a host, and what is left of it there."""

import importlib.util
import sys
import unittest
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

PLUGIN = Path(__file__).parent.parent / "roles/genconf/action_plugins/genconf_upload.py"
ARGS = {
    "host": {"name": "node1"},
    "artifacts": {"web": "a" * 64, "api": "b" * 64},
    "apps": ["api"],
    "files": {"web": "/here/web", "api": "/here/api"},
}


class Action:
    """As much of Ansible's own as the plugin stands on; writes down what it is asked for."""

    def __init__(self) -> None:
        self.did: list[tuple[object, ...]] = []
        self._task = SimpleNamespace(args=ARGS)
        shell = SimpleNamespace(tmpdir="/tmp/task", join_path=lambda *parts: "/".join(parts))
        self._connection = SimpleNamespace(_shell=shell)

    def run(self, tmp: object, task_vars: object) -> dict[str, Any]:
        return {"invocation": "kept"}

    def _transfer_file(self, here: str, there: str) -> None:
        self.did.append(("send", here, there))

    def _execute_module(self, **given: Any) -> dict[str, Any]:
        self.did.append(("run", given["module_name"], given["module_args"]))
        return {"changed": True}

    def _remove_tmp_path(self, path: str) -> None:
        self.did.append(("remove", path))


def plugin() -> Any:
    """The plugin, on top of that."""
    names = ("ansible", "ansible.plugins", "ansible.plugins.action")
    theirs = {name: ModuleType(name) for name in names}
    theirs[names[-1]].ActionBase = Action
    spec = importlib.util.spec_from_file_location("genconf_upload", PLUGIN)
    loaded = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, theirs):
        spec.loader.exec_module(loaded)
    return loaded.ActionModule()


class Uploads(unittest.TestCase):
    def test_what_is_lacking_is_sent_and_admitted(self) -> None:
        action = plugin()
        self.assertEqual(action.run(task_vars={}), {"invocation": "kept", "changed": True})
        admit = {
            "host": {"name": "node1"},
            "step": "admit",
            "artifacts": ARGS["artifacts"],
            "uploaded": {"api": "/tmp/task/api"},
        }
        expected = [
            ("send", "/here/api", "/tmp/task/api"),
            ("run", "genconf_release", admit),
            ("remove", "/tmp/task"),
        ]
        self.assertEqual(action.did, expected)

    def test_nothing_stays_of_an_upload_that_breaks_off(self) -> None:
        action = plugin()
        with mock.patch.object(action, "_transfer_file", side_effect=OSError("cut")):
            with self.assertRaisesRegex(OSError, "cut"):
                action.run(task_vars={})
        self.assertEqual(action.did, [("remove", "/tmp/task")])


if __name__ == "__main__":
    unittest.main()
