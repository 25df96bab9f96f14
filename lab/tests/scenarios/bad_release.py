#!/usr/bin/python3
"""A bad release: a server with valid responses that is unhealthy or crashes.

Two constants are inserted before it is deployed. HEALTH: status of the health check.
LIFETIME: seconds until the process exits with an error, or 0 for no limit.
"""

import json
import os
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

STOPPING = threading.Event()


def notify(state):
    address = os.environ["NOTIFY_SOCKET"]
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(state, address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        status = HEALTH if url.path == "/health" else 200
        cant = int(parse_qs(url.query).get("cant", ["0"])[0])
        body = json.dumps({"1": cant}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-served-by", os.environ["GENCONF_INSTANCE"])
        if STOPPING.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *arguments):
        pass


def stop(*_):
    STOPPING.set()
    threading.Thread(target=SERVER.shutdown).start()


def run_watchdog():
    start = time.monotonic()
    while True:
        notify(b"WATCHDOG=1")
        time.sleep(0.2)
        if LIFETIME and time.monotonic() - start > LIFETIME:
            os._exit(3)


# The unit allows only AF_UNIX sockets, and the constructor creates one that is not used.
ThreadingHTTPServer.address_family = socket.AF_UNIX
SERVER = ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
SERVER.socket.close()
SERVER.socket = socket.socket(fileno=3)
signal.signal(signal.SIGTERM, stop)
threading.Thread(target=run_watchdog, daemon=True).start()
notify(b"READY=1")
SERVER.serve_forever(poll_interval=0.02)
time.sleep(0.3)
os._exit(0)
