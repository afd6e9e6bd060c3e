"""RPO as break points, from facts: between two of them it grows one second a second (never sampled).

``RPO(t)`` is ``t`` minus the cut of the newest log wholly applied. A curve begins when replication begins (initial
replication is through and the job that finalises it has ended), drops at each cycle to ``at - cut``, and ends when
replication ends: at a failover, or when protection is removed. A failback has a curve of its own, ``failback/VM``.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar, cast

from labkit.engine import facts
from labkit.engine.facts import Fact
from labkit.views import events
from labkit.views.events import Mark

if TYPE_CHECKING:
    import pandas as pd

    from labkit.lab import Lab

_FAILBACK = "failback/"
# The task at whose end an unplanned failover gives replication up, well before the VM in Azure is made.
_GIVES_UP = "VmPrepareForUnPlannedFailover"
_REMOVES = "DisableProtectionOnPrimary"


class BreakPoint(NamedTuple):
    """``rpo`` at the instant ``at``, both in ms; None: the curve ends here, what follows is another one."""

    at: int
    rpo: int | None


Curves = dict[str, list[BreakPoint]]


class Reader(Protocol):
    """What is counted from facts as they come; made with the lab. ``history``: it needs the facts of before, too."""

    history: ClassVar[bool]

    def __init__(self, lab: Lab) -> None: ...

    def feed(self, facts: list[Fact]) -> None:
        """Go on with the facts that follow those fed before."""

    def forget(self) -> None:
        """Begin anew: another file took the lab's place."""


R = TypeVar("R", bound=Reader)


class _Curve:
    def __init__(self) -> None:
        self.points: list[BreakPoint] = []
        self.snapshot: int | None = None
        self.cut: int | None = None

    def begin(self, at: int) -> None:
        if self.snapshot is not None and self.cut is None:
            self.cut = self.snapshot
            self.points.append(BreakPoint(at, at - self.cut))

    def cycle(self, at: int, cut: int) -> None:
        if self.cut is not None:
            self.points += [BreakPoint(at, at - self.cut), BreakPoint(at, at - cut)]
            self.cut = cut

    def end(self, at: int) -> None:
        if self.cut is not None:
            self.points += [BreakPoint(at, at - self.cut), BreakPoint(at, None)]
        self.snapshot = self.cut = None


class Follower:
    """The curves of a lab, kept up with it: each look reads only the facts that are new since the last one.

    ``now``: the instant (ms) of the last look; ``seen``: facts read so far. ``round`` grows when everything has to be
    shown anew, because the file is not the one that was followed.
    """

    def __init__(self) -> None:
        self.now, self.seen, self.round = 0, 0, 0
        self._marks: dict[Mark, None] = {}
        self._curves: dict[str, _Curve] = {}
        self._readers: weakref.WeakValueDictionary[type[Any], Reader] = weakref.WeakValueDictionary()
        self._behind: dict[type[Any], int] = {}  # how many facts those have been fed that have not caught up yet

    def reader(self, lab: Lab, kind: type[R]) -> R:
        """The reader of a kind, fed at each look like this one; one for all who ask, as long as one of them has it."""
        return self.prepare(lab, kind, sys.maxsize)

    def prepare(self, lab: Lab, kind: type[R], most: int) -> R:
        """The same, but of the facts of before only so many are read now, the next ones with the next call."""
        found = self._readers.get(kind)
        if found is None:
            found = self._readers[kind] = kind(lab)
            self._behind[kind] = 0 if kind.history else self.seen
        place = self._behind.get(kind, self.seen)
        if place < self.seen:
            until = min(self.seen, place + most)
            found.feed(lab.read(lambda world: list(facts.read(world.store, place, until))))
            self._behind[kind] = until
        if self._behind.get(kind) == self.seen:
            del self._behind[kind]
        return cast("R", found)

    def look(self, lab: Lab) -> bool:
        """Read what is new; whether facts or instant differ from the last look."""
        now, count, news = lab.news(self.seen)
        if count < self.seen:  # a checkpoint was put in the lab's place
            self._curves, self._marks, self.seen, self.round = {}, {}, 0, self.round + 1
            for reader in self._readers.values():
                reader.forget()
            self._behind.clear()
            now, count, news = lab.news(0)
        changed = (now, count) != (self.now, self.seen)
        self.feed(news)
        for kind, reader in self._readers.items() if news else ():
            if kind not in self._behind:
                reader.feed(news)
        self.now, self.seen = now, count
        return changed

    def feed(self, facts: Iterable[Fact]) -> None:
        """Go on with the facts that follow those fed before."""
        for fact in facts:
            _read(self._curves, fact)
            words = events.text(fact)
            if words is not None:
                self._marks[Mark(int(fact["at"]), words)] = None

    @property
    def marks(self) -> list[Mark]:
        """Events worth a line in a chart, in order; those of one instant and text are one."""
        return list(self._marks)

    def points(self) -> Curves:
        """The points that will not change any more, by VM: a curve that goes on is not drawn as far as now yet."""
        return {name: curve.points for name, curve in self._curves.items() if curve.points}

    def curves(self, until: int | None = None) -> Curves:
        """The curves as far as ``until`` (ms; default: the last look)."""
        until = self.now if until is None else until
        return {
            name: curve.points if curve.cut is None else [*curve.points, BreakPoint(until, until - curve.cut)]
            for name, curve in self._curves.items()
            if curve.points
        }


