"""Who lets time pass: one owner at a time, known by host, pid and start time; the epoch rises at each take-over.

Commands need no lease. Every commit of a run checks the epoch in its own transaction and stops in plain words when
the lease is lost (promise 5).
"""

from __future__ import annotations

import uuid
from typing import NamedTuple

from labkit.engine import host
from labkit.engine.errors import LabError
from labkit.engine.store import Store


class Owner(NamedTuple):
    """The lease as it stands in the file; an empty token means that nobody has it."""

    epoch: int
    token: str
    host: str
    pid: int
    started: int

    @property
    def living(self) -> bool:
        """Whether the owner may still let time pass; one on another host counts as living."""
        return bool(self.token) and host.alive(self.host, self.pid, self.started) is not False


def owner(store: Store) -> Owner:
    """The lease as it stands."""
    return Owner(*store.rows("SELECT epoch, token, host, pid, started FROM lease")[0])


class Lease:
    """One session's claim; ``token`` tells sessions of one process apart."""

    def __init__(self) -> None:
        self.token = uuid.uuid4().hex
        self.epoch = 0

    def acquire(self, store: Store, *, take_over: bool = False) -> None:
        """Take the lease in a transaction of its own; 900030 while a living owner has it, unless ``take_over``."""
        with store.writing():
            found = owner(store)
            if found.token and found.token != self.token and found.living and not take_over:
                raise LabError(900030, host=found.host, pid=found.pid)
            name, pid, started = host.identity()
            self.epoch = found.epoch + 1
            store.write(
                "UPDATE lease SET epoch = ?, token = ?, host = ?, pid = ?, started = ?",
                (self.epoch, self.token, name, pid, started),
            )

    def check(self, store: Store) -> None:
        """Inside a commit: 900031 when somebody else has taken over."""
        found = owner(store)
        if (found.epoch, found.token) != (self.epoch, self.token):
            raise LabError(900031)

    def release(self, store: Store) -> None:
        """Give the lease back, if it is still ours."""
        with store.writing():
            store.write(
                "UPDATE lease SET token = '', host = '', pid = 0, started = 0 WHERE token = ? AND epoch = ?",
                (self.token, self.epoch),
            )


def register(store: Store, token: str) -> None:
    """Say that a session has the lab open, and forget sessions whose process is gone."""
    with store.writing():
        for found, name, pid, started in store.rows("SELECT token, host, pid, started FROM openers"):
            if host.alive(name, pid, started) is False:
                store.write("DELETE FROM openers WHERE token = ?", (found,))
        store.write("INSERT INTO openers VALUES (?, ?, ?, ?)", (token, *host.identity()))


def unregister(store: Store, token: str) -> None:
    """Say that a session closes the lab."""
    with store.writing():
        store.write("DELETE FROM openers WHERE token = ?", (token,))


def others(store: Store, token: str) -> bool:
    """Whether another session has the lab open."""
    return bool(store.rows("SELECT 1 FROM openers WHERE token <> ? LIMIT 1", (token,)))
