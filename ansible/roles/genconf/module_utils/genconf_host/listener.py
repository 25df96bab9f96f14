"""List the listening sockets of this host and their processes, with ss(8)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

# Addresses that stand for all of a host's.
ANY = ("0.0.0.0", "[::]", "*")


@dataclass(frozen=True)
class Listener:
    """A process that accepts connections at an address or a path."""

    address: str
    pid: int
    program: str

    def __str__(self) -> str:
        if self.pid == 1:
            return f"{self.address} is in use by a systemd socket (systemctl list-sockets)"
        return f"{self.address} is in use by {self.program} (PID {self.pid})"


def listeners() -> list[Listener]:
    """All of them, as far as they can be told; none where there is no ss."""
    try:
        said = subprocess.run(["ss", "-Hltxnp"], capture_output=True, text=True, errors="replace", check=False).stdout
    except FileNotFoundError:
        return []
    return [found for line in said.splitlines() for found in _read(line)]


def at(addresses: Iterable[str]) -> list[Listener]:
    """Those in whose way a socket on one of `addresses` would be."""
    wanted = list(addresses)
    found = listeners() if wanted else []
    return [held for held in found if any(overlap(held.address, address) for address in wanted)]


def is_lost(addresses: Iterable[str]) -> bool:
    """Whether systemd itself does not listen at one of them, as far as that can be told.

    It lets go of a socket without a word when its unit says another address at a daemon-reload; what
    it has started by then goes on accepting there, but nothing that is started later.
    """
    wanted = list(addresses)
    found = [held.address for held in listeners() if held.pid == 1] if wanted else []
    return bool(found) and not all(any(overlap(one, other) for one in found) for other in wanted)


def overlap(one: str, other: str) -> bool:
    """Whether two sockets cannot listen at these at the same time."""
    if one == other:
        return True
    (host, _, port), (other_host, _, other_port) = one.rpartition(":"), other.rpartition(":")
    return port == other_port and (host in ANY or other_host in ANY)


def _read(line: str) -> list[Listener]:
    """`tcp LISTEN 0 4096 127.0.0.1:8082 0.0.0.0:* users:(("randoms",pid=7,fd=3))`, or a path."""
    words = line.split()
    if len(words) < 5 or words[1] != "LISTEN":
        return []
    holders = re.findall(r'\("([^"]*)",pid=(\d+)', line) or [("a process of another namespace", "0")]
    # Without the interface of a link's own address, which systemd does not tell either.
    address = re.sub(r"%[^\]:]+", "", words[4])
    return [Listener(address, int(pid), program) for program, pid in dict.fromkeys(holders)]
