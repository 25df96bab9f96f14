"""Settings of a process that must not depend on the host."""

from __future__ import annotations

import os


def normalize() -> None:
    """Files get the modes that they are created with, and programs print what this package reads."""
    os.umask(0o022)
    os.environ["LC_ALL"] = "C.UTF-8"
