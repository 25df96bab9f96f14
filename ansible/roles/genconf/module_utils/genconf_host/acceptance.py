"""Whether an engine accepts a configuration, asked before it takes the place of the one in use.

The engine is asked where /run and /var/log are empty and its own: `nginx -t` opens every log and
the pid file as root, and the proxy, which is not root, could not write what it leaves behind.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from .description import Proxy

# $1 is the file, the rest are folders that the proxy's unit would have made.
_APART = 'mount -t tmpfs none /run; mount -t tmpfs none /var/log; file=$1; shift; mkdir -p "$@"; '
_ENGINES = {
    "nginx": _APART + 'exec nginx -t -q -e stderr -c "$file"',
    "haproxy": _APART + 'exec haproxy -c -q -f "$file"',
}


class Refused(Exception):
    """A configuration that its engine does not accept."""


def check(proxy: Proxy, project: str, candidate: Path) -> None:
    """Raises what the engine says against `candidate`, if anything."""
    folders = [f"/run/{proxy.unit.removesuffix('.service')}", f"/var/log/{project}/{proxy.name}"]
    words = ["sh", "-ec", _ENGINES[proxy.engine], "sh", str(candidate), *folders]
    done = subprocess.run(["unshare", "--mount", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"{proxy.engine} does not accept {proxy.destination}:\n{done.stdout}{done.stderr}")
