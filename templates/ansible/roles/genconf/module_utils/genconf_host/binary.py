"""Install genconf-host, the program of the monitor."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from . import files
from .store import sha256_of

PATH = Path("/usr/local/lib/genconf/genconf-host")


def digest() -> str:
    """SHA-256 of the installed program; empty if there is none."""
    return sha256_of(PATH) if PATH.is_file() else ""


def machine() -> str:
    """Architecture of this host, as uname(2) names it: `x86_64`."""
    return os.uname().machine


def install(uploaded: Path, sha256: str) -> None:
    """Replaces the program with an uploaded file. A process that runs it keeps the old one."""
    if (arrived := sha256_of(uploaded)) != sha256:
        raise files.Refused(f"{PATH}: digest mismatch: expected {sha256}, found {arrived}")
    PATH.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = PATH.with_name(f".{PATH.name}.fresh")
    try:
        shutil.copyfile(uploaded, fresh)
        fresh.chmod(0o755)
        files.sync(fresh)
        fresh.rename(PATH)
        files.sync(PATH.parent)
    finally:
        fresh.unlink(missing_ok=True)
