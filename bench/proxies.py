"""The rendered nginx.conf and other proxies in front of the same four instances."""

import os
import shutil
import tempfile

from measure import CpuTimeSide, Row, Side
from namespace import Namespace

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
RANDOMS = os.path.join(TARGET, "release", "randoms")
RENDERED = os.path.join(ROOT, "nginx", "edge", "nginx.conf")
PEERS = os.path.join(HERE, "peers")
SPREAD = (8082, 8083, 8084, 8085)
PATH = "/api/randoms/?cant=10"


def start_nginx(namespace, conf, work):
    """Starts nginx with `conf`, and sets only the prefix, the error log, and the user. Returns the master process."""
    prefix = tempfile.mkdtemp(dir=work)
    shutil.copy(conf, os.path.join(prefix, "nginx.conf"))
    shutil.copy("/etc/nginx/mime.types", prefix)
    return namespace.start(["nginx", "-p", prefix, "-c", os.path.join(prefix, "nginx.conf"),
                       "-e", "/var/log/nginx/error.log", "-g", "daemon off; user root;"])


class Stack:
    """Four instances of the server with all measured proxies in front of them."""

    def __init__(self, work):
        self.namespace = Namespace(work)
        self.namespace.make_service_directories("randoms")
        for port in SPREAD:
            self.namespace.start([RANDOMS, "--port", port])
        for port in SPREAD:
            self.namespace.wait(f"http://127.0.0.1:{port}/info")
        start_nginx(self.namespace, os.path.join(PEERS, "nginx.conf"), work)
        self.namespace.start(["haproxy", "-f", os.path.join(PEERS, "haproxy.cfg")])
        self.minimal = start_nginx(self.namespace, os.path.join(PEERS, "minimal-nginx.conf"), work)
        self.rendered = start_nginx(self.namespace, RENDERED, work)
        for port in (80, 8070, 8080, 8090):
            self.namespace.wait(f"http://127.0.0.1:{port}{PATH}")

    def side(self, name, port, method="GET"):
        """Returns the proxy on a port as a side of a comparison."""
        return Side(f"{name}, {method}", self.namespace, f"http://127.0.0.1:{port}{PATH}", method=method)

    def rate_rows(self):
        """Returns the rows for requests per second through the rendered nginx.conf and its references."""
        get, post = (self.side("rendered nginx.conf", 80, method) for method in ("GET", "POST"))
        return [
            Row(get.name, 0.9, (get, self.side("HAProxy", 8090))),
            Row(get.name, 2.5, (get, self.side("the tutorial's nginx.conf", 8080))),
            Row(post.name, 0.9, (post, get)),
            Row(post.name, 0.9, (post, self.side("HAProxy", 8090, "POST"))),
            Row(post.name, 2, (post, self.side("the tutorial's nginx.conf", 8080, "POST"))),
        ]

    def cpu_time_rows(self):
        """Returns the rows for nginx CPU time per request, rendered and minimal."""
        def side(name, master, port, method):
            url = f"http://127.0.0.1:{port}{PATH}"
            return CpuTimeSide(name, self.namespace, url, master, method)

        return [
            Row(method, 1.1, (side("rendered nginx.conf", self.rendered, 80, method),
                              side("minimal nginx.conf", self.minimal, 8070, method)))
            for method in ("GET", "POST")
        ]

    def count_waiting(self, port):
        """Returns the number of sockets in TIME_WAIT after load on the proxy on a port."""
        self.side("proxy", port).rate(64)
        return self.namespace.count_time_wait()

    def close(self):
        """Stops all processes."""
        self.namespace.close()
