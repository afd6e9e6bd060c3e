"""The lab file: one SQLite database, and the only module that speaks SQL.

Ordering of writes (docs/ordering-of-writes.md): everything a command or a batch of a run did goes into the file in one
transaction, counters and clock included; a crash leaves the file at the last commit, never between two.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labkit.engine import host
from labkit.engine.errors import LabError

SCHEMA = 4
APPLICATION = 0x4C41424B  # "LABK"

_PARTS = (
    "CREATE TABLE IF NOT EXISTS parts (n INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL)"
)
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE entities (kind TEXT, id TEXT, body BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE timers (seq INTEGER PRIMARY KEY, due INTEGER NOT NULL, priority INTEGER NOT NULL,
                     kind TEXT NOT NULL, entity TEXT NOT NULL);
CREATE TABLE facts (n INTEGER PRIMARY KEY, fact TEXT NOT NULL);
CREATE TABLE journal (n INTEGER PRIMARY KEY, wall TEXT NOT NULL, at INTEGER NOT NULL, user TEXT NOT NULL,
                      surface TEXT NOT NULL, command TEXT NOT NULL, arguments TEXT NOT NULL,
                      outcome TEXT NOT NULL, code INTEGER);
CREATE TABLE lease (only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL, token TEXT NOT NULL,
                    host TEXT NOT NULL, pid INTEGER NOT NULL, started INTEGER NOT NULL);
CREATE TABLE openers (token TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, started INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE TABLE chunks (k1 INTEGER, k2 INTEGER, k3 INTEGER, body BLOB NOT NULL, PRIMARY KEY (k1, k2, k3)) WITHOUT ROWID;
CREATE TABLE writes (k1 INTEGER, k2 INTEGER, k3 INTEGER, body BLOB NOT NULL, PRIMARY KEY (k1, k2, k3)) WITHOUT ROWID;
CREATE TABLE cargo (k1 INTEGER, k2 INTEGER, k3 INTEGER, body BLOB NOT NULL, PRIMARY KEY (k1, k2, k3));
CREATE TABLE blobs (k1 INTEGER, k2 INTEGER, k3 INTEGER, body BLOB NOT NULL, PRIMARY KEY (k1, k2, k3));
CREATE TABLE hashes (k1 INTEGER, k2 INTEGER, k3 INTEGER, body BLOB NOT NULL, PRIMARY KEY (k1, k2, k3)) WITHOUT ROWID;
INSERT INTO lease VALUES (1, 0, '', '', 0, 0);
"""

_BEFORE = (2, 3)  # schemas that are brought up when a file is opened: 2 lacks the table of parts, 3 the site's set-up
_WAIT_MS = 10_000


class Conflict(Exception):
    """Another process committed since this snapshot was taken: compute anew."""


def _check_new(path: Path) -> None:
    try:
        exists, folder = path.exists(), path.parent.is_dir()
    except OSError as error:  # such as a name that is too long
        raise LabError(900006, path=path, found=error.strerror) from None
    if exists:
        raise LabError(900001, path=path)
    if not folder:
        raise LabError(900002, path=path, folder=path.parent)


