"""Shelves: the bulk tables of a lab file, read from it when asked for and written to it at a commit."""

from __future__ import annotations

import zlib

from labkit.engine.store import Store

Key = tuple[int, int, int]


class Shelf:
    """A table of large values under three integers; reads see what is put but not yet committed.

    What is put and dropped between two commits never reaches the file. With ``packed`` values are compressed in the
    file, but for those that have that many bytes there: these are stored as they are.
    """

    def __init__(self, store: Store, table: str, *, packed: int = 0) -> None:
        self._store, self._table, self._packed = store, table, packed
        self._pending: dict[Key, bytes | None] = {}
        self._under: dict[int, set[Key]] = {}  # the pending ones by their first number
        self._ready: dict[Key, bytes] = {}
        self.held = 0  # bytes that are not in the file yet

    def get(self, key: Key) -> bytes | None:
        """The value, or ``None``."""
        if key in self._pending:
            return self._pending[key]
        sql = f"SELECT body FROM {self._table} WHERE k1 = ? AND k2 = ? AND k3 = ?"
        found = self._store.db.execute(sql, key).fetchone()
        return None if found is None else self._unpack(found[0])

    def _unpack(self, body: bytes) -> bytes:
        return zlib.decompress(body) if self._packed and len(body) != self._packed else body

    def following(self, k1: int, count: int) -> dict[int, bytes]:
        """What the file holds under ``(k1, 0, 0)`` and the numbers after it, ``count`` at most, in one look."""
        sql = f"SELECT k1, body FROM {self._table} WHERE k1 >= ? AND k1 < ? AND k2 = 0 AND k3 = 0"
        rows = self._store.db.execute(sql, (k1, k1 + count))
        return {number: self._unpack(body) for number, body in rows if (number, 0, 0) not in self._pending}

    def put(self, key: Key, body: bytes) -> None:
        """Keep a value at the next commit."""
        self._change(key, body)

    def drop(self, key: Key) -> None:
        """Forget a value at the next commit."""
        self._change(key, None)

    def _change(self, key: Key, body: bytes | None) -> None:
        self.held += len(body or b"") - len(self._pending.get(key) or b"")
        self._pending[key] = body
        self._under.setdefault(key[0], set()).add(key)
        self._ready.pop(key, None)

    def items(self, k1: int, k2: int | None = None) -> list[tuple[Key, bytes]]:
        """All values under ``k1`` (and ``k2``), in order of their keys."""
        sql = f"SELECT k1, k2, k3, body FROM {self._table} WHERE k1 = ?"
        arguments = [k1]
        if k2 is not None:
            sql += " AND k2 = ?"
            arguments.append(k2)
        merged = {(a, b, c): self._unpack(body) for a, b, c, body in self._store.db.execute(sql, arguments)}
        for key in self._under.get(k1, ()):
            if k2 is None or key[1] == k2:
                body = self._pending[key]
                if body is None:
                    merged.pop(key, None)
                else:
                    merged[key] = body
        return sorted(merged.items())

    def keys(self, k1: int, k2: int | None = None) -> set[Key]:
        """The keys under ``k1`` (and ``k2``); no value is read."""
        sql, arguments = f"SELECT k1, k2, k3 FROM {self._table} WHERE k1 = ?", [k1]
        if k2 is not None:
            sql += " AND k2 = ?"
            arguments.append(k2)
        found: set[Key] = set(self._store.db.execute(sql, arguments))
        for key in self._under.get(k1, ()):
            if k2 is None or key[1] == k2:
                (found.discard if self._pending[key] is None else found.add)(key)
        return found

    def all_keys(self) -> set[Key]:
        """All keys."""
        found = set(self._store.db.execute(f"SELECT k1, k2, k3 FROM {self._table}"))
        for key, body in self._pending.items():
            (found.discard if body is None else found.add)(key)
        return found

    def prepare(self) -> None:
        """Do the slow part of a flush (compressing) before the write lock is taken."""
        if self._packed:
            for key, body in self._pending.items():
                if body is not None and key not in self._ready:
                    small = zlib.compress(body, 1)
                    self._ready[key] = body if len(small) >= self._packed == len(body) else small

    def flush(self) -> None:
        """Write what is pending; inside a write transaction."""
        self.prepare()
        gone = [key for key, body in self._pending.items() if body is None]
        kept = [(*key, self._ready.get(key, body)) for key, body in self._pending.items() if body is not None]
        if gone:
            sql = f"DELETE FROM {self._table} WHERE k1 = ? AND k2 = ? AND k3 = ?"
            self._store.write_many(sql, gone)
        if kept:
            sql = f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?, ?, ?)"
            self._store.write_many(sql, kept)
        self._pending.clear()
        self._under.clear()
        self._ready.clear()
        self.held = 0