def break_points(facts: Iterable[Fact], until: int) -> Curves:
    """Break points of all relations by VM (``failback/VM`` for the way back), as far as ``until`` (ms)."""
    follower = Follower()
    follower.feed(facts)
    return follower.curves(until)


def _read(curves: dict[str, _Curve], fact: Fact) -> None:
    kind, entity, at = fact["kind"], str(fact["entity"]), int(fact["at"])
    curve = curves.get(entity)
    if kind == "initial.started":
        curves.setdefault(entity, _Curve()).snapshot = at
    elif kind == "failback":
        if _FAILBACK + entity in curves:
            curves[_FAILBACK + entity].end(at)
    elif curve is None:
        return
    elif kind == "cycle":
        curve.cycle(at, int(fact["cut"]))
    elif (kind == "initial.ended" and entity.startswith(_FAILBACK)) or (
        kind == "job.ended" and fact["scenario"] == "IrCompletion" and fact["state"] == "Succeeded"
    ):
        curve.begin(at)
    elif kind == "failover" or (kind == "job.task" and fact["task"] in (_GIVES_UP, _REMOVES)):
        curve.end(at)


def worst(points: list[BreakPoint]) -> int | None:
    """The largest RPO of a curve in ms."""
    return max((point.rpo for point in points if point.rpo is not None), default=None)


def at(points: list[BreakPoint], instant: int) -> int | None:
    """RPO in ms at an instant; None where no replication is."""
    before: BreakPoint | None = None
    for point in points:
        if point.at > instant:
            break
        before = point
    if before is None or before.rpo is None or (before is points[-1] and instant > before.at):
        return None
    return before.rpo + instant - before.at


def frame(curves: Curves, offset_min: int = 0) -> pd.DataFrame:
    """One row per break point: ``vm``, ``at`` (in the site's zone), ``at_ms``, ``rpo_s`` (NaN where a curve ends)."""
    import pandas as pd

    rows = [(name, point.at, point.rpo) for name, points in curves.items() for point in points]
    table = pd.DataFrame(rows, columns=["vm", "at_ms", "rpo_ms"])
    zone = timezone(timedelta(minutes=offset_min))
    table["at"] = pd.to_datetime(table["at_ms"], unit="ms", utc=True).dt.tz_convert(zone)
    table["rpo_s"] = table["rpo_ms"].astype("float64") / 1000
    return table[["vm", "at", "at_ms", "rpo_s"]]
