"""Write files atomically, compare them, and remove those that genconf wrote."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ETC = Path("/etc")
UNITS = Path("/etc/systemd/system")
LOGROTATE = Path("/etc/logrotate.d")
SYSCTL = Path("/etc/sysctl.d")
BANNER = "Written by genconf for "


class Refused(Exception):
    """A file that may not be replaced."""


@dataclass(frozen=True)
class File:
    """A file as it should be. `check` is handed its content in a file beside it, and may raise."""

    path: Path
    content: str
    mode: int = 0o644
    check: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class Change:
    """One file that differs from what it should be; `after` is empty when it goes."""

    path: Path
    before: str
    after: str

    def as_diff(self) -> dict[str, str]:
        """In the form Ansible prints."""
        header = {"before_header": str(self.path), "after_header": str(self.path)}
        return {"before": self.before, "after": self.after, **header}


def differing(files: Iterable[File]) -> list[File]:
    """Those that are not on disk as they should be."""
    return [file for file in files if not _is_as_described(file)]


def change(file: File) -> Change:
    """What writing `file` would change."""
    return Change(file.path, _text(file.path), file.content)


def write(file: File) -> None:
    """Puts `file` in place, all of it or none, once its check accepts it.

    A unit that says the same in other comments keeps the time at which it was written: by that time
    it is known what runs something older, and nothing does.
    """
    _refuse_another_s(file)
    since = file.path.stat().st_mtime_ns if _says_the_same(file) else None
    file.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    # Beside its destination, so that relative paths inside it mean the same and rename is atomic.
    fresh = file.path.with_name(f".{file.path.name}.fresh")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, file.mode)
        with os.fdopen(descriptor, "w", errors="surrogateescape") as handle:
            handle.write(file.content)
            handle.flush()
            os.fchmod(handle.fileno(), file.mode)
            os.fsync(handle.fileno())
        if file.check:
            file.check(fresh)
        if since is not None:
            os.utime(fresh, ns=(since, since))
        fresh.rename(file.path)
    finally:
        fresh.unlink(missing_ok=True)


def is_unit(path: Path) -> bool:
    """Whether systemd reads it: a unit, or a drop-in of one."""
    return UNITS in (path.parent, path.parent.parent)


def _says_the_same(file: File) -> bool:
    if not is_unit(file.path) or not file.path.exists():
        return False
    return _statements(_text(file.path)) == _statements(file.content)


def _statements(unit: str) -> list[str]:
    """What a unit says without its comments, systemd.syntax(7)."""
    lines = (line.strip() for line in unit.splitlines())
    return [line for line in lines if line and line[0] not in "#;"]


def _refuse_another_s(file: File) -> None:
    """In a folder that all projects of a host share, two may want a file of the same name."""
    if file.path.parent not in (UNITS, LOGROTATE, SYSCTL) or not file.path.exists():
        return
    whose = owner(file.path)
    if whose is None or whose != _owner_of(file.content):
        told = f"belongs to the project {whose}" if whose else "exists and was not written by genconf"
        raise Refused(f"{file.path} {told}: move it, or rename this project")


def record(project: str, files: Iterable[File]) -> File:
    """What was written for `project`, by digest, for `altered` to compare with."""
    digests = {str(file.path): _digest(file.content) for file in files}
    return File(_record(project), json.dumps(digests, indent=2, sort_keys=True) + "\n")


def altered(project: str) -> dict[Path, str]:
    """Files that are `missing` or were `modified` since genconf wrote them."""
    states = {}
    for name, digest in json.loads(_text(_record(project)) or "{}").items():
        path = Path(name)
        if not path.exists():
            states[path] = "missing"
        elif _digest(_text(path)) != digest:
            states[path] = "modified"
    return states


def owner(path: Path) -> str | None:
    """The project whose banner `path` bears, if any."""
    return _owner_of(_text(path))


def _owner_of(text: str) -> str | None:
    for line in text.splitlines()[:5]:
        _, found, rest = line.partition(BANNER)
        if found and rest.split():
            return rest.split()[0].rstrip(".,:;")
    return None


def orphans(project: str, described: set[Path]) -> list[Path]:
    """Files that genconf wrote for `project` and that are no longer described."""
    beside = (*(ETC / project).glob("*/*"), *(ETC / project).glob("*.env"))
    units = (*UNITS.glob(f"{project}[-.@]*"), *UNITS.glob(f"{project}[-.@]*.d/*"))
    # Of logrotate's, from before rotation had a timer of its own.
    shared = [LOGROTATE / project, *SYSCTL.glob(f"60-{project}-*.conf")]
    candidates = [path for path in (*units, *beside, *shared) if path.is_file() and not path.is_symlink()]
    return [path for path in sorted(candidates) if path not in described and owner(path) == project]


def closed(folders: Iterable[Path]) -> list[Path]:
    """Folders that not everybody may enter, as a run with another umask(2) left them: units run as
    other users."""
    real = (folder for folder in dict.fromkeys(folders) if folder.is_dir() and not folder.is_symlink())
    return [folder for folder in real if folder.stat().st_mode & 0o755 != 0o755]


def misleading(project: str, units: Iterable[str], described: set[Path]) -> list[Path]:
    """Drop-ins among the orphans whose units are still described, and would be led by them."""
    folders = {f"{unit}.d" for unit in units}
    return [path for path in orphans(project, described) if path.parent.name in folders]


def remove(path: Path) -> None:
    """Removes a file, and its folder if that leaves it empty and it was made for such files."""
    path.unlink(missing_ok=True)
    if path.parent not in (UNITS, LOGROTATE, SYSCTL) and not any(path.parent.iterdir()):
        path.parent.rmdir()


def written(path: Path) -> float:
    """When `path` was last written, in seconds since 1970; 0 for never. Links are not followed."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def newest(paths: Iterable[str | Path]) -> float:
    """When the youngest of them was written; 0 if none is there."""
    return max((written(Path(path)) for path in paths), default=0.0)


def sync(path: Path) -> None:
    """What was written to a file or a folder is on disk, fsync(2)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _record(project: str) -> Path:
    return ETC / project / "files.json"


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _is_as_described(file: File) -> bool:
    try:
        return _text(file.path) == file.content and file.path.stat().st_mode & 0o7777 == file.mode
    except FileNotFoundError:
        return False


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
