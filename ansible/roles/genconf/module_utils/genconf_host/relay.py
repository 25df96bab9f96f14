"""Forward an address that a port has left to its new address, until the proxies are updated.

systemd-socket-proxyd(8) runs behind a transient systemd socket. A reboot removes both; the proxies then
start with the configuration on disk.
"""

from __future__ import annotations

from .systemd import Refused, run_transient

PROGRAM = "/usr/lib/systemd/systemd-socket-proxyd"

# Once its socket is stopped it ends by itself, when nobody has had a connection for so long.
OPTIONS = ("--connections-max=8192", "--exit-idle-time=5s")


def begin(project: str, socket: str, left: str, taken: str) -> str:
    """From now on, who connects to `left` gets to `taken`. Says so, or why not.

    Only who is on this host: others were let in by the socket itself, which knew who they are.
    """
    # systemd-run(1) takes `localhost` only when it is alone.
    own = [] if left.startswith("/") else [left.rpartition(":")[0].strip("[]")]
    options = [
        f"--socket-property=ListenStream={left}",
        "--socket-property=IPAddressDeny=any",
        *(f"--socket-property=IPAddressAllow={address}" for address in ("localhost", *own)),
        "--property=DynamicUser=yes",
        "--property=LimitNOFILE=65536",
        f"--property=Slice={project}.slice",
        "--collect",
    ]
    try:
        run_transient(_name(project, socket), options, PROGRAM, *OPTIONS, taken)
    except Refused as refusal:
        return f"{left} is closed until the proxies use {taken}: {refusal}"
    return f"forward {left} to {taken} until the proxies use it"


def is_socket(project: str, unit: str) -> bool:
    """Whether that is a socket of a relay. No pool and no proxy is called so: their names have no dots."""
    return unit.startswith(_name(project, "")) and unit.endswith(".socket")


def _name(project: str, socket: str) -> str:
    return f"{project}.relay." + socket.removesuffix(".socket").replace("@", "-")
