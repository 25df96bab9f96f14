"""Move a port from one unit to another: between an app and systemd, between a removed unit and its
replacement, or between addresses.

Ports move one at a time. Each is closed only while the old unit stops and the new one starts; the other
ports are open, and the next port moves when this one is ready.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from urllib.parse import urlsplit

from . import listener, relay
from .description import Instance, port_socket
from .health import probe
from .listener import Listener
from .roll import Roll
from .step import Step
from .store import Store
from .strangers import strangers
from .systemd import Refused, State

# Stops a socket alone. What was started by it accepts what waits there until it is told to end; with
# the socket it would end first, and what comes meanwhile would be reset.
ALONE = "--job-mode=ignore-requirements"

# How long a unit that is not described any more may hold on to a port, and seconds between two looks.
PATIENCE = 30.0
PULSE = 0.02


@dataclass
class Handover(Step):
    """Brings every port of this host to the unit that is to hold it.

    Where one has moved to another address, the old one goes on being answered if `relays`.
    """

    relays: bool = True

    def take(self, moved: Collection[str]) -> None:
        """Ports of pools. `moved`: sockets that are open, but not by the unit file that is there now."""
        for turn in self.turns(moved):
            turn()

    def turns(self, moved: Collection[str]) -> Iterator[Callable[[], None]]:
        """The same, port by port, for whoever goes on when one fails."""
        for pool in self.host.pools:
            for socket in pool.sockets:
                yield partial(self._take, socket, is_moved=socket in moved)
        own = [instance for instance in self.host.instances if not instance.socket]
        yield partial(self._release, own)
        for instance in own:
            yield partial(self._clear, instance)

    def open(self, socket: str) -> None:
        """Opens a socket if it is closed."""
        if not self._state(socket).is_active:
            self.bind(socket)

    def bind(self, socket: str) -> bool:
        """Opens a socket where others of this project may still listen. Whether one had to be ended."""
        addresses = self._state(socket).listens.split()
        evicted = self._evict(addresses)
        try:
            self.do("start", socket)
        except Refused as refusal:
            # systemd says that a job failed, and its journal not who was in the way.
            held = listener.at(addresses)
            raise Refused(f"{socket}: {_told(held)}" if held else str(refusal)) from None
        return evicted

    def _take(self, socket: str, *, is_moved: bool) -> None:
        state = self._state(socket)
        if state.is_active and not is_moved:
            return
        users = [instance for instance in self.host.instances if instance.socket == socket]
        states = self.manager.states(instance.unit for instance in users)
        holders = {unit: held for unit, held in states.items() if not held.is_idle}
        left = self._left(state, [held.pid for held in holders.values()])
        if state.is_active:
            self.log.append(f"reopen {socket} (its port closes briefly)")
            self.do("stop", ALONE, socket)
        if holders:
            # systemd opens no socket for a service that is up.
            self.do("stop", *holders)
        evicted = self.bind(socket)
        for address in left:
            self.log.append(relay.begin(self.host.project, socket, address, state.listens))
        if holders or evicted:
            self._bring_up(users)

    def _release(self, own: Iterable[Instance]) -> None:
        """Stops sockets of apps that are to open their ports themselves; the roll does the rest.

        All at once: until it is restarted, each instance goes on accepting from what it was handed.
        """
        states = self.manager.states(port_socket(instance.unit) for instance in own)
        active = [socket for socket, state in states.items() if state.is_active]
        if active:
            self.do("stop", *active)

    def _clear(self, instance: Instance) -> None:
        """Makes way for an app that is to open its port itself."""
        if not self.manager.states([instance.unit])[instance.unit].is_down:
            return
        address = _own_address(instance)
        evicted = self._evict([address])
        if not self.dry and (held := listener.at([address])):
            raise Refused(f"{instance.unit}: {_told(held)}")
        if evicted:
            self._bring_up([instance])

    def _evict(self, addresses: list[str]) -> bool:
        """Ends what is not described any more and listens there. Whether there was anything."""
        sockets = [rival for rival in self._strangers if rival.is_active and _is_at(rival, addresses)]
        for rival in sockets:
            self.do("stop", ALONE, rival.unit)
        services = [user for rival in sockets for user in rival.users]
        services += [rival.unit for rival in self._strangers if self._opened(rival, addresses)]
        if services:
            # They let go of the port at once, and may take their time to answer what they have.
            self.do("stop", "--no-block", *dict.fromkeys(services))
        if sockets or services:
            self._await_closed(addresses)
        return bool(sockets or services)

    def _opened(self, rival: State, addresses: list[str]) -> bool:
        """Whether a service holds one of the addresses without a socket of systemd's.

        By its name, and by where it listens if the kernel says so: a container's engine does it for it.
        """
        ports = [address.rpartition(":")[2] for address in addresses if ":" in address]
        handed = {user for known in self._strangers if known.is_active for user in known.users}
        is_named = any(re.search(rf"(@{port}|-{port}@\d+)\.service$", rival.unit) for port in ports)
        if not is_named or rival.is_idle or rival.unit in handed:
            return False
        held = self._held([rival.pid], ports)
        return not held or any(listener.overlap(one, other) for one in held for other in addresses)

    def _await_closed(self, addresses: list[str]) -> None:
        """If that is in vain, whoever is to open them next says who has them."""
        until = time.monotonic() + PATIENCE
        while not self.dry and listener.at(addresses) and time.monotonic() < until:
            time.sleep(PULSE)

    def _left(self, socket: State, pids: Collection[int]) -> list[str]:
        """Addresses of this port at which its instances are still asked, and no longer will be."""
        if self.dry or not self.relays or not socket.listens:
            return []
        port = socket.unit.removesuffix(".socket").replace("-", "@").rpartition("@")[2]
        return sorted(known for known in self._held(pids, [port]) if not listener.overlap(known, socket.listens))

    def _held(self, pids: Collection[int], ports: Iterable[str]) -> set[str]:
        """Where these processes listen, as far as it is on these ports."""
        held = {known.address for known in listener.listeners() if known.pid in pids}
        return {address for address in held if any(re.search(rf"[:-]{port}(\.sock)?$", address) for port in ports)}

    def _bring_up(self, users: list[Instance]) -> None:
        """Before the next port is touched. Unless its release is still to be decided on: by `Site`."""
        stores = [Store(self.host.app_root(user.app.name)) for user in users if user.app.executable]
        if self.dry or any(store.current is None or store.current != store.proven for store in stores):
            return
        roll = Roll(self.host, self.manager, probe)
        try:
            roll.bring_up(users)
        finally:
            self.log.extend(roll.log)

    def _state(self, unit: str) -> State:
        return self.manager.states([unit])[unit]

    @cached_property
    def _strangers(self) -> list[State]:
        return strangers(self.host, self.manager)


def _is_at(socket: State, addresses: Iterable[str]) -> bool:
    held = socket.listens.split()
    return any(listener.overlap(one, other) for one in held for other in addresses)


def _own_address(instance: Instance) -> str:
    """On every address, unless its proxies are all on this host."""
    address = urlsplit(instance.health.url).netloc
    is_loopback = address.startswith(("127.", "[::1]"))
    return address if is_loopback else f"0.0.0.0:{address.rpartition(':')[2]}"


def _told(held: Iterable[Listener]) -> str | None:
    return ", ".join(map(str, held)) or None
