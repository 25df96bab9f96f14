"""Identify this playbook run and the other runs on this controller."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

DOCUMENTATION = r"""
name: genconf_run
short_description: User and process of this playbook run, and the processes of all playbook runs on this controller
description:
  - Returns user, machine, process ID, and the process IDs of all playbook runs, for the deploy locks.
options:
  _terms: {description: Not used}
"""


class LookupModule(LookupBase):
    """In the process that asks: commands for it would be eight more in every task."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, **_: object
    ) -> list[dict[str, Any]]:
        """One run."""
        return [{"who": who(), "machine": machine(), "pid": os.getppid(), "living": living()}]


def who() -> str:
    """The person at the machine."""
    return f"{pwd.getpwuid(os.getuid()).pw_name}@{os.uname().nodename}"


def machine() -> str:
    """This machine since its boot and, of its containers, this one: where the process IDs are valid.

    Two containers may have the same host name and the same process IDs.
    """
    boot, processes = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if not boot.exists() or not processes.exists():
        return os.uname().nodename
    return f"{boot.read_text().strip()} {processes.stat().st_ino}"


def living() -> list[int]:
    """Every process that a playbook is or may be run by, with those of its tasks."""
    if processes := list(Path("/proc").glob("[0-9]*")):
        return [int(entry.name) for entry in processes if _is_playbook(_command(entry))]
    # A controller without /proc is a macOS or a BSD, which have pgrep.
    said = subprocess.run(["pgrep", "-f", "ansible-playbook"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in said.stdout.split()]


def _is_playbook(command: bytes) -> bool:
    """`ansible-playbook …`, or `python -m ansible playbook …`."""
    words = command.split(b"\0")
    return b"ansible-playbook" in command or b"ansible" in words and b"playbook" in words


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""  # it ended meanwhile
