"""The guest's application: one database takes orders, another one (of a second guest) invoices them.

The guest works in sessions: open, write what became due since the last session in one transaction, close without a
checkpoint. A cut of the disk at any write is a crash-consistent image whose log SQLite recovers; after ``freeze`` or
``shutdown`` the log is empty. All chance is a function of (seed, stream, number of the order), see ``engine.chance``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from labkit.engine.chance import below, mix
from labkit.engine.errors import LabError
from labkit.guest.volume import LOG_SUFFIX, Directory, Volume

if TYPE_CHECKING:
    import apsw

Kind = Literal["cycle", "freeze", "shutdown", "checkpoint"]
Role = Literal["orders", "invoices"]

SESSIONS_PER_CHECKPOINT = 20
INVOICE_AFTER, INVOICE_SPREAD = 30_000, 60_000

_NUMBER_BITS = 40


class Due(NamedTuple):
    """An order about to be placed: unique token, instant (ms), customer, item, amount in cents."""

    token: int
    placed_at: int
    customer: str
    item: str
    amount: int


class Order(NamedTuple):
    """An order in the database: the number it was given there, then as in `Due`."""

    number: int
    token: int
    placed_at: int
    customer: str
    item: str
    amount: int


class Invoice(NamedTuple):
    """An invoice in the database: its number, the token of its order, instant (ms), amount in cents."""

    number: int
    token: int
    invoiced_at: int
    amount: int


class Session(NamedTuple):
    """What a session did: rows written; frames recovered from the log at opening; whether the log was emptied.

    A session that has nothing to do does not open the database: ``(0, 0, False)``.
    """

    rows: int
    recovered_frames: int
    checkpointed: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What a database holds: rows by number, frames recovered from a log of ``wal_bytes``, what SQLite says of it.

    ``integrity`` is ``"ok"``, ``"blank"`` (the application never wrote to this disk) or the first fault SQLite found;
    then rows that could not be read are left out.
    """

    orders: tuple[Order, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    recovered_frames: int = 0
    wal_bytes: int = 0
    integrity: str = "ok"


class _App(NamedTuple):
    database: str
    schema: str
    insert: str
    select: str
    row: type[Order] | type[Invoice]
    types: tuple[type, ...]


_SETTLING = ("freeze", "shutdown")
_SESSIONS = (
    "CREATE TABLE application(id INTEGER PRIMARY KEY, sessions INTEGER NOT NULL, through INTEGER NOT NULL) STRICT;"
    "INSERT INTO application VALUES (1, 0, 0);"
)

_APPS: dict[Role, _App] = {
    "orders": _App(
        "orders.db",
        "CREATE TABLE orders(number INTEGER PRIMARY KEY, token INTEGER NOT NULL, placed_at INTEGER NOT NULL, "
        "customer TEXT NOT NULL, item TEXT NOT NULL, amount INTEGER NOT NULL) STRICT;"
        "CREATE INDEX orders_token ON orders(token);",
        "INSERT INTO orders(token, placed_at, customer, item, amount) VALUES (?, ?, ?, ?, ?)",
        "SELECT number, token, placed_at, customer, item, amount FROM orders ORDER BY number",
        Order,
        (int, int, int, str, str, int),
    ),
    "invoices": _App(
        "invoices.db",
        "CREATE TABLE invoices(number INTEGER PRIMARY KEY, token INTEGER NOT NULL, invoiced_at INTEGER NOT NULL, "
        "amount INTEGER NOT NULL) STRICT;"
        "CREATE INDEX invoices_token ON invoices(token);",
        "INSERT INTO invoices(token, invoiced_at, amount) VALUES (?, ?, ?)",
        "SELECT number, token, invoiced_at, amount FROM invoices ORDER BY number",
        Invoice,
        (int, int, int, int),
    ),
}


def token_of(stream: int, number: int) -> int:
    """The identity of order ``number`` (0, 1, ...) of a stream, the same wherever and whenever it is stored."""
    return stream << _NUMBER_BITS | number


def due_orders(seed: int, stream: int, started: int, interval: int, since: int, now: int) -> Iterator[Due]:
    """Orders of a stream placed at instants in ``(since, now]``, in order; all times in ms.

    Order k is placed in ``(started + k * interval, started + (k + 1) * interval]``, where in it is chance. Adjoining
    windows give each order exactly once.
    """
    key = mix(seed, "orders", stream)
    for number in range(max(0, (since - started) // interval), (now - started - 1) // interval + 1):
        chance = mix(key, number)
        placed_at = started + number * interval + 1 + ((chance * interval) >> 64)
        if since < placed_at <= now:
            yield _order(token_of(stream, number), placed_at, mix(chance))


def _order(token: int, placed_at: int, chance: int) -> Due:
    customer, item, amount = chance & 0xFFFF, chance >> 16 & 0xFFFF, chance >> 32
    return Due(token, placed_at, f"C-{1000 + customer % 500}", f"P-{100 + item % 80}", 500 + amount % 99_500)


def invoice_window(since: int, now: int) -> tuple[int, int]:
    """The window ``(since', now']`` of instants at which orders invoiced in ``(since, now]`` may have been placed."""
    return since - INVOICE_AFTER - INVOICE_SPREAD, now - INVOICE_AFTER


def due_invoices(seed: int, placed: Iterable[Due | Order], since: int, now: int) -> Iterator[tuple[int, int, int]]:
    """``(token, invoiced_at, amount)`` of the orders invoiced in ``(since, now]``, by instant.

    An order is invoiced 30 to 90 s after it was placed; ``placed`` may hold more orders than are due.
    """
    due = []
    for order in placed:
        at = order.placed_at + INVOICE_AFTER + below(INVOICE_SPREAD, seed, "invoice", order.token)
        if since < at <= now:
            due.append((at, order.token, order.amount))
    for at, token, amount in sorted(due):
        yield token, at, amount


def session(
    volume: Volume,
    *,
    seed: int,
    stream: int,
    now: int,
    started: int,
    since: int,
    interval: int,
    kind: Kind,
    role: Role,
    source: Iterable[Due | Order] | None = None,
) -> Session:
    """Write to the disk what became due in ``(since, now]``, in one transaction.

    ``stream`` began at ``started`` and has an order each ``interval`` ms. Role ``invoices`` invoices ``source``, the
    orders of the other guest's streams placed in `invoice_window` (``interval`` and ``started`` do not matter then).
    ``freeze`` and ``shutdown`` leave an empty log; ``checkpoint`` begins with emptying it, as every 20th session does,
    and any when the log fills half of its room. A blank disk is laid out when the first row is due.
    What is written depends on the disk and the arguments only. Errors: LabError 900400-900404; the volume must
    then be thrown away.
    """
    if role == "orders":
        rows: list[tuple[Any, ...]] = list(due_orders(seed, stream, started, interval, since, now))
    else:
        rows = list(due_invoices(seed, source or (), since, now))
    directory = _directory(volume, role, create=bool(rows))
    app = _APPS[role]
    if directory is None or not (rows or _must_settle(directory, app, kind)):
        return Session(0, 0, False)
    return _Work(directory, app, (seed, stream, now), rows, kind).run()


def _directory(volume: Volume, role: Role, *, create: bool) -> Directory | None:
    directory = Directory.load(volume)
    wanted = _APPS[role].database
    if directory is None:
        return Directory.lay_out(volume, wanted, _empty_database(role)) if create else None
    if wanted not in directory.files:
        found = ", ".join(sorted(directory.files))
        raise LabError(900404, disk=volume.name, found=found, wanted=wanted)
    return directory


@functools.cache
def _empty_database(role: Role) -> bytes:
    from labkit.guest import vfs

    return vfs.empty_database(_SESSIONS + _APPS[role].schema)


def _must_settle(directory: Directory, app: _App, kind: Kind) -> bool:
    return kind != "cycle" and directory.files[app.database + LOG_SUFFIX].size > 0


@dataclass(frozen=True, slots=True)
class _Work:
    """One session on a disk that is laid out, with something to do."""

    directory: Directory
    app: _App
    salt: tuple[int, int, int]
    rows: list[tuple[Any, ...]]
    kind: Kind

    def run(self) -> Session:
        from labkit.guest import vfs

        with self._opened() as connection:
            sessions = connection.execute("SELECT sessions FROM application WHERE id = 1").get
            frames = vfs.log_frames(connection)
            begins = self._begins_with_checkpoint(sessions)
            if begins:
                vfs.settle(connection)
            else:
                self._write(connection)
        if begins and self.rows:
            # Only a new opening takes over the header of a new log.
            with self._opened() as connection:
                self._write(connection)
        return Session(len(self.rows), frames, begins or self.kind in _SETTLING)

    def _opened(self) -> AbstractContextManager[apsw.Connection]:
        from labkit.guest import vfs

        if self.rows:
            vfs.start_log(self.directory, self.app.database, "log", *self.salt)
        return vfs.connect(self.directory, self.app.database)

    def _begins_with_checkpoint(self, sessions: object) -> bool:
        log = self.directory.files[self.app.database + LOG_SUFFIX]
        turn = isinstance(sessions, int) and sessions % SESSIONS_PER_CHECKPOINT == SESSIONS_PER_CHECKPOINT - 1
        return self.kind == "checkpoint" or (bool(self.rows) and (turn or log.size * 2 > log.room))

    def _write(self, connection: apsw.Connection) -> None:
        from labkit.guest import vfs

        if self.rows:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(self.app.insert, self.rows)
            connection.execute("UPDATE application SET sessions = sessions + 1, through = ?", (self.salt[2],))
            connection.execute("COMMIT")
        if self.kind in _SETTLING:
            vfs.settle(connection)


def look(volume: Volume) -> Look:
    """Open the database on the disk as a guest would after a crash, and tell all of it; the disk stays as it is.

    Recovery writes to a further overlay. LabError 900401 when the directory is damaged; a damaged database is told in
    `Look.integrity`.
    """
    return _look(volume, check=True)


def read_orders(volume: Volume) -> list[Order]:
    """The orders on the disk that can be read, by number, without the check of integrity of `look`."""
    return list(_look(volume, check=False).orders)


def read_invoices(volume: Volume) -> list[Invoice]:
    """The invoices on the disk that can be read, by number, without the check of integrity of `look`."""
    return list(_look(volume, check=False).invoices)


def _look(volume: Volume, *, check: bool) -> Look:
    directory = Directory.load(volume.overlay())
    if directory is None:
        return Look(integrity="blank")
    role = _role(directory)
    app = _APPS[role]
    wal_bytes = directory.files[app.database + LOG_SUFFIX].size
    rows, frames, integrity = _read(directory, app, check=check)
    whole = rows if integrity == "ok" else [row for row in rows if tuple(map(type, row)) == app.types]
    made = tuple(map(app.row._make, whole))
    orders, invoices = (made, ()) if role == "orders" else ((), made)
    return Look(orders, invoices, frames, wal_bytes, integrity)  # type: ignore[arg-type]  # by role


def _role(directory: Directory) -> Role:
    for role, app in _APPS.items():
        if {app.database, app.database + LOG_SUFFIX} <= directory.files.keys():
            return role
    wanted = ", ".join(app.database for app in _APPS.values())
    raise LabError(900404, disk=directory.volume.name, found=", ".join(sorted(directory.files)), wanted=wanted)


def _read(directory: Directory, app: _App, *, check: bool) -> tuple[list[tuple[Any, ...]], int, str]:
    from labkit.guest import vfs

    rows: list[tuple[Any, ...]] = []
    frames, integrity = 0, "ok"
    try:
        with vfs.connect(directory, app.database) as connection:
            # One by one: what comes before a fault is kept.
            rows.extend(connection.execute(app.select))
            frames = vfs.log_frames(connection)
            if check:
                found = str(connection.execute("PRAGMA integrity_check(1)").get)
                integrity = found.removeprefix("*** in database main ***\n")
    except LabError as error:
        integrity = str(error.details.get("reason", error.message))
    return rows, frames, integrity
