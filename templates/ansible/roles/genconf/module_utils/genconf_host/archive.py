"""Unpack an artifact that is an archive, with tar(1).

Every user can read the files and only root can write them, regardless of the modes in the archive:
DynamicUser= runs the app as a temporary user.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

# Nothing of these comes from who packed it.
OPTIONS = ["--no-same-owner", "--no-same-permissions"]


class Unusable(Exception):
    """An archive that cannot be a release. The message says why."""


def unpack(archive: Path, folder: Path, main: str) -> None:
    """Puts what is in `archive` into `folder`, where `main` is then a file that can be run."""
    command = ["tar", "--extract", "--file", str(archive), "--directory", str(folder), *OPTIONS]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise Unusable(f"tar could not extract it: {done.stderr.strip()}")
    for path in _files(folder):
        _open_up(path)
    program = (folder / main).resolve()
    if not program.is_relative_to(folder.resolve()):
        raise Unusable(f"{main} is a link to {program}, outside of the archive")
    if not program.is_file():
        held = ", ".join(sorted(path.name for path in folder.iterdir())[:10]) or "nothing"
        raise Unusable(f"{main} is not in the archive; found: {held}")
    # Resolved: chmod(2) follows links.
    program.chmod(0o755)


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(parent) / name


def _open_up(path: Path) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise Unusable(f"{path.name} is not a file or a directory")
    path.chmod(0o755 if stat.S_ISDIR(mode) or mode & 0o111 else 0o644)
