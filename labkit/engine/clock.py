"""Virtual time: timers in order of (due, priority, seq), and the handlers found under a timer's kind.

Timers are rows at every commit and live in a heap between commits (promise 3). A cancelled timer stays in the heap
until its turn and is then passed over.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from labkit.engine.world import World


class Timer(NamedTuple):
    """One timer: due in ms since the epoch; among equal ones the smaller priority, then the older one, goes first."""

    due: int
    priority: int
    seq: int
    kind: str
    entity: str


_make = tuple.__new__
Handler = Callable[["World", Timer], None]
HANDLERS: dict[str, Handler] = {}


def on(kind: str) -> Callable[[Handler], Handler]:
    """Register the handler of a kind of timer."""

    def register(handler: Handler) -> Handler:
        if kind in HANDLERS:
            raise RuntimeError(f"two handlers for {kind}")
        HANDLERS[kind] = handler
        return handler

    return register


class Timers:
    """The heap. ``next_seq`` is saved with the rows, so that order does not depend on when a commit falls."""

    def __init__(self, rows: list[Timer], next_seq: int) -> None:
        self.next_seq = next_seq
        self._heap = sorted(rows)
        self._live = {timer.seq for timer in rows}

    def add(self, due: int, kind: str, entity: str, priority: int = 50) -> int:
        """Set a timer; returns its ``seq``, by which it can be cancelled."""
        seq = self.next_seq
        self.next_seq = seq + 1
        # Several for each cycle: made without the detour by the named tuple's own function in Python.
        heapq.heappush(self._heap, _make(Timer, (due, priority, seq, kind, entity)))
        self._live.add(seq)
        return seq

    def cancel(self, seq: int) -> None:
        """Forget a timer; one that is gone already is no error."""
        self._live.discard(seq)

    def due(self, seq: int) -> int | None:
        """The instant (ms) of a timer by its ``seq``; None when there is none."""
        return next((timer.due for timer in self._heap if timer.seq == seq), None) if seq in self._live else None

    def cancel_for(self, kind: str, entity: str) -> None:
        """Forget all timers of a kind for an entity."""
        for timer in self.rows():
            if timer.kind == kind and timer.entity == entity:
                self.cancel(timer.seq)

    def take(self, until: int | None = None) -> Timer | None:
        """The next timer that is due by ``until`` (ms), taken out; ``None`` when there is none."""
        heap, live = self._heap, self._live
        while heap:
            timer = heap[0]
            seq = timer[2]
            if seq in live:
                if until is not None and timer[0] > until:
                    return None
                live.remove(seq)
                return heapq.heappop(heap)
            heapq.heappop(heap)
        return None

    def rows(self) -> list[Timer]:
        """All live timers in order."""
        return sorted(timer for timer in self._heap if timer.seq in self._live)
