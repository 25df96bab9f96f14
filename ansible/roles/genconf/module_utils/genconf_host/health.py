"""Does this instance answer? One GET, judged by its status alone."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import urlsplit

# Longer than any honest health page, short enough to be asked again within the deadline.
PATIENCE = 2.0


class _UnixConnection(http.client.HTTPConnection):
    """HTTP on a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def probe(url: str, timeout: float = PATIENCE) -> str | None:
    """Why `url` is not healthy, or None when it is.

    `http://HOST:PORT/PATH`, or `http+unix://SOCKET:PATH`.
    """
    connection, path = _open(url, timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(200).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"GET {url}: {error or type(error).__name__}"
    finally:
        connection.close()
    if 200 <= response.status < 400:
        return None
    return f"GET {url}: {response.status} {response.reason} {body!r}"


def _open(url: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    if url.startswith("http+unix://"):
        where, _, path = url.removeprefix("http+unix://").rpartition(":")
        return _UnixConnection(where, timeout), path
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout), path
