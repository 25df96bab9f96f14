"""Query and control units with systemctl(1)."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

# SD_MESSAGE_UNIT_PROCESS_EXIT, sd-messages(3).
PROCESS_EXIT = "98e322203f7a4ed290d09fe03c09fe15"

# What people and units call on a host.
PROGRAM = "/usr/local/sbin/genconf-host"

# Where genconf and this host's administrator put units and drop-ins that last. What lies elsewhere
# is the distribution's, a generator's, or gone after a boot: in some containers the one in
# /run/systemd/system/service.d is written anew at each daemon-reload.
WRITTEN = ("/etc/systemd/system/", "/usr/local/lib/systemd/system/")

# How often systemd is asked before its silence is an error, and seconds between.
TRIES = 3
PAUSE = 1.0

PROPERTIES = (
    "Id",
    "Type",
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "FragmentPath",
    "DropInPaths",
    "InvocationID",
    "StateChangeTimestamp",
    "ActiveEnterTimestamp",
    "Result",
    "MainPID",
    "NRestarts",
    "ExecMainStartTimestamp",
    "ExecMainCode",
    "ExecMainStatus",
    "MemoryCurrent",
    "Listen",
    "NeedDaemonReload",
    "RequiredBy",
    "Triggers",
)


@dataclass(frozen=True)
class State:
    """What systemd says of one unit at one moment. Times are seconds since 1970, 0 for never."""

    unit: str
    kind: str = ""
    load: str = "not-found"
    active: str = "inactive"
    sub: str = "dead"
    enabled: str = ""
    # Its unit file and drop-ins, of those that somebody wrote for this host.
    files: tuple[str, ...] = ()
    invocation: str = ""
    changed_at: float = 0.0
    active_since: float = 0.0
    started_at: float = 0.0
    result: str = ""
    pid: int = 0
    restarts: int = 0
    exit_code: int = 0
    exit_status: int = 0
    memory: int | None = None
    # Where a socket listens: `192.168.56.11:8082`, `[fd00::11]:8082` or a path; one word for each.
    listens: str = ""
    # Services that are handed this socket.
    users: tuple[str, ...] = ()
    # A file of it changed since systemd read it.
    needs_reload: bool = False

    @property
    def is_active(self) -> bool:
        """Up and, for Type=notify, ready."""
        return self.active in ("active", "reloading")

    @property
    def says_ready(self) -> bool:
        """It told systemd itself that it is ready, sd_notify(3)."""
        return self.is_active and self.kind.startswith("notify")

    @property
    def is_down(self) -> bool:
        """Not up, and nothing is under way that would bring it up without a wait or a hand."""
        return self.is_idle or self.sub.startswith("auto-restart")

    @property
    def is_idle(self) -> bool:
        """Neither up nor on its way up or down."""
        return self.active in ("inactive", "failed")

    @property
    def is_enabled(self) -> bool:
        """Started with its target at boot."""
        return self.enabled in ("enabled", "enabled-runtime", "static", "alias")

    def last_words(self) -> str:
        """How it ended, in one phrase."""
        ending = f"result {self.result or 'unknown'}"
        if self.exit_status:
            # CLD_EXITED is 1; the others are signals, waitid(2).
            how = "exit status" if self.exit_code == 1 else "signal"
            ending += f", {how} {self.exit_status}"
        return f"{self.active} ({self.sub}), {ending}"


class Manager(Protocol):
    """What a roll needs of systemd. `Systemctl` is the real one; tests bring their own."""

    def states(self, units: Iterable[str]) -> dict[str, State]: ...

    def run(self, *words: str) -> None: ...

    def log(self, unit: str, invocation: str, lines: int) -> list[str]: ...

    def ending(self, unit: str, since: float, besides: str) -> str: ...

    def list(self, pattern: str) -> set[str]: ...


class Refused(Exception):
    """systemd said no."""


class Systemctl:
    """systemd itself."""

    def states(self, units: Iterable[str]) -> dict[str, State]:
        """The state of each of `units`, in one call."""
        names = list(units)
        if not names:
            return {}
        command = ["systemctl", "show", "--timestamp=us+utc", "--property", ",".join(PROPERTIES), *names]
        blocks = _answer(command).strip("\n").split("\n\n")
        return {name: _state(name, block) for name, block in zip(names, blocks, strict=True)}

    def run(self, *words: str) -> None:
        """`systemctl WORDS`, or an error that carries what it said."""
        done = subprocess.run(["systemctl", *words], capture_output=True, text=True, errors="replace", check=False)
        if done.returncode != 0:
            raise Refused(f"systemctl {' '.join(words)}: {done.stderr.strip()}")

    def log(self, unit: str, invocation: str, lines: int) -> list[str]:
        """The last log lines of one run of `unit`."""
        return _output(
            "journalctl", "--no-pager", "--quiet", "--output=cat", f"--lines={lines}",
            f"_SYSTEMD_INVOCATION_ID={invocation}", f"_SYSTEMD_UNIT={unit}",
            "+", f"INVOCATION_ID={invocation}", f"UNIT={unit}",
        ).splitlines()  # fmt: skip

    def ending(self, unit: str, since: float, besides: str) -> str:
        """How the first run of `unit` since then ended, other than the run `besides`.

        From the journal: a unit that was restarted since no longer shows it.
        """
        # What was just said is on its way to the journal.
        _output("journalctl", "--sync")
        found = _output(
            "journalctl", "--no-pager", "--quiet", "--output=json", f"--since=@{since:.6f}",
            "_PID=1", f"UNIT={unit}", f"MESSAGE_ID={PROCESS_EXIT}",
        )  # fmt: skip
        entries = (json.loads(line) for line in found.splitlines())
        endings = (e["MESSAGE"] for e in entries if e.get("INVOCATION_ID") != besides)
        return next(endings, "").removeprefix(f"{unit}: ")

    def list(self, pattern: str) -> set[str]:
        """Units that match: those systemd has in memory and those enabled on disk."""
        listing = "--no-legend", "--plain", "--all", pattern
        loaded = _output("systemctl", "list-units", *listing)
        on_disk = _output("systemctl", "list-unit-files", "--no-legend", pattern)
        return {line.split()[0] for line in (loaded + on_disk).splitlines() if line.strip()}


def reread(manager: Manager, units: Iterable[str]) -> None:
    """Has systemd read its units anew (daemon-reload).

    An instance that was started between the change of a file and this runs the older text, which
    the times of both do not tell. While systemd can still tell it, the file is marked as written now.
    """
    for state in manager.states(units).values():
        if state.needs_reload and state.files:
            with contextlib.suppress(FileNotFoundError):
                os.utime(state.files[0])
    manager.run("daemon-reload")


def start_transient(name: str, options: Iterable[str], *words: str) -> None:
    """Has systemd run `genconf-host WORDS` as the unit `name`, by systemd-run(1)."""
    run_transient(name, options, PROGRAM, *words)


def run_transient(name: str, options: Iterable[str], *command: str) -> None:
    """Has systemd run a command as the unit `name`, by systemd-run(1)."""
    words = ["systemd-run", "--quiet", f"--unit={name}", *options, *command]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise Refused(done.stderr.strip())


def _answer(command: list[str]) -> str:
    """What a command prints. One that fails is asked again: a failure tells nothing of a unit."""
    for _ in range(TRIES - 1):
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode == 0:
            return done.stdout
        time.sleep(PAUSE)
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise Refused(f"{' '.join(command[:2])}: {done.stderr.strip()}")
    return done.stdout


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout


def _state(unit: str, block: str) -> State:
    shown = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    paths = [shown.get("FragmentPath", ""), *shown.get("DropInPaths", "").split()]
    listens = (line.removeprefix("Listen=") for line in block.splitlines() if line.startswith("Listen="))
    users = f"{shown.get('RequiredBy', '')} {shown.get('Triggers', '')}".split()
    return State(
        unit=unit,
        kind=shown.get("Type", ""),
        load=shown.get("LoadState", ""),
        active=shown.get("ActiveState", ""),
        sub=shown.get("SubState", ""),
        enabled=shown.get("UnitFileState", ""),
        files=tuple(path for path in paths if path.startswith(WRITTEN)),
        invocation=shown.get("InvocationID", ""),
        changed_at=_seconds(shown.get("StateChangeTimestamp", "")),
        active_since=_seconds(shown.get("ActiveEnterTimestamp", "")),
        started_at=_seconds(shown.get("ExecMainStartTimestamp", "")),
        result=shown.get("Result", ""),
        pid=_number(shown.get("MainPID")) or 0,
        restarts=_number(shown.get("NRestarts")) or 0,
        exit_code=_number(shown.get("ExecMainCode")) or 0,
        exit_status=_number(shown.get("ExecMainStatus")) or 0,
        memory=_number(shown.get("MemoryCurrent")),
        # With its kind behind it: `192.168.56.11:8082 (Stream)`.
        listens=" ".join(line.rpartition(" (")[0] for line in listens),
        users=tuple(sorted({user for user in users if user.endswith(".service")})),
        needs_reload=shown.get("NeedDaemonReload") == "yes",
    )


def _number(text: str | None) -> int | None:
    # "[not set]" without accounting; 2^64-1 is how older versions spell the same.
    number = int(text) if text and text.isdigit() else None
    return None if number == 2**64 - 1 else number


def _seconds(timestamp: str) -> float:
    if not timestamp or timestamp == "n/a":
        return 0.0
    moment = datetime.strptime(timestamp, "%a %Y-%m-%d %H:%M:%S.%f UTC")
    return moment.replace(tzinfo=UTC).timestamp()
