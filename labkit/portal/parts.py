"""What a view is made of: each part tells its page what there is, then what is new, and does what was clicked."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import Any, Protocol

from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.units import HOUR
from labkit.portal.heart import Heart
from labkit.site import inventory
from labkit.views import charts, events
from labkit.views.rpo import BreakPoint, Curves

SPEEDS = (60, 600, 3600)
_MOST_POINTS, _FEWEST_POINTS, _WHOLE = 30_000, 100, 6 * HOUR


def _thinned(points: list[BreakPoint], since: int, most: int) -> list[BreakPoint]:
    """What is older than ``since`` (ms) in a few points, what is newer whole: there one reads values."""
    newer = bisect.bisect_left(points, since, key=lambda point: point.at)
    return [*charts.thin(points[:newer], most), *points[newer:]]


class Part(Protocol):
    """A part of a view; ``name`` is the page's name for it."""

    name: str

    def state(self) -> dict[str, Any]:
        """Everything, for a page that has nothing yet."""

    def news(self) -> dict[str, Any] | None:
        """What the pages have not been told; None for nothing."""

    def do(self, what: str, value: Any) -> None:
        """What was clicked."""

    def figure(self) -> Any:
        """The same as a matplotlib figure of this moment; None for what is no picture."""


class ClockPart:
    """The clock: the instant, who plays it and how fast; play, pause, speed, skip to the next event."""

    name = "clock"

    def __init__(self, heart: Heart) -> None:
        self._heart = heart
        self._told: dict[str, Any] = {}
        self._offset = heart.lab.read(lambda world: inventory.site_of(world).offset_min)
        self._begin = heart.lab.read(lambda world: inventory.site_of(world).start)

    def state(self) -> dict[str, Any]:
        """Instant (ms), zone (minutes), state, speed, and a note."""
        clock = self._heart.lab.clock
        player = None if clock.playing else clock.player
        self._told = {
            "now": self._heart.follower.now,
            "begin": self._begin,
            "offset": self._offset,
            "state": "playing" if clock.playing else "elsewhere" if player is not None else "paused",
            "speed": int(clock.speed),
            "speeds": list(SPEEDS),
            "note": self._note(),
        }
        return self._told

    def news(self) -> dict[str, Any] | None:
        """The state, when it is another one."""
        before = self._told
        return after if (after := self.state()) != before else None

    def _note(self) -> str:
        heart, clock = self._heart, self._heart.lab.clock
        if isinstance(clock.error, LabError):
            return f"{clock.error.message} {clock.error.action}"
        if clock.error is not None:
            return repr(clock.error)
        if heart.waiting is not None:
            waiting = heart.lab.show_instant(heart.waiting)
            return _("A cell lets time pass until {time}.").format(time=waiting[:19].replace("T", " "))
        return heart.note

    def do(self, what: str, value: Any) -> None:
        """``play``, ``pause``, ``speed`` (one of ``SPEEDS``), ``skip``."""
        heart, clock = self._heart, self._heart.lab.clock
        heart.note, clock.error = "", None
        if what == "pause":
            clock.pause()
        elif what == "skip":
            happened = clock.skip(heart.waiting)
            heart.note = events.headline(happened) if happened is not None else _("Nothing has happened.")
        elif what == "speed" and value in SPEEDS:
            clock.speed = float(value)
        elif what == "play":
            clock.play(clock.speed, until=heart.waiting)
        else:
            raise LabError(900801, found=f"{what} {value}")

    def figure(self) -> Any:
        """None: a clock is no picture."""
        return None


class RpoPart:
    """RPO of VMs over virtual time. ``vms``: names, None for all; ``target``: ms, None for the site's objective."""

    name = "rpo"

    def __init__(self, heart: Heart, vms: Iterable[str] | None = None, target: int | None = None) -> None:
        self._heart = heart
        self._vms = None if vms is None else tuple(vms)
        site = heart.lab.read(inventory.site_of)
        self._target = site.objectives.rpo if target is None else target
        self._offset = site.offset_min
        self._sent: dict[str, int] = {}
        self._marks, self._round, self._now = 0, -1, -1

    def _wanted(self, curves: Curves) -> Curves:
        if self._vms is None:
            return curves
        return {name: points for name, points in curves.items() if name.removeprefix("failback/") in self._vms}

    def state(self) -> dict[str, Any]:
        """Every curve, thinned where it is long; a curve goes on to ``now`` unless its last value is null."""
        follower = self._heart.follower
        points = self._wanted(follower.points())
        most = max(_FEWEST_POINTS, _MOST_POINTS // max(1, len(points)))
        self._sent = {name: len(of) for name, of in points.items()}
        self._marks, self._round, self._now = len(follower.marks), follower.round, follower.now
        return {
            "all": True,
            "now": follower.now,
            "offset": self._offset,
            "target": self._target,
            "series": {name: _thinned(of, follower.now - _WHOLE, most) for name, of in points.items()},
            "titles": {name: charts.title(name) for name in points},
            "marks": follower.marks,
            "colours": list(charts.SERIES),
            "steps": list(charts.STEPS),
        }

    def news(self) -> dict[str, Any] | None:
        """The points since the last time, and the instant; everything when another file took the lab's place."""
        follower = self._heart.follower
        if self._round != follower.round:
            return self.state()
        if self._now == follower.now and self._marks == len(follower.marks):
            return None
        series: dict[str, list[BreakPoint]] = {}
        for name, points in self._wanted(follower.points()).items():
            if len(points) > self._sent.get(name, 0):
                series[name] = points[self._sent.get(name, 0) :]
                self._sent[name] = len(points)
        marks = follower.marks[self._marks :]
        self._marks, self._now = len(follower.marks), follower.now
        titles = {name: charts.title(name) for name in series}
        return {"now": follower.now, "series": series, "titles": titles, "marks": marks}

    def do(self, what: str, value: Any) -> None:
        """Nothing in the chart changes the lab."""
        raise LabError(900801, found=f"{what} {value}")

    def figure(self) -> Any:
        """The same picture, drawn by matplotlib."""
        follower = self._heart.follower
        return charts.rpo_chart(
            self._wanted(follower.curves()), target=self._target, marks=follower.marks, offset_min=self._offset
        )
