"""Apply kernel settings of a sysctl.d file without a reboot.

systemd-sysctl applies them at boot. Here only the keys of this file are set, so that other settings that
an administrator has set manually are kept.
"""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc/sys")
# sysctl.d(5): the later name wins, and of one name the file in the first folder.
FOLDERS = tuple(map(Path, ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")))


def settings(text: str) -> dict[str, str]:
    """The keys of a file with their values."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line and line[0] not in "#;")
    return {_key(key): value.strip() for key, _, value in pairs}


def pending(file: Path) -> dict[str, str]:
    """Settings of `file` that the kernel does not have."""
    return {key: value for key, value in settings(_text(file)).items() if _text(_place(key)).strip() != value}


def overriding(file: Path, key: str, value: str) -> Path | None:
    """The file after `file` that sets `key` to something else than `value`, and so wins at boot."""
    by_name: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in folder.glob("*.conf"):
            by_name.setdefault(path.name, path)
    later = (path for name, path in sorted(by_name.items(), reverse=True) if name > file.name)
    last = next((path for path in later if key in settings(_text(path))), None)
    return last if last and settings(_text(last))[key] != value else None


def put(key: str, value: str, *, dry: bool) -> str | None:
    """Sets `key`. Why that cannot be done, or None; with `dry`, as far as it can be foreseen."""
    place = _place(key)
    try:
        if not dry:
            place.write_text(f"{value}\n")
        elif not os.access(place, os.W_OK):
            return "is not writable"
    except OSError as error:
        return error.strerror or str(error)
    return None


def _key(written: str) -> str:
    """`-net/ipv4/x` is `net.ipv4.x` whose failure does not matter."""
    return written.strip().removeprefix("-").replace("/", ".")


def _place(key: str) -> Path:
    return PROC / key.replace(".", "/")


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
