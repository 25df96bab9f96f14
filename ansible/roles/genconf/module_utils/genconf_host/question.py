"""Define the commands that a playbook runs on a host, by the agent or as a module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import process

# By the types of Ansible's argument_spec: what a template made a string of is none.
_KINDS: dict[str, Callable[[Any], Any]] = {
    "bool": lambda value: str(value).lower() in ("true", "yes", "on", "1"),
    "float": float,
    "str": str,
}


@dataclass(frozen=True)
class Question:
    """The arguments it takes, in the form of Ansible's argument_spec, and who answers it.

    That is handed them and whether nothing may be changed. A refusal is an answer as well, with
    `failed` and `msg`.
    """

    arguments: dict[str, dict[str, Any]]
    answer: Callable[[dict[str, Any], bool], dict[str, Any]]

    def answered(self, given: dict[str, Any], *, dry: bool) -> dict[str, Any]:
        """The answer to a question that comes without Ansible's own library."""
        params = {name: _value(given.get(name), argument) for name, argument in self.arguments.items()}
        for name, argument in self.arguments.items():
            if complaint := _complaint(params[name], argument):
                return {"failed": True, "msg": f"{name}: {complaint}"}
        process.normalize()
        return self.answer(params, dry)

    def put(self, module: Any) -> None:
        """Has an AnsibleModule of these arguments answer it."""
        process.normalize()
        answer = self.answer(module.params, module.check_mode)
        for warning in answer.pop("warnings", []):
            module.warn(warning)
        (module.fail_json if answer.get("failed") else module.exit_json)(**answer)


def _value(given: Any, argument: dict[str, Any]) -> Any:
    if given is None:
        return argument.get("default")
    return _KINDS.get(argument["type"], lambda value: value)(given)


def _complaint(value: Any, argument: dict[str, Any]) -> str | None:
    if value is None and argument.get("required"):
        return "is missing"
    choices = argument.get("choices", [value])
    return None if value in choices else f"invalid value {value!r}, expected one of: {', '.join(choices)}"
