"""A room: a network of its own with the processes that are measured in it.

Ports inside collide with nothing outside, and no packet filter of the host
slows them down. Everything in a room ends with it.
"""

import atexit
import os
import signal
import subprocess
import time


class Room:
    """A network and mount namespace, held open by a sleeping process."""

    def __init__(self, work):
        self.work = work
        self.started = []
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c",
             "ip link set lo up && mount -t tmpfs none /run && mount -t tmpfs none /var/log"
             " && mount -t tmpfs none /var/cache && mkdir /var/log/nginx"
             " && echo ready && exec sleep infinity"],
            stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            raise SystemExit("bench: cannot make a network namespace; are you root?")
        atexit.register(self.close)

    def command(self, words, core=None):
        """The words that run a command inside, on one core when given."""
        inside = ["nsenter", "-t", str(self.holder.pid), "-n", "-m"]
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        return inside + pinned + [str(word) for word in words]

    def make_service_directories(self, project):
        """What systemd creates for the proxy's unit (RuntimeDirectory=, LogsDirectory=, CacheDirectory=)."""
        self.run(["mkdir", "-p", f"/run/{project}-edge", f"/var/log/{project}/edge",
                  f"/var/cache/{project}-edge"])

    def start(self, words, core=None, env=None, directory=None):
        """Starts a process that lives as long as the room."""
        log = open(os.path.join(self.work, "peers.log"), "ab")
        process = subprocess.Popen(
            self.command(words, core), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, **(env or {})}, cwd=directory, start_new_session=True)
        self.started.append(process)
        return process

    def run(self, words, core=None, env=None, directory=None):
        """Runs a command to its end and returns what it printed."""
        return subprocess.run(
            self.command(words, core), check=True, capture_output=True, text=True,
            env={**os.environ, **(env or {})}, cwd=directory).stdout

    def get(self, url):
        """The body of an answer."""
        return self.run(["curl", "-sf", "--max-time", "60", url])

    def wait(self, url):
        """Waits until something answers."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                return self.get(url)
            except subprocess.CalledProcessError:
                time.sleep(0.05)
        raise SystemExit(f"bench: nothing answers at {url}; see {self.work}/peers.log")

    def count_time_wait(self):
        """Sockets in TIME_WAIT."""
        listed = self.run(["ss", "-Htan", "state", "time-wait"])
        return len(listed.splitlines())

    def close(self):
        """Ends everything inside; the second time there is nothing left."""
        started, self.started = self.started, []
        for process in started:
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        for process in started:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.holder.kill()
        self.holder.wait()


def child_pids(parent):
    """The processes that a process has started (proc_pid_stat(5))."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if process_fields(pid)[1:2] == [str(parent)]]


def process_fields(pid):
    """The fields of /proc/PID/stat from the state on; none when the process has ended."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def processor_seconds(pids):
    """Processor time of processes so far, user and system."""
    ticks = sum(int(ticks) for pid in pids for ticks in process_fields(pid)[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_kib(pid):
    """Resident memory of a process (proc_pid_status(5))."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
