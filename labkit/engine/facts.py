"""Facts: what happened in the world, in order, chained by a digest that anybody can compute again.

A fact is a JSON object with ``at`` (ms since the epoch), ``kind``, ``entity`` and integers or short texts. Its
canonical form has sorted keys, no spaces, UTF-8. d(0) is 32 zero bytes, d(n) = SHA-256(d(n-1) + canonical form of
fact n) (promise 4).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from labkit.engine.store import Store

Fact = dict[str, Any]
START = bytes(32)
_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()


def canonical(fact: Fact) -> bytes:
    """Canonical JSON of a fact.

    >>> canonical({"kind": "cycle", "at": 5, "entity": "VM"})
    b'{"at":5,"entity":"VM","kind":"cycle"}'
    """
    return _encoder.encode(fact)


def chain(lines: Iterable[bytes], start: bytes = START) -> bytes:
    """The digest after all lines (each the canonical form of a fact)."""
    digest = start
    for line in lines:
        digest = hashlib.sha256(digest + line).digest()
    return digest


class Facts:
    """Facts not yet written, the number (``count``) of those that are, and the digest of all."""

    def __init__(self, count: int, digest: bytes) -> None:
        self.count, self.digest = count, digest
        self._pending: list[bytes] = []

    def add(self, fact: Fact) -> None:
        """Append a fact."""
        line = _encoder.encode(fact)
        self.digest = hashlib.sha256(self.digest + line).digest()
        self._pending.append(line)

    @property
    def total(self) -> int:
        """The number of all facts, those not yet written among them."""
        return self.count + len(self._pending)

    def unwritten(self) -> Iterator[Fact]:
        """The facts that are not in the file yet, in order."""
        for line in self._pending:
            yield _decoder.decode(line)

    def flush(self, store: Store) -> None:
        """Write what is pending; inside a write transaction."""
        first = self.count + 1
        store.write_many(
            "INSERT INTO facts VALUES (?, ?)",
            zip(itertools.count(first), map(bytes.decode, self._pending), strict=False),
        )
        self.count += len(self._pending)
        self._pending.clear()


def lines(store: Store, after: int = 0, upto: int | None = None, where: str = "", *values: str) -> Iterator[str]:
    """Canonical lines of the committed facts ``after < n <= upto``, in order; of those, what SQLite finds ``where``."""
    last = upto if upto is not None else (store.rows("SELECT coalesce(max(n), 0) FROM facts")[0][0])
    step = 4096
    for start in range(after, last, step):
        sql = f"SELECT fact FROM facts WHERE n > ? AND n <= ? {where} ORDER BY n"
        for (line,) in store.rows(sql, (start, min(start + step, last), *values)):
            yield line


def read(store: Store, after: int = 0, upto: int | None = None, *, without: str = "") -> Iterator[Fact]:
    """The committed facts ``after < n <= upto`` as dictionaries, in order; ``without`` those of a kind."""
    where = ("AND instr(fact, ?) = 0", f'"kind":{_text(without)}') if without else ()
    for line in lines(store, after, upto, *where):
        yield _decoder.decode(line)


def of(store: Store, entity: str) -> Iterator[Fact]:
    """The committed facts of an entity, in order; those of others are passed over without being decoded."""
    for line in lines(store, 0, None, "AND instr(fact, ?)", f'"entity":{_text(entity)}'):
        fact = _decoder.decode(line)
        if fact["entity"] == entity:
            yield fact


def of_kind(store: Store, kind: str) -> Iterator[Fact]:
    """The committed facts of a kind, in order; others are passed over without being decoded."""
    for line in lines(store, 0, None, "AND instr(fact, ?)", f'"kind":{_text(kind)}'):
        fact = _decoder.decode(line)
        if fact["kind"] == kind:
            yield fact


def _text(text: str) -> str:
    return _encoder.encode(text).decode("utf-8")


def count_until(store: Store, at: int) -> int:
    """How many of the committed facts are not later than an instant (ms): they are in order of time."""
    low, high = 0, int(store.rows("SELECT coalesce(max(n), 0) FROM facts")[0][0])
    while low < high:
        middle = (low + high + 1) // 2
        fact = _decoder.decode(store.rows("SELECT fact FROM facts WHERE n = ?", (middle,))[0][0])
        low, high = (middle, high) if fact["at"] <= at else (low, middle - 1)
    return low
