"""Check a configuration with its engine before it replaces the configuration in use.

The check runs where /run, /var/cache, and /var/log are empty and private. `nginx -t` opens each log and
the pid file as root, and the proxy, which does not run as root, could not write to files created that
way. Directories and credentials that the proxy's unit passes to it are created there first.

The check runs in a private network namespace, where it can listen on any address: `nginx -t` binds the
addresses of the configuration, and this host may have one of them only at times. A configuration that
fails there is checked again in the host's network, where host names can be resolved.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from .description import Proxy

# $1 is the file, $2 the folder for credentials, $3 and $4 the credentials or nothing, the rest are
# folders that the proxy's unit would have made.
_APART = (
    "for folder in /run /var/cache /var/log; do mount -t tmpfs none $folder; done; "
    'file=$1; mkdir -p "$2"; '
    '[ -z "$3" ] || { ln -s "$3" "$2/certificate"; ln -s "$4" "$2/certificate.key"; }; '
    'shift 4; mkdir -p "$@"; '
)
_ENGINES = {
    "nginx": _APART + 'exec nginx -t -q -e stderr -c "$file"',
    # BIND stands in for the sockets that systemd would hand over.
    "haproxy": _APART + 'BIND=127.0.0.1:1 exec haproxy -c -f "$file"',
}

# Without IPv6, or where /proc/sys is not to be written to, what can be done of it is done.
_ANY_ADDRESS = (
    "{ ip link set lo up; for family in /proc/sys/net/ipv[46]; do "
    'echo 1 > "$family/ip_nonlocal_bind"; done; } 2> /dev/null || true; '
)
_NETWORKS: tuple[tuple[list[str], str], ...] = ((["--net"], _ANY_ADDRESS), ([], ""))


class Refused(Exception):
    """A configuration that its engine does not accept."""


def check(proxy: Proxy, project: str, candidate: Path) -> None:
    """Raises what the engine says against `candidate`, if anything."""
    for path in (proxy.certificate, proxy.key):
        if path and not Path(path).is_file():
            raise Refused(f"{proxy.destination} requires {path}, which does not exist: install it first")
    unit = proxy.unit.removesuffix(".service")
    folders = [f"/run/{unit}", f"/var/cache/{unit}", f"/var/log/{project}/{proxy.name}"]
    credentials = [f"/run/credentials/{proxy.unit}", proxy.certificate, proxy.key]
    words = [str(candidate), *credentials, *folders]
    said = ""
    for network, prepare in _NETWORKS:
        script = ["sh", "-ec", prepare + _ENGINES[proxy.engine], "sh"]
        command = ["unshare", "--mount", *network, *script, *words]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode == 0:
            return
        said = f"{done.stdout}{done.stderr}"
    raise Refused(f"{proxy.engine} rejected {proxy.destination}:\n{said}")
