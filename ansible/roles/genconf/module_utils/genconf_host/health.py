"""Check the health of an instance: one GET with the configured Host header, and the expected status.

Redirects are not followed: an instance that HAProxy considers unhealthy must not pass a deploy.
"""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

# Longer than any honest health page, short enough to be asked again within the deadline.
PATIENCE = 2.0

# Host header and status codes of a check that names neither: a status page of a proxy.
HOST = "localhost"
STATUS = "200-299"


@dataclass(frozen=True)
class Check:
    """What is requested, and which response is healthy.

    The URL is `http://HOST:PORT/PATH`, or `http+unix://SOCKET:PATH`; the status is codes and ranges
    as HAProxy writes them: `200-299,401`.
    """

    url: str
    host: str = HOST
    status: str = STATUS

    def allows(self, status: int) -> bool:
        """Whether a response with this status is healthy."""
        ends = (part.partition("-") for part in self.status.split(","))
        return any(int(first) <= status <= int(last or first) for first, _, last in ends)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP on a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def probe(check: Check, timeout: float = PATIENCE) -> str | None:
    """Why what `check` requests is not healthy, or None when it is."""
    connection, path = _open(check.url, timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close", "Host": check.host})
        response = connection.getresponse()
        body = response.read(200).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"GET {check.url}: {error or type(error).__name__}"
    finally:
        connection.close()
    if check.allows(response.status):
        return None
    answer = f"{response.status} {response.reason} {body!r}"
    return f"GET {check.url}: {answer}, expected {check.status} for Host {check.host}"


def _open(url: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    if url.startswith("http+unix://"):
        where, _, path = url.removeprefix("http+unix://").rpartition(":")
        return _UnixConnection(where, timeout), path
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout), path
