"""Long lists of entities, kept in rows of their own: only what came and went is written at a commit.

A relation has up to 144 recovery points, and a cycle changes two of them. With them in the relation's own row, a commit
with 200 VMs wrote all the 28,800. A row holds the elements one commit brought, as JSON; rows are in order of their
numbers, so that what comes and what is thinned out an hour later lie side by side in the file.
"""

from __future__ import annotations

import bisect
import itertools
import operator
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from labkit.engine.store import Store

Owner = tuple[str, str]  # kind and id of an entity
_encode = msgspec.json.Encoder().encode


class _Kept(NamedTuple):
    """A list as the file has it: its elements, and beside each the number of the row it is in (ascending)."""

    elements: list[Any]
    numbers: list[int]


class Parts:
    """The rows as they are in the file, and what has to be written to bring them up to date.

    Elements are immutable and told apart by identity; they may be appended and removed, in any way.
    """

    def __init__(self, store: Store, decoders: dict[str, msgspec.json.Decoder[list[Any]]]) -> None:
        self._lists: defaultdict[Owner, _Kept] = defaultdict(lambda: _Kept([], []))
        self._last = 0
        self._changed: list[tuple[int, str, str, bytes]] = []
        self._gone: list[tuple[int]] = []
        if not store.rows("SELECT 1 FROM sqlite_master WHERE name = 'parts'"):
            return  # a file of an earlier version that is only read: its lists are in the entities' own rows
        for number, kind, name, body in store.rows("SELECT n, kind, id, body FROM parts ORDER BY n"):
            elements, kept = decoders[kind].decode(body), self._lists[kind, name]
            kept.elements.extend(elements)
            kept.numbers.extend([number] * len(elements))
            self._last = number

    def of(self, owner: Owner) -> list[Any]:
        """The whole list of an entity, as the file has it."""
        return list(self._lists[owner].elements)

    def compare(self, owner: Owner, now: list[Any]) -> None:
        """Note what has to be written so that the list of an entity becomes ``now``."""
        before, numbers = self._lists[owner]
        # How much of both is the same from the front on, without a loop in Python.
        differ = itertools.compress(itertools.count(), map(operator.is_not, before, now))
        same = next(differ, min(len(before), len(now)))
        kept = _Kept(before[:same], numbers[:same])
        touched: dict[int, None] = {}
        at = place = same
        while place < len(before):
            if at < len(now) and before[place] is now[at]:
                end = len(before) if before[place:] == now[at : at + len(before) - place] else place + 1
                kept.elements.extend(before[place:end])
                kept.numbers.extend(numbers[place:end])
                at, place = at + end - place, end
            else:
                touched[numbers[place]] = None
                place += 1
        if at < len(now):
            self._last += 1
            touched[self._last] = None
            kept.elements.extend(now[at:])
            kept.numbers.extend([self._last] * (len(now) - at))
        self._lists[owner] = kept
        self._note(owner, kept, touched)

    def _note(self, owner: Owner, kept: _Kept, touched: Iterable[int]) -> None:
        for number in touched:
            first, end = bisect.bisect_left(kept.numbers, number), bisect.bisect_right(kept.numbers, number)
            if first < end:
                self._changed.append((number, *owner, _encode(kept.elements[first:end])))
            else:
                self._gone.append((number,))

    def drop(self, owners: Iterable[Owner]) -> None:
        """The entities are gone."""
        for owner in owners:
            self._gone += [(number,) for number in dict.fromkeys(self._lists.pop(owner, _Kept([], [])).numbers)]

    def flush(self, store: Store) -> None:
        """Write what was noted; inside a write transaction."""
        store.write_many("DELETE FROM parts WHERE n = ?", self._gone)
        store.write_many("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)", self._changed)
        self._gone.clear()
        self._changed.clear()
