"""Recovery points and how they are thinned out: rule 2.7-5, in one function.

The last 60 minutes keep every point a cycle made (60 min / frequency of them when no cycle is late); a retention of N
hours adds at most N older ones, the first of each hour.
"""

from __future__ import annotations

import bisect
import operator

import msgspec

from labkit.disks.record import Place
from labkit.engine.units import HOUR

CRASH, APPLICATION, FILES = "crash-consistent", "application-consistent", "file-system-consistent"


class Point(msgspec.Struct, array_like=True, frozen=True):
    """A state of the replica: its number, the instant of the source it shows (ms), its kind, its place."""

    number: int
    cut: int
    kind: str
    place: Place


def keep(points: list[Point], frequency: int, retention: int) -> None:
    """Thin ``points`` (oldest first, the newest just added), in place.

    ``frequency`` in ms, ``retention`` in hours (0 to 24).
    """
    newest = points[-1].cut
    recent = _recent(points, newest - HOUR, HOUR // frequency)
    if recent > 1 and _one_more(points, recent, frequency, retention):
        return
    hourly: list[Point] = []
    for point in points[:recent]:
        if point.cut > newest - (retention + 1) * HOUR and (not hourly or point.cut // HOUR != hourly[-1].cut // HOUR):
            hourly.append(point)
    first = max(recent, len(points) - HOUR // frequency)
    points[:first] = hourly[len(hourly) - min(retention, len(hourly)) :]


def keep_hourly(points: list[Point], count: int) -> None:
    """Thin the points of a replica on a host, in place: the newest, and ``count`` more, the first of each clock hour.

    0 to 24 of them on Windows Server 2012 R2, 0 to 15 on 2012 (facts.md 1.4).
    """
    kept: list[Point] = []
    for point in points[:-1]:
        if not kept or point.cut // HOUR != kept[-1].cut // HOUR:
            kept.append(point)
    points[:-1] = kept[len(kept) - min(count, len(kept)) :]


def _recent(points: list[Point], edge: int, usual: int) -> int:
    """Where the points after ``edge`` (ms) begin; looked for first where they do when no cycle was late."""
    guess = len(points) - usual
    if guess > 0 and points[guess - 1].cut <= edge < points[guess].cut:
        return guess
    return bisect.bisect_right(points, edge, key=_cut)


def _one_more(points: list[Point], recent: int, frequency: int, retention: int) -> bool:
    """The usual case, quickly: since the last time one point at most has become an hour old, and none too old.

    Thinned as the older ones are, it goes if another of its hour is kept; whether that was the case and is done.
    """
    before = points[-2].cut - HOUR  # what was an hour old the last time
    newest, last = points[-1].cut, points[recent - 1]
    if points[0].cut <= newest - (retention + 1) * HOUR or len(points) - recent > HOUR // frequency:
        return False
    if points[recent - 2].cut > before or recent - 1 > retention:
        return False
    if last.cut > before:
        if last.cut // HOUR != points[recent - 2].cut // HOUR:
            return False
        del points[recent - 1]
    return True


_cut = operator.attrgetter("cut")
