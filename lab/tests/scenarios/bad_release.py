#!/usr/bin/python3
"""A release that answers right and is bad all the same.

The first lines of a copy say how: the status of its health path, and after how
many seconds it dies (0: never).
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


def tell(state):
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

    def log_message(self, *words):
        pass


def stop(*_):
    STOPPING.set()
    threading.Thread(target=SERVER.shutdown).start()


def live():
    start = time.monotonic()
    while True:
        tell(b"WATCHDOG=1")
        time.sleep(0.2)
        if LIFE and time.monotonic() - start > LIFE:
            os._exit(3)


# The unit lets nobody make a socket of another family, not even to throw it away.
ThreadingHTTPServer.address_family = socket.AF_UNIX
SERVER = ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
SERVER.socket.close()
SERVER.socket = socket.socket(fileno=3)
signal.signal(signal.SIGTERM, stop)
threading.Thread(target=live, daemon=True).start()
tell(b"READY=1")
SERVER.serve_forever(poll_interval=0.02)
time.sleep(0.3)
os._exit(0)
