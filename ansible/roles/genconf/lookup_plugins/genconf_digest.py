"""Compute the SHA-256 digests of files on the controller."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

DOCUMENTATION = r"""
name: genconf_digest
short_description: SHA-256 of files, in hexadecimal; empty for a file that cannot be read
description:
  - Returns one digest for each path.
options:
  _terms: {description: Paths, required: true}
"""


class LookupModule(LookupBase):
    """A module run for it on this machine would cost half a second of every deploy."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **_: object) -> list[str]:
        """One digest for each path."""
        return [digest(Path(term)) for term in terms]


def digest(path: Path) -> str:
    """Of the content; a refusal that names the artifact comes from the host that lacks it."""
    sha256 = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                sha256.update(piece)
    except OSError:
        return ""
    return sha256.hexdigest()
