"""The rendered nginx.conf and other proxies in front of the same four instances."""

import os
import shutil
import tempfile

from measure import ProcessorSide, Row, Side
from room import Room

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
RANDOMS = os.path.join(TARGET, "release", "randoms")
RENDERED = os.path.join(ROOT, "nginx", "edge", "nginx.conf")
PEERS = os.path.join(HERE, "peers")
SPREAD = (8082, 8083, 8084, 8085)
PATH = "/api/randoms/?cant=10"


def start_nginx(room, conf, work):
    """Starts nginx as configured; only paths and user are set here. Returns the master process."""
    place = tempfile.mkdtemp(dir=work)
    shutil.copy(conf, os.path.join(place, "nginx.conf"))
    shutil.copy("/etc/nginx/mime.types", place)
    return room.start(["nginx", "-p", place, "-c", os.path.join(place, "nginx.conf"),
                       "-e", "/var/log/nginx/error.log", "-g", "daemon off; user root;"])


class Stack:
    """Four instances of the server and every proxy that is measured in front of them."""

    def __init__(self, work):
        self.room = Room(work)
        self.room.make_service_directories("randoms")
        for port in SPREAD:
            self.room.start([RANDOMS, "--port", port])
        for port in SPREAD:
            self.room.wait(f"http://127.0.0.1:{port}/info")
        start_nginx(self.room, os.path.join(PEERS, "nginx.conf"), work)
        self.room.start(["haproxy", "-f", os.path.join(PEERS, "haproxy.cfg")])
        self.minimal = start_nginx(self.room, os.path.join(PEERS, "minimal-nginx.conf"), work)
        self.rendered = start_nginx(self.room, RENDERED, work)
        for port in (80, 8070, 8080, 8090):
            self.room.wait(f"http://127.0.0.1:{port}{PATH}")

    def side(self, name, port, method="GET"):
        """A proxy by its port."""
        return Side(f"{name}, {method}", self.room, f"http://127.0.0.1:{port}{PATH}", method=method)

    def rate_rows(self):
        """Requests a second through the rendered nginx.conf and its peers."""
        get, post = (self.side("rendered nginx.conf", 80, method) for method in ("GET", "POST"))
        return [
            Row(get.name, 0.9, (get, self.side("HAProxy", 8090))),
            Row(get.name, 2.5, (get, self.side("the tutorial's nginx.conf", 8080))),
            Row(post.name, 0.9, (post, get)),
            Row(post.name, 0.9, (post, self.side("HAProxy", 8090, "POST"))),
            Row(post.name, 2, (post, self.side("the tutorial's nginx.conf", 8080, "POST"))),
        ]

    def processor_rows(self):
        """nginx's own processor time a request, rendered and minimal."""
        def side(name, master, port, method):
            url = f"http://127.0.0.1:{port}{PATH}"
            return ProcessorSide(name, self.room, url, master, method)

        return [
            Row(method, 1.1, (side("rendered nginx.conf", self.rendered, 80, method),
                              side("minimal nginx.conf", self.minimal, 8070, method)))
            for method in ("GET", "POST")
        ]

    def count_waiting(self, port):
        """Sockets in TIME_WAIT once the proxy on a port has been under load."""
        self.side("proxy", port).rate(64)
        return self.room.count_time_wait()

    def close(self):
        """Ends everything."""
        self.room.close()
