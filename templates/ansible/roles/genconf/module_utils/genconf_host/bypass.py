"""Take another host out of rotation on a proxy of this host, and return it.

The servers of that host are marked in the configuration of the proxy, and the proxy reloads. A mark that
a killed run left is removed by the next run that takes any host out of rotation, so at most one host is
out. Until then `status` reports the file as modified, and `site.yml` restores it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from . import description, files, lease
from .description import Host, Proxy
from .health import Check, probe
from .question import Question
from .systemd import Manager, Refused, Systemctl

# The words that take a server out (nginx.org: ngx_http_upstream_module; HAProxy's manual, 5.2). One
# that is a backup still serves should all others be lost meanwhile, but nginx knows none where a
# client's address or chance picks the server.
BACKUP = " backup"
DOWN = " down"
PICKED = re.compile(r"^\s*(?:ip_hash|random)\b", re.MULTILINE)
# Only servers of pools that have others elsewhere are written with their host behind them.
# A pool in a configuration, from its first line to the next pool's.
POOL = re.compile(r"^(?=\s*(?:upstream|backend) )", re.MULTILINE)
SERVER = re.compile(
    rf"^(?P<server>\s+server [^#;]*?)(?:{BACKUP}|{DOWN})?(?P<end>;? # (?P<host>[a-z0-9.-]+))$",
    re.MULTILINE,
)


def bypass(
    host: Host, manager: Manager, other: str | None, is_healthy: Callable[[str], bool]
) -> list[str]:
    """Takes the servers of the host `other` out of every proxy here, and puts all others in.

    Not where nobody else could take over: a host that is left out of a run may be a host that is
    down. Nor where the configuration is not in use yet: what it describes may not run yet either.
    Says which proxies were reloaded.
    """
    reloaded = []
    for proxy in host.proxies:
        if other and files.written(proxy.destination) > manager.states([proxy.unit])[proxy.unit].changed_at:
            continue
        before = proxy.destination.read_text()
        after = marked(before, other if can_spare(before, proxy, other, is_healthy) else None)
        if after != before:
            files.write(files.File(proxy.destination, after))
            manager.run("reload", proxy.unit)
            reloaded.append(proxy.unit)
    return reloaded


def can_spare(text: str, proxy: Proxy, other: str | None, is_healthy: Callable[[str], bool]) -> bool:
    """Whether each pool with servers of `other` has one elsewhere that `is_healthy`."""
    for pool in POOL.split(text):
        servers = [(found["host"], found["server"].split()) for found in SERVER.finditer(pool)]
        # The address is the word after the server's name, which nginx's servers do not have.
        place = 2 if proxy.engine == "haproxy" else 1
        rest = [words[place] for host, words in servers if host != other]
        if len(rest) < len(servers) and not any(is_healthy(address) for address in rest):
            return False
    return True


def health_by(checks: Iterable[Check]) -> Callable[[str], bool]:
    """Tells of an address whether what one of `checks` requests there is healthy.

    A connection would not do: systemd takes it while the instance behind its socket is broken.
    """
    known = {urlsplit(check.url).netloc: check for check in checks}
    return lambda address: address in known and probe(known[address]) is None


def marked(text: str, other: str | None) -> str:
    """A proxy's configuration in which the servers of `other`, and no others, are taken out."""
    return "".join(_marked_pool(pool, other) for pool in POOL.split(text))


def _marked_pool(pool: str, other: str | None) -> str:
    mark = DOWN if PICKED.search(pool) else BACKUP

    def line(found: re.Match[str]) -> str:
        return found["server"] + (mark if found["host"] == other else "") + found["end"]

    return SERVER.sub(line, pool)


def _answer(params: dict[str, Any], dry: bool) -> dict[str, Any]:
    host, reloaded = description.read(params["host"]), []
    try:
        if not dry:
            checks = [Check(**raw) for raw in params["health"]]
            other = params["other"] if params["state"] == "bypassed" else None
            with lease.turn(host.project):
                reloaded = bypass(host, Systemctl(), other, health_by(checks))
    except (OSError, Refused, lease.Held) as error:
        return {"failed": True, "msg": f"{host.name}: {error}"}
    # It is over when the run is, so it is no change to the host.
    return {"changed": False, "reloaded": reloaded}


QUESTION = Question(
    {
        "host": {"type": "dict", "required": True},
        "other": {"type": "str", "required": True},
        "state": {"type": "str", "required": True, "choices": ["bypassed", "served"]},
        "health": {"type": "list", "elements": "dict", "default": []},
    },
    _answer,
)
