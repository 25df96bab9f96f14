"""Define a step that changes the units of a host, and its report."""

from __future__ import annotations

from dataclasses import dataclass, field

from .description import Host
from .systemd import Manager


@dataclass
class Step:
    """One step on one host. With `dry`, says what it would do and does nothing."""

    host: Host
    manager: Manager
    dry: bool
    log: list[str] = field(default_factory=list)

    def do(self, *words: str) -> None:
        """`systemctl WORDS`."""
        self.log.append(" ".join(words))
        if not self.dry:
            self.manager.run(*words)
