"""What a host is asked by, what goes along, and what is left of it there."""

import importlib.util
import io
import json
import shutil
import sys
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import booted  # noqa: F401 (the package's folder)

from genconf_host import asked
from genconf_host.edition import edition
from genconf_host.question import Question

ROLE = Path(__file__).parent.parent / "roles/genconf"
PACKAGE = ROLE / "module_utils/genconf_host"
STATUS = {"genconf_status": {"host": {"name": "node1"}}}
ADMIT = {"genconf_release": {"step": "admit"}, "send": {"api": "/here/api"}}


class Action:
    """As much of Ansible's own as the plugin stands on; writes down what it is asked for."""

    def __init__(self) -> None:
        self.did: list[tuple[object, ...]] = []
        self.done: dict[str, Any] = {"rc": 127, "stdout": "", "stderr": "not found"}
        self.is_pipelined = True
        shell = SimpleNamespace(tmpdir=None, join_path=lambda *parts: "/".join(parts))
        self._connection = SimpleNamespace(_shell=shell)

    def asked(self, args: dict[str, Any], *, dry: bool = False) -> dict[str, Any]:
        self._task = SimpleNamespace(args=args, check_mode=dry)
        return self.run(task_vars={})  # type: ignore[call-arg]

    def run(self, tmp: object, task_vars: object) -> dict[str, Any]:
        return {"base": "kept"}

    def _is_pipelining_enabled(self, style: str) -> bool:
        return self.is_pipelined and style == "new"

    def _low_level_execute_command(self, command: str, in_data: bytes) -> dict[str, Any]:
        self.did.append(("ask", command, json.loads(in_data)))
        return self.done

    def _make_tmp_path(self) -> None:
        self._connection._shell.tmpdir = "/tmp/task"

    def _transfer_file(self, here: str, there: str) -> None:
        self.did.append(("send", here, there))

    def _execute_module(self, **given: Any) -> dict[str, Any]:
        self.did.append(("run", given["module_name"], given["module_args"]))
        return {"changed": True}

    def _remove_tmp_path(self, path: str | None) -> None:
        if path:
            self.did.append(("remove", path))


class Told:
    """Where warnings go."""

    warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def plugin() -> Any:
    """The plugin, on top of that."""
    names = ("ansible", "ansible.plugins", "ansible.plugins.action", "ansible.utils", "ansible.utils.display")
    theirs = {name: ModuleType(name) for name in names}
    theirs["ansible.plugins.action"].ActionBase = Action  # type: ignore[attr-defined]
    theirs["ansible.utils.display"].Display = Told  # type: ignore[attr-defined]
    spec = importlib.util.spec_from_file_location("genconf_ask", ROLE / "action_plugins/genconf_ask.py")
    loaded = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, theirs):
        spec.loader.exec_module(loaded)
    return loaded.ActionModule()


class Asks(unittest.TestCase):
    def setUp(self) -> None:
        self.action = plugin()
        self.question = {"module": "genconf_status", "given": STATUS["genconf_status"], "dry": False}
        self.program = f"/usr/local/sbin/genconf-host ask {edition(PACKAGE)}"
        self.module = ("run", "genconf_status", STATUS["genconf_status"])

    def test_the_program_that_is_there_answers(self) -> None:
        self.action.done = {"rc": 0, "stdout": 'noise\n{"rows": []}\n', "stderr": ""}
        self.assertEqual(self.action.asked(STATUS), {"base": "kept", "rows": []})
        self.assertEqual(self.action.did, [("ask", self.program, self.question)])

    def test_a_dry_run_is_asked_for_as_such(self) -> None:
        self.action.done = {"rc": 0, "stdout": "{}", "stderr": ""}
        self.action.asked(STATUS, dry=True)
        self.assertTrue(self.action.did[0][2]["dry"])

    def test_where_the_program_is_missing_or_another_one_the_module_answers(self) -> None:
        for ending in (2, 3, 126, 127):
            self.action.did.clear()
            self.action.done["rc"] = ending
            self.assertEqual(self.action.asked(STATUS), {"base": "kept", "changed": True})
            self.assertEqual(self.action.did, [("ask", self.program, self.question), self.module])

    def test_a_question_goes_by_no_other_way_than_a_task_would(self) -> None:
        self.action.is_pipelined = False
        self.action.asked(STATUS)
        self.assertEqual(self.action.did, [self.module])

    def test_a_program_that_breaks_down_is_not_asked_twice(self) -> None:
        self.action.done = {"rc": 1, "stdout": "", "stderr": "Traceback\n"}
        broken = {"failed": True, "msg": "/usr/local/sbin/genconf-host exited with status 1: Traceback"}
        self.assertEqual(self.action.asked(STATUS), {"base": "kept", **broken})
        self.assertEqual(len(self.action.did), 1)

    def test_warnings_are_told(self) -> None:
        Told.warnings.clear()
        self.action.done = {"rc": 0, "stdout": '{"warnings": ["mind"]}', "stderr": ""}
        self.assertEqual(self.action.asked(STATUS), {"base": "kept"})
        self.assertEqual(Told.warnings, ["mind"])

    def test_what_is_lacking_is_sent_first_and_nothing_of_it_stays(self) -> None:
        self.action.asked(ADMIT)
        admit = {"step": "admit", "uploaded": {"api": "/tmp/task/api"}}
        asked = {"module": "genconf_release", "given": admit, "dry": False}
        expected = [
            ("send", "/here/api", "/tmp/task/api"),
            ("ask", self.program, asked),
            ("run", "genconf_release", admit),
            ("remove", "/tmp/task"),
        ]
        self.assertEqual(self.action.did, expected)

    def test_nothing_stays_of_an_upload_that_breaks_off(self) -> None:
        with mock.patch.object(self.action, "_transfer_file", side_effect=OSError("cut")):
            with self.assertRaisesRegex(OSError, "cut"):
                self.action.asked(ADMIT)
        self.assertEqual(self.action.did, [("remove", "/tmp/task")])


