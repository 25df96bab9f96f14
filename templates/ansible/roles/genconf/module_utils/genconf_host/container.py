"""Run images with Podman or Docker, for units of apps that are containers.

    container load     load the image of this release into the engine
    container run      replace this process with the engine's client, which exits with the container
    container stop     send the signal that the image defines
    container remove   remove the container and its leftovers

The release is the working directory, /opt/PROJECT/APP/releases/DIGEST. The name of its image in the
engine is localhost/genconf/PROJECT/APP:DIGEST, so that two releases can run at the same time. The image
is removed with the release.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# The one without a daemon first: its containers live inside of the unit.
ENGINES = ("podman", "docker")
FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LOCK = Path("/run/genconf-images.lock")


class Refused(Exception):
    """No engine, or an engine that said no."""


def engines() -> list[str]:
    """The engines of this host; the first one is used."""
    found = (shutil.which(name, path=FOLDERS) for name in ENGINES)
    return [path for path in found if path]


def engine() -> str:
    """The engine that runs containers here."""
    if found := engines():
        return found[0]
    raise Refused(f"no container engine ({' or '.join(ENGINES)}) is installed: apt-get install podman")


@dataclass(frozen=True)
class Images:
    """The images of one app, as one engine knows them."""

    engine: str
    root: Path

    def name(self, digest: str) -> str:
        """What the image of a release is called here."""
        return f"localhost/genconf/{self.root.parent.name}/{self.root.name}:{digest}"

    def load(self, digest: str, archive: str, image: str) -> str:
        """Has the engine know the image of a release, and gives its name."""
        name = self.name(digest)
        # Without the lock, which all projects share: an instance starts while another image is read.
        if not self._knows(name):
            with _alone():
                if not self._knows(name):
                    self._read(self.root / "releases" / digest / archive, image, name)
                self._prune()
        return name

    def _knows(self, name: str) -> bool:
        return _finish(self.engine, "image", "inspect", "--format", "{{.Id}}", name).returncode == 0

    def _read(self, archive: Path, image: str, name: str) -> None:
        said = _said(self.engine, "load", "--quiet", "--input", str(archive))
        names = re.findall(r"(?m)^Loaded image(?:\(s\))?: *(\S+)$", said)
        # Podman calls `randoms:1` localhost/randoms:1, or docker.io/library/randoms:1.
        found = next((known for known in names if f"/{known}".endswith(f"/{image}")), None)
        if found is None:
            inside = ", ".join(names) or "no named image"
            raise Refused(f"image {image} is not in {archive}; found: {inside}")
        _said(self.engine, "tag", found, name)
        # Under its own name it could be taken for something a person put there.
        _finish(self.engine, "rmi", *names)

    def _prune(self) -> None:
        """Lets go of images whose releases are gone."""
        listed = _said(self.engine, "images", "--format", "{{.Repository}}:{{.Tag}}").split()
        ours = self.name("")
        for known in listed:
            release = self.root / "releases" / known.removeprefix(ours)
            if known.startswith(ours) and not release.is_dir():
                # One that still runs is refused, and goes another time.
                _finish(self.engine, "rmi", known)


def load(root: Path, digest: str, archive: str, image: str) -> str:
    """Has the engine of this host know the image of a release of the app at `root`."""
    return Images(engine(), root).load(digest, archive, image)


def stop(name: str, seconds: int) -> None:
    """Asks a container to end; one that does not is ended."""
    for path in engines():
        _finish(path, "stop", "-t", str(seconds), name)


def remove(name: str) -> None:
    """Leaves nothing of a container, whichever engine had it."""
    for path in engines():
        # Podman would first ask a container for ten seconds.
        now = ("--time=0",) if _is_podman(path) else ()
        _finish(path, "rm", "--force", "--volumes", *now, name)


def command(path: str, given: argparse.Namespace, image: str) -> list[str]:
    """The engine's client, in the foreground."""
    words = [
        *_client(path), "run", "--rm", "--pull=never", f"--name={given.name}",
        # Its output goes through the client into the journal, and nowhere else.
        "--log-driver=none",
        "--read-only", "--tmpfs=/tmp", "--tmpfs=/run",
        "--cap-drop=ALL", "--security-opt=no-new-privileges",
        f"--stop-timeout={given.stop_timeout}",
    ]  # fmt: skip
    words += _bounds(path, given)
    words += [f"--env={name}" for name in (*given.env, *_names(given.env_file))]
    words += _network(given.container_port)
    return [*words, image, *given.args]


