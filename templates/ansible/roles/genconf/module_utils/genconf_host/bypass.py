"""Lets a proxy of this host send nothing to another host, and again as described.

A mark on each server of that host in the proxy's own configuration, and a reload. A mark that a
killed run left behind is removed by the next bypass of whatever host, so that never more than one
is left out; until then the file is not as described, which `status` tells and `site.yml` mends.
"""

from __future__ import annotations

import re

from . import files
from .description import Host, Proxy
from .systemd import Manager

# The word that takes a server out (nginx.org: ngx_http_upstream_module; HAProxy's manual, 5.2).
MARKS = {"nginx": " down", "haproxy": " disabled"}
# Only servers of pools that have others elsewhere are written with their host behind them.
SERVER = r"^(?P<server>\s+server [^#;]*?)(?:{mark})?(?P<end>;? # (?P<host>[a-z0-9-]+))$"


def bypass(host: Host, manager: Manager, other: str | None) -> list[str]:
    """Takes the servers of the host `other` out of every proxy here, and puts all others in.

    Says which proxies were reloaded.
    """
    reloaded = []
    for proxy in host.proxies:
        before = proxy.destination.read_text()
        after = marked(before, proxy, other)
        if after != before:
            files.write(files.File(proxy.destination, after))
            manager.run("reload", proxy.unit)
            reloaded.append(proxy.unit)
    return reloaded


def marked(text: str, proxy: Proxy, other: str | None) -> str:
    """A proxy's configuration in which the servers of `other`, and no others, are taken out."""
    mark = MARKS[proxy.engine]

    def line(found: re.Match[str]) -> str:
        return found["server"] + (mark if found["host"] == other else "") + found["end"]

    return re.sub(SERVER.format(mark=mark), line, text, flags=re.MULTILINE)
