"""List unmanaged units: units of this project that are not in the desired state."""

from __future__ import annotations

from pathlib import Path

from . import files, relay
from .description import Host
from .systemd import Manager, State


def strangers(host: Host, manager: Manager) -> list[State]:
    """Those that are up, on their way, or would be at the next boot; each with its state."""
    listed = manager.list(f"{host.project}-*") | manager.list(f"{host.project}.*")
    others = {unit for unit in listed if unit not in host.unit_names and "@." not in unit}
    states = manager.states(sorted(others)).values()
    return [state for state in states if _is_ours(host.project, state)]


def _is_ours(project: str, state: State) -> bool:
    if state.is_idle and not state.is_enabled:
        return False
    # A relay is written by systemd itself. Its service ends with its last connection.
    written = any(files.owner(Path(file)) == project for file in state.files)
    return written or relay.is_socket(project, state.unit)
