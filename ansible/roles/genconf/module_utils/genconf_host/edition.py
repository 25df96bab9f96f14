"""Compute the digest of this package."""

from __future__ import annotations

import hashlib
from pathlib import Path


def edition(folder: Path) -> str:
    """SHA-256 of the package in `folder`, in hexadecimal."""
    sha256 = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        sha256.update(f"{file.name} {file.stat().st_size}\n".encode() + file.read_bytes())
    return sha256.hexdigest()
