"""A network and mount namespace with the processes to measure.

Its ports do not collide with ports of the host, and the packet filters of the host do not
apply. All processes in the namespace are stopped when it is closed.
"""

import atexit
import os
import signal
import subprocess
import time


class Namespace:
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
            raise SystemExit("bench: cannot create a network namespace; run as root")
        atexit.register(self.close)

    def command(self, words, core=None):
        """Returns the command that runs `words` in the namespace, pinned to `core` if given."""
        enter = ["nsenter", "-t", str(self.holder.pid), "-n", "-m"]
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        return enter + pinned + [str(word) for word in words]

    def make_service_directories(self, project):
        """Creates the directories that systemd creates for the proxy (RuntimeDirectory=, LogsDirectory=, CacheDirectory=)."""
        self.run(["mkdir", "-p", f"/run/{project}-edge", f"/var/log/{project}/edge",
                  f"/var/cache/{project}-edge"])

    def start(self, words, core=None, env=None, directory=None):
        """Starts a process that runs until the namespace is closed."""
        log = open(os.path.join(self.work, "peers.log"), "ab")
        process = subprocess.Popen(
            self.command(words, core), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, **(env or {})}, cwd=directory, start_new_session=True)
        self.started.append(process)
        return process

    def run(self, words, core=None, env=None, directory=None):
        """Runs a command to completion and returns its standard output."""
        return subprocess.run(
            self.command(words, core), check=True, capture_output=True, text=True,
            env={**os.environ, **(env or {})}, cwd=directory).stdout

    def get(self, url):
        """Returns the body of a GET response."""
        return self.run(["curl", "-sf", "--max-time", "60", url])

    def wait(self, url):
        """Waits until a GET succeeds, and returns the body of the response."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                return self.get(url)
            except subprocess.CalledProcessError:
                time.sleep(0.05)
        raise SystemExit(f"bench: no response from {url} within 60 s; see {self.work}/peers.log")

    def count_time_wait(self):
        """Returns the number of sockets in TIME_WAIT."""
        listed = self.run(["ss", "-Htan", "state", "time-wait"])
        return len(listed.splitlines())

    def close(self):
        """Stops all processes in the namespace. A second call has no effect."""
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
    """Returns the process IDs of the children of a process (proc_pid_stat(5))."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if process_fields(pid)[1:2] == [str(parent)]]


def process_fields(pid):
    """Returns the fields of /proc/PID/stat from the state on; none if the process has exited."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def cpu_seconds(pids):
    """Returns the CPU time of processes so far in seconds, user and system."""
    ticks = sum(int(ticks) for pid in pids for ticks in process_fields(pid)[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_kib(pid):
    """Returns the resident memory of a process in KiB (proc_pid_status(5))."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
