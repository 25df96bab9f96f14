"""One measurement: two sides asked in turn, and the median of their ratios."""

import json
import os
import re
import statistics
import time

from room import child_pids, processor_seconds

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 5
SECONDS = 2


class Side:
    """Something that answers at a URL in a room."""

    def __init__(self, name, room, url, core=None, method="GET"):
        self.name = name
        self.room = room
        self.url = url
        self.core = core
        self.options = [] if method == "GET" else ["-s", os.path.join(HERE, f"{method.lower()}.lua")]

    def load(self, connections, seconds):
        """What wrk printed after loading it."""
        printed = self.room.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", *self.options,
             self.url],
            self.core)
        if "Non-2xx" in printed:
            raise SystemExit(f"bench: {self.name} gave errors:\n{printed}")
        return printed

    def rate(self, connections, seconds=SECONDS):
        """Requests a second under wrk."""
        printed = self.load(connections, seconds)
        return float(re.search(r"^Requests/sec: +([0-9.]+)$", printed, re.M)[1])


class ProcessorSide(Side):
    """An nginx of which the processor time a request is measured instead of the rate."""

    def __init__(self, name, room, url, master, method="GET"):
        super().__init__(name, room, url, method=method)
        self.master = master

    def rate(self, connections, seconds=SECONDS):
        """Microseconds of processor time a request, user and system, of all workers."""
        workers = child_pids(self.master.pid)
        if not workers:
            raise SystemExit(f"bench: {self.name} has no worker processes")
        before = processor_seconds(workers)
        printed = self.load(connections, seconds)
        spent = processor_seconds(workers) - before
        requests = int(re.search(r"^ *([0-9]+) requests in ", printed, re.M)[1])
        return spent / requests * 1e6


class SlowSide(Side):
    """One so slow that single requests are timed instead."""

    REQUESTS = 2

    def rate(self, connections, seconds=SECONDS):
        began = time.monotonic()
        for _ in range(self.REQUESTS):
            self.room.get(self.url)
        return self.REQUESTS / (time.monotonic() - began)


class Row:
    """A comparison with its goal and what came out."""

    def __init__(self, title, goal, sides, connections=64):
        self.title = title
        self.goal = goal
        self.left, self.right = sides
        self.connections = connections
        self.rates = []

    def measure(self, seconds=SECONDS):
        """Asks both sides in turn; who is first alternates too."""
        for number in range(ROUNDS):
            sides = [self.left, self.right]
            if number % 2:
                sides.reverse()
            rates = {side: side.rate(self.connections, seconds) for side in sides}
            self.rates.append((rates[self.left], rates[self.right]))
        return self

    def medians(self):
        """The median rate of each side."""
        return tuple(statistics.median(rate) for rate in zip(*self.rates))

    def ratio(self):
        """The median of the ratios of the rounds."""
        return statistics.median(left / right for left, right in self.rates)


def ask_a_million(side):
    """Asks until the server has counted a million requests."""
    url = side.url.split("/info")[0] + "/info"
    while json.loads(side.room.get(url))["requests"] < 1_000_000:
        side.room.run(["wrk", "-t1", "-c64", "-d3s", url], side.core)