def _bounds(path: str, given: argparse.Namespace) -> list[str]:
    """Podman's containers live in the unit, whose bounds hold; Docker's in the slice beside it."""
    if _is_podman(path):
        # Its own wishes for limits are beyond what some hosts allow.
        return ["--cgroups=disabled", "--ulimit=host"]
    memory = [] if given.memory == "infinity" else [f"--memory={given.memory}"]
    return [f"--cgroup-parent={given.slice}", f"--pids-limit={given.tasks}", *memory]


def _network(inside: int) -> list[str]:
    """The host's own network, or a port of it that leads to one inside."""
    if not inside:
        return ["--network=host", "--env=HOST", "--env=PORT"]
    host = os.environ["HOST"]
    outside = f"{f'[{host}]' if ':' in host else host}:{os.environ['PORT']}"
    where = ["--env=HOST=0.0.0.0", f"--env=PORT={inside}"]
    # A port below 1024 is no privilege where nobody else is.
    return [*where, f"--publish={outside}:{inside}", "--cap-add=NET_BIND_SERVICE"]


def _names(env_file: str) -> list[str]:
    """Names of the variables that systemd read from a file; their values are in our environment."""
    text = Path(env_file).read_text() if env_file else ""
    names = re.findall(r"(?m)^[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=", text)
    return [name for name in dict.fromkeys(names) if name in os.environ]


def _is_podman(path: str) -> bool:
    return Path(path).name == "podman"


@contextmanager
def _alone() -> Iterator[None]:
    """Names given by archives are not ours until they are changed: one at a time."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _client(path: str) -> list[str]:
    """Podman would write each step of a container into the journal of its unit."""
    return [path, "--events-backend=none"] if _is_podman(path) else [path]


def _finish(path: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_client(path), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )


def _said(path: str, *words: str) -> str:
    done = _finish(path, *words)
    if done.returncode != 0:
        raise Refused(f"{path} {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def main() -> int:
    """`container run --name randoms-web-3001 --image randoms:1 --archive randoms.tar … -- ARGS`."""
    given = _arguments()
    if given.verb == "stop":
        stop(given.name, given.stop_timeout)
    elif given.verb == "remove":
        remove(given.name)
    else:
        release = Path.cwd()
        path = engine()
        image = Images(path, release.parent.parent).load(release.name, given.archive, given.image)
        if given.verb == "run":
            remove(given.name)
            os.execv(path, command(path, given, image))  # noqa: S606
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a container image in the foreground of a unit.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", required=True)
    archived = argparse.ArgumentParser(add_help=False)
    archived.add_argument("--archive", required=True)
    archived.add_argument("--image", required=True)
    patient = argparse.ArgumentParser(add_help=False)
    patient.add_argument("--stop-timeout", type=int, required=True)
    verbs.add_parser("load", parents=[archived])
    verbs.add_parser("stop", parents=[named, patient])
    verbs.add_parser("remove", parents=[named])
    run = verbs.add_parser("run", parents=[named, archived, patient])
    run.add_argument("--slice", required=True)
    run.add_argument("--container-port", type=int, default=0)
    run.add_argument("--memory", default="infinity")
    run.add_argument("--tasks", type=int, required=True)
    run.add_argument("--env", action="append", default=[])
    run.add_argument("--env-file", default="")
    run.add_argument("args", nargs="*")
    return parser.parse_args()
