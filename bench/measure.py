"""One comparison: two sides measured in turn, and the median of their ratios."""

import json
import os
import re
import statistics
import time

from namespace import child_pids, cpu_seconds

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 5
SECONDS = 2


class Side:
    """An HTTP server at a URL in a namespace."""

    def __init__(self, name, namespace, url, core=None, method="GET"):
        self.name = name
        self.namespace = namespace
        self.url = url
        self.core = core
        self.options = [] if method == "GET" else ["-s", os.path.join(HERE, f"{method.lower()}.lua")]

    def load(self, connections, seconds):
        """Runs wrk and returns its output."""
        output = self.namespace.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", *self.options,
             self.url],
            self.core)
        if "Non-2xx" in output:
            raise SystemExit(f"bench: {self.name} returned errors:\n{output}")
        return output

    def rate(self, connections, seconds=SECONDS):
        """Returns the requests per second under wrk."""
        output = self.load(connections, seconds)
        return float(re.search(r"^Requests/sec: +([0-9.]+)$", output, re.M)[1])


class CpuTimeSide(Side):
    """An nginx whose CPU time per request is measured instead of the rate."""

    def __init__(self, name, namespace, url, master, method="GET"):
        super().__init__(name, namespace, url, method=method)
        self.master = master

    def rate(self, connections, seconds=SECONDS):
        """Returns the CPU time per request in microseconds, user and system, of all workers."""
        workers = child_pids(self.master.pid)
        if not workers:
            raise SystemExit(f"bench: {self.name} has no worker processes")
        before = cpu_seconds(workers)
        output = self.load(connections, seconds)
        spent = cpu_seconds(workers) - before
        requests = int(re.search(r"^ *([0-9]+) requests in ", output, re.M)[1])
        return spent / requests * 1e6


class SlowSide(Side):
    """A slow server, for which single requests are timed."""

    REQUESTS = 2

    def rate(self, connections, seconds=SECONDS):
        started = time.monotonic()
        for _ in range(self.REQUESTS):
            self.namespace.get(self.url)
        return self.REQUESTS / (time.monotonic() - started)


class Row:
    """A comparison of two sides, with its goal and its measurements."""

    def __init__(self, title, goal, sides, connections=64):
        self.title = title
        self.goal = goal
        self.left, self.right = sides
        self.connections = connections
        self.rates = []

    def measure(self, seconds=SECONDS):
        """Measures both sides in turn; the order alternates."""
        for number in range(ROUNDS):
            sides = [self.left, self.right]
            if number % 2:
                sides.reverse()
            rates = {side: side.rate(self.connections, seconds) for side in sides}
            self.rates.append((rates[self.left], rates[self.right]))
        return self

    def medians(self):
        """Returns the median rate of each side."""
        return tuple(statistics.median(rate) for rate in zip(*self.rates))

    def ratio(self):
        """Returns the median of the ratios of the rounds."""
        return statistics.median(left / right for left, right in self.rates)


def send_million_requests(side):
    """Sends requests until the server has counted a million."""
    url = side.url.split("/info")[0] + "/info"
    while json.loads(side.namespace.get(url))["requests"] < 1_000_000:
        side.namespace.run(["wrk", "-t1", "-c64", "-d3s", url], side.core)
