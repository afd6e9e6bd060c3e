"""One process's hold on a lab file: commands, reading, and letting time pass.

A command is one short write transaction on the last committed state. A run computes batches on a read snapshot and
commits each; when somebody else committed meanwhile the batch is thrown away and computed anew (promise 5). Nothing
observable depends on where a batch ends.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from labkit.engine import host, lease, pace
from labkit.engine.errors import LabError
from labkit.engine.store import Conflict, Store
from labkit.engine.world import World

T = TypeVar("T")
Stop = Callable[[World], bool]
BATCH_STEPS = 1_000
BUSY = 900007
_MOST_HELD = 64 << 20  # bytes that wait to be written; more than that ends a batch
_BATCH_SECONDS, _SHARED_SECONDS, _FREE_SECONDS = 0.5, 0.1, 0.005


class Session:
    """An open lab. Not for several threads at once; several sessions on one file are fine."""

    def __init__(self, store: Store, surface: str) -> None:
        self.store, self.surface = store, surface
        self.lease = lease.Lease()
        self.batch_steps = BATCH_STEPS
        self._world: World | None = None
        self._conflicts = 0
        self._plays = 0
        self.committed: Callable[[int, int], None] | None = None  # called with the numbers of facts before and after
        self.refused: Callable[[str, LabError], None] | None = None  # called with a refused command's name and error
        if not store.read_only:
            try:
                lease.register(store, self.lease.token)
            except BaseException as error:
                store.rollback()
                store.close()
                if isinstance(error, sqlite3.Error):
                    raise LabError(900006, path=store.path, found=str(error)) from None
                raise

    @classmethod
    def open(cls, path: Path, surface: str, *, read_only: bool = False) -> Session:
        """Open a lab file; one that is only read is not written to at all."""
        return cls(Store.open(path, read_only=read_only), surface)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self.store.closed:
            return
        try:
            self.store.rollback()
            if not self.store.read_only:
                if self._plays:
                    self.lease.release(self.store)
                lease.unregister(self.store, self.lease.token)
        finally:
            self.store.close()

    # --- reading ------------------------------------------------------------------------------------------------------

    def _current(self) -> World:
        """The world of the last committed state; inside a transaction."""
        if self.store.changed() or self._world is None:
            self._world = World(self.store)
        return self._world

    @contextmanager
    def reading(self) -> Iterator[World]:
        """The last committed world, on one consistent snapshot; it must not be changed."""
        if self.store.db.in_transaction:
            yield self._current()
            return
        try:
            self.store.snapshot()
            yield self._current()
        finally:
            self.store.rollback()
            self._bring_in()

    def _bring_in(self) -> None:
        """What a command of another process could not bring into the file because we were reading."""
        store = self.store
        if not self._plays and not store.read_only and store.waiting() and not lease.owner(store).living:
            store.checkpoint()

    # --- commands -----------------------------------------------------------------------------------------------------

    def command(self, name: str, arguments: dict[str, Any], work: Callable[[World], T]) -> T:
        """Do ``work`` as one transaction with its journal entry; a refusal leaves only the entry."""
        if self.store.read_only:
            raise LabError(900008, path=self.store.path)
        try:
            with self.store.writing():
                world = self._current()
                before = world.facts.count
                result = work(world)
                world.flush()
                self._journal(world.now, name, arguments, "done", None)
        except LabError as error:
            self._world = None
            if error.code == BUSY:  # the file did not become free, for the journal neither
                raise
            with self.store.writing():
                self._journal(self._current().now, name, arguments, "refused", error.code)
            self.store.checkpoint()
            if self.refused is not None:
                self.refused(name, error)
            raise
        except BaseException:
            self._world = None
            raise
        self.store.checkpoint()
        self._tell(before, world.facts.count)
        return result

    def _tell(self, before: int, after: int) -> None:
        """Let whoever listens know of facts that are committed; outside any transaction."""
        if self.committed is not None and after > before:
            self.committed(before, after)

    def _journal(self, at: int, name: str, arguments: dict[str, Any], outcome: str, code: int | None) -> None:
        # Whatever was asked for is kept, halves of characters and numbers beyond 64 bits too.
        body = json.dumps(arguments, default=str, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
        row = (pace.wall_time(), at, host.user(), self.surface, name, body, outcome, code)
        sql = (
            "INSERT INTO journal (wall, at, user, surface, command, arguments, outcome, code) VALUES (?,?,?,?,?,?,?,?)"
        )
        self.store.write(sql, row)

    # --- time ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def playing(self, *, take_over: bool = False) -> Iterator[None]:
        """Hold the lease; refused in a network or synchronised folder (900032).

        A run may be asked for while this session plays live: the lease is given back when the last of both ends.
        """
        if self.store.read_only:
            raise LabError(900008, path=self.store.path)
        folder = self.store.path.resolve().parent
        kind = host.folder_kind(folder)
        if kind != "local":
            raise LabError(900032 if kind == "network" else 900033, folder=folder)
        self.lease.acquire(self.store, take_over=take_over)
        self._plays += 1
        try:
            yield
        finally:
            self._plays -= 1
            if not self.store.closed:
                self.store.rollback()
                if not self._plays:
                    self.lease.release(self.store)
                    self.store.checkpoint()

    def advance(self, until: int | None = None, stop: Stop | None = None, seconds: float | None = None) -> bool:
        """Let time pass; the lease must be held.

        Ends when ``until`` (ms) is reached, when ``stop(world)`` holds after a step, when no timer is left, or, with
        ``seconds``, when so much wall time is spent. True unless it ended for the wall time.
        """
        deadline = None if seconds is None else pace.ticks() + seconds
        while True:
            try:
                ended = self._batch(until, stop, deadline)
            except Conflict:
                self._world = None
                self._conflicts += 1
                continue
            self._conflicts = 0
            if ended:
                return True
            if deadline is not None and pace.ticks() >= deadline:
                return False
            if lease.others(self.store, self.lease.token):
                pace.sleep(_FREE_SECONDS)

    def _batch(self, until: int | None, stop: Stop | None, deadline: float | None) -> bool:
        store = self.store
        # After losing to others again and again the batch holds the write lock from its start, and is kept short.
        stubborn = self._conflicts >= 5
        try:
            if stubborn:
                store.lock()
            else:
                store.snapshot()
            world = self._current()
            before = world.facts.count
            ended = self._steps(world, until, stop, deadline, max(1, self.batch_steps >> (2 * self._conflicts)))
            world.prepare()
            if not stubborn:
                store.upgrade()
            self.lease.check(store)
            world.flush()
            store.commit()
        except BaseException:
            self._world = None
            store.rollback()
            raise
        self._tell(before, world.facts.count)
        return ended

    def _steps(self, world: World, until: int | None, stop: Stop | None, deadline: float | None, most: int) -> bool:
        seconds = _SHARED_SECONDS if lease.others(self.store, self.lease.token) else _BATCH_SECONDS
        limit = min(pace.ticks() + seconds, deadline or float("inf"))
        if stop is not None and stop(world):
            return True
        blobs, cargo = world.blobs, world.cargo
        for count in range(most):
            if not world.step(until):
                world.now = until if until is not None and until > world.now else world.now
                return True
            if stop is not None and stop(world):
                return True
            if (count & 15 == 15 and pace.ticks() >= limit) or blobs.held + cargo.held > _MOST_HELD:
                break
        return False
