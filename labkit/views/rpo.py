"""RPO as break points, from facts: between two of them it grows one second a second (never sampled).

``RPO(t)`` is ``t`` minus the cut of the newest log wholly applied. A curve begins when replication begins (initial
replication is through and the job that finalises it has ended), drops at each cycle to ``at - cut``, and ends when
replication ends: at a failover, or when protection is removed. A failback has a curve of its own, ``failback/VM``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

_FAILBACK = "failback/"
# The task at whose end an unplanned failover gives replication up, well before the VM in Azure is made.
_GIVES_UP = "VmPrepareForUnPlannedFailover"
_REMOVES = "DisableProtectionOnPrimary"


class BreakPoint(NamedTuple):
    """``rpo`` at the instant ``at``, both in ms; None: the curve ends here, what follows is another one."""

    at: int
    rpo: int | None


Curves = dict[str, list[BreakPoint]]


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


def break_points(facts: Iterable[dict[str, Any]], until: int) -> Curves:
    """Break points of all relations by VM (``failback/VM`` for the way back), as far as ``until`` (ms)."""
    curves: dict[str, _Curve] = {}
    for fact in facts:
        _read(curves, fact)
    for curve in curves.values():
        if curve.cut is not None:
            curve.points.append(BreakPoint(until, until - curve.cut))
    return {name: curve.points for name, curve in curves.items() if curve.points}


def _read(curves: dict[str, _Curve], fact: dict[str, Any]) -> None:
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
