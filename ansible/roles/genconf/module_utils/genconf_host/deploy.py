"""Switch the apps of this host from one release to another, or leave them unchanged.

A step that is interrupted leaves `current` different from `proven`, or instances on a release other than
`current`. The next run detects both, and completes or rolls back. Each change is recorded before it is
visible, because the run may not receive the result.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import container
from .description import App, Host, Instance
from .health import Check, probe
from .roll import Failed, Roll
from .store import DIGEST_LENGTH, NoRelease, Rejected, Store
from .systemd import Manager, Refused


class Abandoned(Exception):
    """A release did not pass. The message says why, and what the host runs now."""


@dataclass(frozen=True)
class Outcome:
    """What a move did for one app. `fresh`: the release had never passed here before."""

    app: str
    release: str
    previous: str | None
    fresh: bool
    changed: bool
    touched: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)


def _kept_nowhere(_: list[Outcome]) -> None:
    """For a move that nobody else is to take back."""


@dataclass(frozen=True)
class Site:
    """The apps of one host and their releases. With `dry`, changes nothing.

    `keep` is handed what has been done so far, app by app, before the last of it is proven. `unended`
    is what was kept of a run that did not end: what its moves came from is what is gone back to.
    """

    host: Host
    manager: Manager
    dry: bool = False
    health: Callable[[Check], str | None] = probe
    load: Callable[[Path, str, str, str], object] = container.load
    keep: Callable[[list[Outcome]], object] = _kept_nowhere
    unended: tuple[Outcome, ...] = ()

    def store(self, app: App) -> Store:
        """Where the releases of `app` are."""
        return Store(self.host.app_root(app.name))

    def lacking(self, artifacts: dict[str, str], only_first: bool) -> list[str]:
        """Apps whose artifacts are not here yet."""
        lacking = []
        for app in self._here():
            store, sha256 = self.store(app), artifacts.get(app.name)
            if sha256 is None or (only_first and store.current):
                continue
            if not sha256:
                raise Rejected(f"the artifact of {app.name} does not exist; run: {app.build or 'your build'}")
            if not store.has(sha256[:DIGEST_LENGTH]):
                lacking.append(app.name)
        return lacking

    def receive(self, artifacts: Mapping[str, str], files: Mapping[str, str]) -> None:
        """Takes over what was uploaded: by app, where on this host it lies."""
        for app, sha256 in self._described(artifacts):
            if app.name in files:
                self.store(app).receive(sha256, Path(files[app.name]))

    def admit(self, artifacts: dict[str, str]) -> list[str]:
        """Makes releases of what was uploaded. The first one of an app becomes its current one."""
        admitted = []
        for app, sha256 in self._described(artifacts):
            store = self.store(app)
            if not store.incoming(sha256).exists():
                continue
            digest = store.admit(app.executable, sha256, is_archive=app.is_archive)
            if app.image:
                self._load(app, digest)
            admitted.append(digest)
        return admitted

    def _load(self, app: App, digest: str) -> None:
        """Has the engine know the image now, so that no instance waits for it while it is down."""
        store = self.store(app)
        try:
            self.load(store.root, digest, app.executable, app.image)
        except container.Refused as refusal:
            store.forget(digest)
            raise Rejected(f"{self.host.name}: release {digest} of {app.name}: {refusal}") from None

    def deploy(self, artifacts: dict[str, str], observe: float) -> list[Outcome]:
        """Moves to new releases, which become the youngest of their app's history."""
        digests = {name: sha256[:DIGEST_LENGTH] for name, sha256 in artifacts.items()}
        return self._move(self._described(digests), observe, is_recorded=True)

    def begin(self, artifacts: dict[str, str]) -> list[Outcome]:
        """Brings up what `current` names; an app that has no release yet starts with its artifact.

        So it also ends what an earlier run left unfinished: the gates are passed, or it goes back.
        """
        moves = []
        for app in self._here():
            first = artifacts.get(app.name, "")[:DIGEST_LENGTH]
            digest = self.store(app).current or first
            if not digest or not self.store(app).has(digest):
                raise Rejected(f"{self.host.name}: no release of {app.name} to start")
            moves.append((app, digest))
        return self._move(moves, observe=0.0, is_recorded=True)

    def choose(self, release: str, apps: Collection[str] = ()) -> dict[str, str | None]:
        """Where a rollback takes each app: to the release that starts so, or the one before.

        Only those of `apps`, if any are named: a host that has none of them has nothing to do.
        """
        wanted = [app for app in self._here() if not apps or app.name in apps]
        chosen = {app.name: self._choose(app, release) for app in wanted}
        if not any(chosen.values()) and (wanted or not apps):
            told = f"no release starts with {release}" if release else "no earlier release"
            raise NoRelease(f"{self.host.name}: {told}")
        return chosen

    def _choose(self, app: App, release: str) -> str | None:
        store, unended = self.store(app), self._unended(app)
        if release:
            return store.find(release)
        return store.previous(unended.previous if unended else None)

    def _unended(self, app: App) -> Outcome | None:
        """The move by which the app came to what it runs, if that was of a run that did not end."""
        proven = self.store(app).proven
        return next((o for o in self.unended if (o.app, o.release) == (app.name, proven)), None)

    def rollback(self, chosen: Mapping[str, str | None], observe: float) -> list[Outcome]:
        """Moves to releases that are here. Those that were left stay in the history."""
        return self._move(self._described(chosen), observe, is_recorded=False)

    def undo(self, outcomes: Iterable[Outcome]) -> str:
        """Takes moves back, the last one first, and what a move cut short left behind.

        Says what the host runs now.
        """
        if self.dry:
            return ""
        told = [self._undo(outcome) for outcome in reversed(list(outcomes))]
        return "\n".join([*filter(None, told), *self._settle()])

    def confirm(self, outcomes: Iterable[Outcome]) -> None:
        """Fails unless everything touched is still as it was when it passed."""
        for outcome in outcomes:
            self._roll_of(outcome).check()

    def _move(
        self, moves: Collection[tuple[App, str]], observe: float, *, is_recorded: bool
    ) -> list[Outcome]:
        """All of them or none, whatever it is that goes wrong on the way."""
        for app, digest in moves:
            # It may have been taken back since it came, by the guard of an earlier run.
            if not self.dry and not self.store(app).has(digest):
                raise Rejected(f"{self.host.name}: release {digest} of {app.name} was removed")
        done: list[Outcome] = []
        try:
            for app, digest in moves:
                done.append(self._move_one(app, digest, observe, done))
            if is_recorded and not self.dry:
                for outcome in done:
                    self._record(outcome)
        except Exception as reason:
            undone = self.undo(done)
            raise Abandoned(f"{_told(reason)}\n{undone}".rstrip()) from reason
        return done

    def _move_one(self, app: App, digest: str, observe: float, done: list[Outcome]) -> Outcome:
        store = self.store(app)
        move = self._planned(app, digest)
        if self.dry:
            return move
        roll = Roll(self.host, self.manager, self.health, observe)
        try:
            store.flip(digest)
            roll.bring_up(self._instances(app))
            changed = bool(roll.touched) or move.previous != digest
            move = replace(move, changed=changed, touched=roll.runs(), log=roll.log)
            self.keep([*done, move])
            store.prove(digest)
        except Exception as reason:
            aftermath = self._abandon(move, roll)
            told = f"{self.host.name}: release {digest}: {_told(reason)}\n{aftermath}"
            raise Abandoned(told) from reason
        return move

    def _planned(self, app: App, digest: str) -> Outcome:
        store, unended = self.store(app), self._unended(app)
        previous, fresh = store.proven, digest not in store.history
        origin = unended.previous if unended else None
        if unended and origin and origin != digest and store.has(origin):
            previous = origin
            fresh |= unended.fresh and unended.release == digest
        return Outcome(app.name, digest, previous, fresh, changed=store.current != digest)

    def _abandon(self, move: Outcome, roll: Roll) -> str:
        if move.previous == move.release:
            return f"the release did not change; instances after {roll.last} were not restarted"
        return self._take_back(move, roll)

    def _undo(self, outcome: Outcome) -> str:
        app = next((app for app in self._here() if app.name == outcome.app), None)
        # Whoever moved on from there goes on from there.
        if app is None or self.store(app).proven != outcome.release:
            return ""
        if outcome.previous == outcome.release:
            return f"{self.host.name}: {app.name} stays on release {outcome.release}"
        return self._take_back(outcome, self._roll_of(outcome))

    def _take_back(self, move: Outcome, roll: Roll) -> str:
        forget = move.release if move.fresh else None
        return self._go_back(self.host.app(move.app), move.previous, forget, roll)

    def _settle(self) -> list[str]:
        told = []
        for app in self._here():
            store = self.store(app)
            if store.proven and store.current != store.proven:
                roll = Roll(self.host, self.manager, self.health)
                told.append(self._go_back(app, store.proven, None, roll))
        return told

    def _go_back(self, app: App, to: str | None, forget: str | None, roll: Roll) -> str:
        store = self.store(app)
        if to is None or not store.has(to):
            return self._withdraw(app, forget)
        store.flip(to)
        touched = roll.worst_first()
        others = [instance for instance in self._instances(app) if instance not in touched]
        back = Roll(self.host, self.manager, self.health)
        left = [*touched, *back.not_on(to, others)]
        complaints = []
        try:
            while left:
                back.touch_if_needed(left[0], is_forced=True)
                left.pop(0)
        except Failed as failure:
            # What comes after it may still serve, and would end the same way.
            complaints.append(f"still failing: {failure}")
            complaints += self._close(failure.instance)
            if left[1:]:
                complaints.append(f"not restarted: {' '.join(instance.unit for instance in left[1:])}")
        store.prove(to)
        if forget and not left:
            store.forget(forget)
        summary = f"{self.host.name}: rolled back to release {to}, {len(back.log)} instances restarted"
        return "\n".join([summary, *complaints])

    def _close(self, instance: Instance) -> list[str]:
        """Closes the socket of an instance that does not start: requests would wait there for it, and
        the proxies send them to others if it refuses them."""
        sharing = [other for other in self.host.instances if other.socket == instance.socket]
        if not instance.socket or len(sharing) > 1:
            return []
        try:
            self.manager.run("stop", instance.socket, instance.unit)
        except Refused as refusal:
            return [str(refusal)]
        return [f"{instance.socket} is closed until site.yml runs again"]

    def _withdraw(self, app: App, forget: str | None) -> str:
        """The end of a first deploy that did not pass: nothing runs, no half state is left."""
        instances = self._instances(app)
        sockets = sorted({instance.socket for instance in instances if instance.socket})
        services = [instance.unit for instance in instances]
        for words in (["stop", *sockets, *services], ["reset-failed", *services]):
            # A unit that was never loaded cannot be stopped or reset, and need not be.
            with contextlib.suppress(Refused):
                self.manager.run(*words)
        if forget:
            self.store(app).forget(forget)
        return f"{self.host.name}: no earlier release to roll back to; {app.name} is stopped"

    def _record(self, outcome: Outcome) -> None:
        if outcome.changed:
            self.store(self.host.app(outcome.app)).record(outcome.release, outcome.previous)

    def _roll_of(self, outcome: Outcome) -> Roll:
        by_name = {instance.unit: instance for instance in self.host.instances}
        touched = {by_name[unit]: run for unit, run in outcome.touched.items() if unit in by_name}
        return Roll(self.host, self.manager, self.health, touched=touched)

    def _here(self) -> list[App]:
        """Apps that have instances on this host and releases at all."""
        return [app for app in self.host.apps if app.executable and self._instances(app)]

    def _described(self, by_app: Mapping[str, str | None]) -> list[tuple[App, str]]:
        named = ((app, by_app.get(app.name)) for app in self._here())
        return [(app, digest) for app, digest in named if digest]

    def _instances(self, app: App) -> list[Instance]:
        """Those with a port of their own first: behind a shared one an older brother may answer
        for a release that does not, and the next would be touched before it is found out."""
        own = [instance for instance in self.host.instances if instance.app.name == app.name]
        sockets = [instance.socket for instance in own if instance.socket]
        return sorted(own, key=lambda instance: sockets.count(instance.socket) > 1)


def _told(reason: Exception) -> str:
    """What an exception says; one that nobody expected says little without its name."""
    is_expected = isinstance(reason, Abandoned | Failed | Rejected | Refused | OSError)
    return str(reason) if is_expected else f"{type(reason).__name__}: {reason}"