class Answers(unittest.TestCase):
    def test_a_question_is_answered_by_the_edition_that_is_meant(self) -> None:
        question = json.dumps({"module": "genconf_bypass", "given": {"n": "2"}, "dry": True})
        echo = Question({"n": {"type": "float"}, "left": {"type": "str", "default": "x"}}, _echo)
        said = io.StringIO()
        with (
            mock.patch("genconf_host.bypass.QUESTION", echo),
            mock.patch.object(sys, "argv", ["genconf-host", "ask", edition(PACKAGE)]),
            mock.patch.object(sys, "stdin", io.StringIO(question)),
            redirect_stdout(said),
        ):
            self.assertEqual(asked.main(), 0)
        self.assertEqual(json.loads(said.getvalue()), {"n": 2.0, "left": "x", "dry": True})

    def test_another_edition_answers_nothing(self) -> None:
        with mock.patch.object(sys, "argv", ["genconf-host", "ask", "0" * 64]):
            self.assertEqual(asked.main(), asked.ANOTHER)

    def test_an_edition_is_its_files_their_names_and_nothing_else(self) -> None:
        with TemporaryDirectory() as name:
            folder = Path(name) / "genconf_host"
            shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
            (folder / "notes.txt").write_text("not read")
            self.assertEqual(edition(folder), edition(PACKAGE))
            (folder / "health.py").rename(folder / "healthy.py")
            self.assertNotEqual(edition(folder), edition(PACKAGE))

    def test_every_module_has_an_answerer_of_the_same_arguments(self) -> None:
        modules = {path.stem for path in (ROLE / "library").glob("*.py")}
        self.assertEqual(set(asked.ANSWERERS), modules)
        for module, answerer in asked.ANSWERERS.items():
            source = (ROLE / f"library/{module}.py").read_text()
            self.assertIn(f"genconf_host.{answerer} import QUESTION", source)

    def test_arguments_come_as_ansible_would_give_them(self) -> None:
        kinds = {
            "is": {"type": "bool", "default": False},
            "after": {"type": "float", "default": 0},
            "of": {"type": "dict", "default": {}},
        }
        question = Question(kinds, lambda params, _: params)
        given = {"is": "True", "after": "3", "of": None, "unknown": 1}
        self.assertEqual(question.answered(given, dry=False), {"is": True, "after": 3.0, "of": {}})

    def test_what_ansible_would_refuse_is_refused(self) -> None:
        kinds = {"step": {"type": "str", "required": True, "choices": ["serve", "front"]}}
        question = Question(kinds, lambda *_: {"changed": True})
        for given, complaint in (({}, "is missing"), ({"step": "dry"}, "invalid value 'dry', expected one of: serve, front")):
            refusal = {"failed": True, "msg": f"step: {complaint}"}
            self.assertEqual(question.answered(given, dry=False), refusal)
        self.assertEqual(question.answered({"step": "front"}, dry=False), {"changed": True})

    def test_a_module_tells_what_was_answered(self) -> None:
        told: list[object] = []
        module = SimpleNamespace(
            params={}, check_mode=False, warn=told.append,
            exit_json=lambda **answer: told.append(answer), fail_json=lambda **answer: told.append(("no", answer)),
        )  # fmt: skip
        Question({}, lambda *_: {"changed": True, "warnings": ["mind"]}).put(module)
        Question({}, lambda *_: {"failed": True, "msg": "held"}).put(module)
        self.assertEqual(told, ["mind", {"changed": True}, ("no", {"failed": True, "msg": "held"})])


def _echo(params: dict[str, Any], dry: bool) -> dict[str, Any]:
    return {**params, "dry": dry}


if __name__ == "__main__":
    unittest.main()
