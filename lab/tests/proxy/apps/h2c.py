"""An ASGI application that runs with hypercorn, which supports upgrades to h2c."""

import json


async def app(scope, receive, send):
    """Responds with the HTTP version and the headers of the request."""
    if scope["type"] != "http":
        return
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    body = json.dumps({"version": scope["http_version"], "headers": headers}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