class Store:
    """One connection to a lab file. ``path`` is kept for messages."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = db
        self._log = Path(f"{path}-wal")
        self._version = -1
        self.read_only = False

    @property
    def db(self) -> sqlite3.Connection:
        """The connection; 900009 once it is closed."""
        if self._db is None:
            raise LabError(900009, path=self.path)
        return self._db

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._db is None

    # --- opening and closing ------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path) -> Store:
        """Make a new lab file; refuses an existing one (900001), a missing folder (900002), a bad name (900006)."""
        _check_new(path)
        store = cls(path, cls._connect(path))
        with store._telling():
            store.db.execute("PRAGMA page_size = 16384")
            store.db.execute("PRAGMA journal_mode = WAL")
            store.db.execute(f"PRAGMA application_id = {APPLICATION}")
            store.db.executescript(f"BEGIN IMMEDIATE; {_TABLES} {_PARTS}; PRAGMA user_version = {SCHEMA}; COMMIT;")
            store._settings()
        return store

    @classmethod
    @contextmanager
    def filling(cls, path: Path) -> Iterator[Store]:
        """A new lab file to be given large content first, before anybody can open it; it has its name at the end.

        What is put in (:meth:`fill`) is written once, without a log: the file lies beside its place under another name
        and is removed if anything goes wrong. Refuses as :meth:`create`; 900006 when the system does.
        """
        _check_new(path)
        beside = path.with_name(f".labkit-{uuid.uuid4().hex}.part")
        store = cls.create(beside)
        try:
            with store._telling_of(path):
                for setting in ("journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF"):
                    store.db.execute(f"PRAGMA {setting}").fetchone()
                yield store
                store.db.execute("PRAGMA journal_mode = WAL").fetchone()
                store.close()
                host.to_medium(beside)
            _check_new(path)
            beside.rename(path)
        except BaseException:
            store.close()
            for left in (beside, beside.with_name(beside.name + "-wal"), beside.with_name(beside.name + "-shm")):
                left.unlink(missing_ok=True)
            raise

    @contextmanager
    def _telling_of(self, path: Path) -> Iterator[None]:
        """While a new file is filled: what the system refuses, in plain words (900006)."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise LabError(900006, path=path, found=str(error)) from None

    def fill(self, first: int, blocks: list[tuple[bytes, bytes]]) -> None:
        """Keep bytes under ``first``, ``first + 1``, ... as ``(SHA-256, bytes)``, as they are, in one transaction."""
        self.db.execute("BEGIN")
        self.write_many("INSERT INTO blobs VALUES (?, 0, 0, ?)", ((first + n, b[1]) for n, b in enumerate(blocks)))
        self.write_many("INSERT INTO hashes VALUES (?, 0, 0, ?)", ((first + n, b[0]) for n, b in enumerate(blocks)))
        self.write("INSERT OR REPLACE INTO meta VALUES ('counter.blob', ?)", (first + len(blocks) - 1,))
        self.db.execute("COMMIT")

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Store:
        """Open an existing lab file; refuses what is missing (900003), no lab (900004) or newer than this labkit.

        ``read_only``: an idle file in a folder that cannot be written to is opened as it is.
        """
        if not path.is_file():
            raise LabError(900003, path=path)
        unchanging = (
            read_only and not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
        )
        store = cls(path, cls._connect(path, unchanging=unchanging))
        store.read_only = read_only
        with store._telling():
            store._settings()
            application = store.db.execute("PRAGMA application_id").fetchone()[0]
            schema = store.db.execute("PRAGMA user_version").fetchone()[0]
            if application != APPLICATION:
                raise LabError(900004, path=path, found=f"application id {application}")
            if schema not in (*_BEFORE, SCHEMA):
                raise LabError(900005, path=path, found=schema, choices=SCHEMA)
            store.meta()  # the first page may be whole and the rest not
            if schema in _BEFORE and not read_only:
                store._bring_up()
        return store

    def _bring_up(self) -> None:
        """A file of a schema before this one: what is new in it is empty, and is filled by the next commit.

        What a lab of before does not say of its site, ``labkit.lab.build.bring_up`` adds.
        """
        with self.writing():
            self.write(_PARTS)
            self.write(f"PRAGMA user_version = {SCHEMA}")

    @staticmethod
    def _connect(path: Path, *, unchanging: bool = False) -> sqlite3.Connection:
        name = path.resolve().as_uri() + "?immutable=1" if unchanging else str(path)
        try:
            return sqlite3.connect(
                name, timeout=_WAIT_MS / 1000, isolation_level=None, check_same_thread=False, uri=unchanging
            )
        except sqlite3.Error as error:
            raise LabError(900006, path=path, found=str(error)) from None

    def _settings(self) -> None:
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute("PRAGMA cache_size = -16384")

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """While the file is opened: on an error close it, and say in plain words what it is (900004, 900006)."""
        try:
            yield
        except BaseException as error:
            self.db.close()
            self._db = None
            if isinstance(error, sqlite3.OperationalError):
                raise LabError(900006, path=self.path, found=str(error)) from None
            if isinstance(error, sqlite3.DatabaseError):
                raise LabError(900004, path=self.path, found=str(error)) from None
            raise

    def close(self) -> None:
        """Checkpoint and close; a second call does nothing."""
        if self._db is None:
            return
        try:
            if not self.read_only:
                self.checkpoint()
        finally:
            self._db.close()
            self._db = None

    def checkpoint(self) -> None:
        """Bring everything into the file itself, so that a plain copy of an idle lab is whole (promise 1)."""
        if self.db.in_transaction:
            return
        # Nobody waits for it: while another process reads, that one or the next command brings it in.
        self.db.execute("PRAGMA busy_timeout = 0")
        try:
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self.db.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")

    def waiting(self) -> bool:
        """Whether something committed is not in the file itself yet."""
        try:
            return self._log.stat().st_size > 0
        except OSError:
            return False

    # --- transactions -------------------------------------------------------------------------------------------------

    def changed(self) -> bool:
        """Whether another connection committed since the last call (SQLite's data version)."""
        version = self.db.execute("PRAGMA data_version").fetchone()[0]
        before, self._version = self._version, int(version)
        return before != self._version

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One write transaction, taken at once; rolled back on any error."""
        try:
            self.lock()
            yield
            self.db.execute("COMMIT")
        except BaseException:
            self.rollback()
            raise

    def lock(self) -> None:
        """Begin writing at once; 900007 when the file does not become free."""
        self._begin("BEGIN IMMEDIATE")

    def snapshot(self) -> None:
        """Begin reading one consistent state; blocks nobody."""
        self._begin("BEGIN")
        self.db.execute("SELECT 1 FROM meta LIMIT 1").fetchone()

    def upgrade(self) -> None:
        """Turn the snapshot into a write transaction; :class:`Conflict` when somebody else committed meanwhile."""
        try:
            self.db.execute("UPDATE lease SET epoch = epoch WHERE only = 1")
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                self.rollback()
                raise Conflict from None
            raise

    def commit(self) -> None:
        """End the transaction of :meth:`upgrade`."""
        self.db.execute("COMMIT")

    def rollback(self) -> None:
        """Throw the open transaction away, if there is one."""
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def _begin(self, how: str) -> None:
        try:
            self.db.execute(how)
        except sqlite3.OperationalError as error:
            raise LabError(900007, path=self.path, found=str(error)) from None

    # --- small things -------------------------------------------------------------------------------------------------

    def rows(self, sql: str, arguments: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.db.execute(sql, tuple(arguments)).fetchall()

    def write(self, sql: str, arguments: Iterable[Any] = ()) -> None:
        """One statement inside a write transaction."""
        self.db.execute(sql, tuple(arguments))

    def write_many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """One statement for many rows inside a write transaction."""
        self.db.executemany(sql, rows)

    def meta(self) -> dict[str, Any]:
        """All counters and settings."""
        return dict(self.rows("SELECT key, value FROM meta"))

    def note(self, name: str) -> str | None:
        """What is noted beside the world under a name: how the lab is shown, never what happens in it."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", (f"note.{name}",))
        return str(found[0][0]) if found else None

    def set_note(self, name: str, value: str | None) -> None:
        """Note something, or with None take the note away; in a transaction of its own."""
        with self.writing():
            self.write("DELETE FROM meta WHERE key = ?", (f"note.{name}",))
            if value is not None:
                self.write("INSERT INTO meta VALUES (?, ?)", (f"note.{name}", value))

    def copy(self, target: Path) -> None:
        """A copy of the last committed state under a new name, made beside it and renamed (promise 1)."""
        _check_new(target)
        beside = target.with_name(target.name + ".part")
        beside.unlink(missing_ok=True)
        copy = sqlite3.connect(beside, isolation_level=None)
        try:
            self.db.backup(copy)
            copy.execute("PRAGMA journal_mode = WAL")
            copy.execute("DELETE FROM openers")
            copy.execute("UPDATE lease SET token = '', host = '', pid = 0, started = 0")
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            copy.close()
        beside.rename(target)
