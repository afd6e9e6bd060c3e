"""Long lists of entities, kept in rows of their own: only what came and went is written at a commit.

A relation has up to 144 recovery points, and a cycle changes two of them. With them in the relation's own row, a commit
with 200 VMs wrote all the 28,800. A row holds the elements one commit brought, as JSON; rows are in order of their
numbers, so that what comes and what is thinned out an hour later lie side by side in the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from labkit.engine.store import Store

Owner = tuple[str, str]  # kind and id of an entity
Row = tuple[int, list[Any]]
_encode = msgspec.json.Encoder().encode


class Parts:
    """The rows as they are in the file, and what has to be written to bring them up to date.

    Elements are immutable and told apart by identity; they may be appended and removed, in any way.
    """

    def __init__(self, store: Store, decoders: dict[str, msgspec.json.Decoder[list[Any]]]) -> None:
        self._rows: dict[Owner, list[Row]] = {}
        self._last = 0
        self._changed: list[tuple[int, str, str, bytes]] = []
        self._gone: list[tuple[int]] = []
        if not store.rows("SELECT 1 FROM sqlite_master WHERE name = 'parts'"):
            return  # a file of an earlier version that is only read: its lists are in the entities' own rows
        for number, kind, name, body in store.rows("SELECT n, kind, id, body FROM parts ORDER BY n"):
            self._rows.setdefault((kind, name), []).append((number, decoders[kind].decode(body)))
            self._last = number

    def of(self, owner: Owner) -> list[Any]:
        """The whole list of an entity, as the file has it."""
        return [element for _, elements in self._rows.get(owner, ()) for element in elements]

    def compare(self, owner: Owner, now: list[Any]) -> None:
        """Note what has to be written so that the list of an entity becomes ``now``."""
        rows, at, kept = self._rows.get(owner, []), 0, []
        for row in rows:
            number, before = row
            end = at + len(before)
            if now[at:end] == before:  # all of it is still there, as nearly always
                at = end
                kept.append(row)
                continue
            left = []
            for element in before:
                if at < len(now) and now[at] is element:
                    left.append(element)
                    at += 1
            self._write(number, owner, left, kept)
        if at < len(now):
            self._last += 1
            self._write(self._last, owner, now[at:], kept)
        self._rows[owner] = kept

    def _write(self, number: int, owner: Owner, elements: list[Any], kept: list[Row]) -> None:
        if elements:
            kept.append((number, elements))
            self._changed.append((number, *owner, _encode(elements)))
        else:
            self._gone.append((number,))

    def drop(self, owners: Iterable[Owner]) -> None:
        """The entities are gone."""
        for owner in owners:
            self._gone += [(number,) for number, _ in self._rows.pop(owner, ())]

    def flush(self, store: Store) -> None:
        """Write what was noted; inside a write transaction."""
        store.write_many("DELETE FROM parts WHERE n = ?", self._gone)
        store.write_many("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)", self._changed)
        self._gone.clear()
        self._changed.clear()
