"""The charts beside RPO, as parts of a view: churn against line, recovery points, jobs, cost.

Each is told facts as they come, by readers that all views of a lab share, and tells its page what is new. What cannot
be counted from new facts alone (data that waits, prices) is asked for so seldom that it takes a few thousandths of the
time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.azure.billing import COMPONENTS
from labkit.azure.prices import price_list
from labkit.engine.errors import LabError
from labkit.engine.units import DAY, MINUTE
from labkit.engine.world import World
from labkit.portal.heart import Heart
from labkit.portal.seldom import Seldom
from labkit.site import inventory
from labkit.views import churn, costs, jobs, points, titles
from labkit.views.churn import Churn, ChurnBetweenSites


def _refuse(what: str, value: Any) -> None:
    raise LabError(900801, found=f"{what} {value}")


class ChurnPart:
    """What all VMs write against what the line carries. ``sites``: the line between two sites; None: the lab's own."""

    name = "churn"

    def __init__(self, heart: Heart, *, sites: bool | None = None) -> None:
        self._heart = heart
        self._sites = churn.between_sites(heart.lab) if sites is None else sites
        self._churn: Churn = heart.follower.reader(heart.lab, ChurnBetweenSites if self._sites else Churn)
        self._offset = heart.lab.read(inventory.site_of).offset_min
        self._pending: int | None = None
        self._pending_at, self._seldom = -1, Seldom()
        self._place, self._steps, self._round, self._now = 0, 0, -1, -1

    def _ask(self) -> None:
        """Size of data yet to be replicated, the lab's own count."""
        now, lab = self._heart.follower.now, self._heart.lab
        if self._pending_at != now and self._seldom.due:
            self._pending = self._seldom.ask(lambda: lab.read(lambda world: churn.pending(world, sites=self._sites)))
            self._pending_at = now

    def state(self) -> dict[str, Any]:
        """Minutes of the last day, hours of what is older (minute or hour since 1970, written, arrived), the line."""
        found, follower = self._churn, self._heart.follower
        found.advance(follower.now)
        self._seldom = Seldom()
        self._ask()
        since = (follower.now - DAY) // MINUTE // 60 * 60
        self._place, self._steps, self._round, self._now = found.place, len(found.steps), follower.round, follower.now
        newer = sorted(minute for minute in {*found.written, *found.arrived} if minute >= since)
        return {
            "all": True,
            "offset": self._offset,
            "widths": list(churn.WIDTHS),
            "hours": found.older(since),
            "minutes": found.minutes(newer),
            "line": list(found.steps),
            **self._now_words(),
        }

    def _now_words(self) -> dict[str, Any]:
        found = self._churn
        return {
            "now": self._heart.follower.now,
            "known": found.known,
            "pending": self._pending,
            "silent": found.silent,
        }

    def news(self) -> dict[str, Any] | None:
        """The minutes that have changed, the line's new steps, and the instant."""
        found, follower = self._churn, self._heart.follower
        changed = found.changed(self._place)
        if self._round != follower.round or changed is None:
            return self.state()
        asked = self._pending_at
        self._ask()
        if self._now == follower.now and self._place == found.place and asked == self._pending_at:
            return None
        found.advance(follower.now)
        steps = found.steps[self._steps :]
        self._place, self._steps, self._now = found.place, len(found.steps), follower.now
        return {"minutes": found.minutes(changed), "line": steps, **self._now_words()}

    def do(self, what: str, value: Any) -> None:
        """Nothing in the chart changes the lab."""
        _refuse(what, value)

    def figure(self) -> Any:
        """The same picture, drawn by matplotlib."""
        from labkit.views import stills

        self._churn.advance(self._heart.follower.now)
        self._ask()
        return stills.churn_chart(self._churn, self._heart.follower.now, pending=self._pending, offset_min=self._offset)


class PointsPart:
    """Recovery points of a VM. ``picked``: the id of the chosen one, None for none; ``on_pick`` is called with it.

    A point that is picked is looked into as ``lab.vault.look_into`` does, unless ``look`` is False.
    """

    name = "points"

    def __init__(
        self,
        heart: Heart,
        vm: str,
        *,
        picked: int | None = None,
        on_pick: Callable[[int | None], None] | None = None,
        look: bool = True,
    ) -> None:
        self._heart, self.vm, self.picked = heart, vm, picked
        self._on_pick, self._looks = on_pick, look
        self._news = heart.follower.reader(heart.lab, points.PointNews)
        self._offset = heart.lab.read(inventory.site_of).offset_min
        self._seen = points.Points([], 0, stopped=False)
        self._look: dict[str, Any] | None = None
        self._version: tuple[int, int] | None = None
        self._told: tuple[Any, ...] = ()
        self._round = -1

    def _read(self) -> bool:
        """Read the points if they may be others; whether they were read."""
        version = self._news.of(self.vm)
        if version == self._version:
            return False
        self._version = version
        self._seen = self._heart.lab.read(lambda world: points.read(world, self.vm))
        if self.picked is not None and all(point.id != self.picked for point in self._seen.points):
            self._choose(None)  # thinned out meanwhile
        return True

    def _choose(self, number: int | None) -> None:
        self.picked, self._look = number, None
        if self._on_pick is not None:
            self._on_pick(number)

    def show(self, number: int | None) -> None:
        """Another point was chosen elsewhere, such as in a table beside the chart."""
        if number != self.picked:
            self.picked, self._look = number, None

    def _present(self) -> dict[str, Any]:
        seen = self._seen
        self._told = (self._heart.follower.now, self.picked, self._look)
        return {
            "now": self._heart.follower.now,
            "until": seen.until,
            "stopped": seen.stopped,
            "picked": self.picked,
            "look": self._look,
        }

    def state(self) -> dict[str, Any]:
        """All points (id, instant, kind), oldest first; the picked one, and what was found in it."""
        self._round = self._heart.follower.round
        self._version = None
        self._read()
        return {
            "all": True,
            "vm": self.vm,
            "offset": self._offset,
            "kinds": [(kind, titles.point(kind)) for kind in points.KINDS],
            "points": self._seen.points,
            "gone": [],
            **self._present(),
        }

    def news(self) -> dict[str, Any] | None:
        """Points that came and went, the instant, and what was picked."""
        if self._round != self._heart.follower.round:
            return self.state()
        before = self._seen.points
        read = self._read()
        if not read and self._told == (self._heart.follower.now, self.picked, self._look):
            return None
        found = self._present()
        if read and before != self._seen.points:
            known, there = set(before), set(self._seen.points)
            found["points"] = [point for point in self._seen.points if point not in known]
            found["gone"] = [point.id for point in before if point not in there]
        return found

    def do(self, what: str, value: Any) -> None:
        """``pick``: a point by its id, or None; 900522 for one there is not."""
        if what != "pick":
            _refuse(what, value)
        self._read()
        numbers = [point.id for point in self._seen.points]
        if value is not None and value not in numbers:
            raise LabError(900522, vm=self.vm, found=value, choices=", ".join(map(str, numbers)) or "-")
        self._choose(value)
        if value is not None and self._looks:
            self._look = self._look_into(value)

    def _look_into(self, number: int) -> dict[str, Any]:
        lab = self._heart.lab
        try:
            seen = lab.vault.look_into(self.vm, number)
        except LabError as refused:  # an encrypted cloud without its certificate, a suspended subscription
            return {"id": number, "at": lab.clock.ms, "note": f"{refused.message} {refused.action}"}
        found = {"id": number, "at": lab.clock.ms, "note": "", "seconds": seen.age}
        return {**found, "orders": seen.lost_orders, "bytes": seen.lost_bytes}

    def figure(self) -> Any:
        """The same picture, drawn by matplotlib."""
        from labkit.views import stills

        self._read()
        return stills.points_chart(
            self._seen, self._heart.follower.now, vm=self.vm, picked=self.picked, offset_min=self._offset
        )


class JobsPart:
    """Jobs and their tasks over virtual time, the latest ``jobs.MOST``."""

    name = "jobs"

    def __init__(self, heart: Heart) -> None:
        self._heart = heart
        self._news = heart.follower.reader(heart.lab, jobs.JobNews)
        self._offset = heart.lab.read(inventory.site_of).offset_min
        self._running: dict[int, tuple[Any, ...]] = {}
        self._place, self._round, self._now = 0, -1, -1

    def state(self) -> dict[str, Any]:
        """The latest jobs as rows (see :class:`labkit.views.jobs.JobRow`), and the words of states."""
        follower = self._heart.follower
        self._place, self._round, self._now = self._news.place, follower.round, follower.now
        self._running = {}

        def found(world: World) -> list[jobs.JobRow]:
            self._running = jobs.running(world)
            return jobs.latest(world)

        return {
            "all": True,
            "now": follower.now,
            "offset": self._offset,
            "states": {name: titles.job_state(name) for name in titles.job_states()},
            "jobs": self._heart.lab.read(found),
        }

    def news(self) -> dict[str, Any] | None:
        """The jobs that are other than they were told, and the instant."""
        follower = self._heart.follower
        if self._round != follower.round:
            return self.state()
        if self._now == follower.now and self._place == self._news.place:
            return None
        numbers = set(self._news.since(self._place))
        self._place, self._now = self._news.place, follower.now

        def found(world: World) -> list[jobs.JobRow]:
            before, self._running = self._running, jobs.signs(world, {*self._running, *numbers})
            return jobs.rows(world, sorted(n for n, sign in self._running.items() if before.get(n) != sign))

        rows = self._heart.lab.read(found) if numbers or self._running else []
        self._running = {number: sign for number, sign in self._running.items() if jobs.runs(sign)}
        return {"now": follower.now, "jobs": rows}

    def do(self, what: str, value: Any) -> None:
        """Nothing in the chart changes the lab."""
        _refuse(what, value)

    def figure(self) -> Any:
        """The same picture, drawn by matplotlib."""
        from labkit.views import stills

        return stills.job_chart(self._heart.lab.read(jobs.latest), self._heart.follower.now, offset_min=self._offset)


class CostPart:
    """Cost by day and component, by the price list ``prices``, in ``currency``: "USD" or "JPY"."""

    name = "cost"

    def __init__(self, heart: Heart, *, prices: str = "usd", currency: str = "USD") -> None:
        self._heart, self._prices, self.currency = heart, prices, currency
        self._check(currency)
        self._meter = heart.follower.reader(heart.lab, costs.Meter)
        price_list(prices)  # refuses one that there is not
        self._days: costs.Days = {}
        self._unpriced: list[str] = []
        self._at, self._round, self._seldom, self._whole = -1, -1, Seldom(), True

    @staticmethod
    def _check(currency: str) -> None:
        if currency not in costs.CURRENCIES:
            raise LabError(900801, found=f"currency {currency}")

    def _count(self) -> costs.Days:
        """Price the months since the last look; the days that are other than they were."""
        until = self._heart.follower.now
        since = self._meter.day(self._at) if self._at >= 0 and not self._whole else None
        charges = self._meter.charges(until, since, self._prices)
        found = costs.by_day(charges, self.currency, self._prices)
        changed = {day: amounts for day, amounts in found.items() if self._days.get(day) != amounts}
        self._days = {**self._days, **found} if since is not None else found
        self._unpriced = [
            name
            for name in COMPONENTS
            if name in costs.not_priced(charges) or (since is not None and name in self._unpriced)
        ]
        self._at, self._whole = until, False
        return changed

    def state(self) -> dict[str, Any]:
        """All days (ISO date, amounts by component), the components' titles, and what no list prices."""
        self._round, self._whole, self._seldom = self._heart.follower.round, True, Seldom()
        self._seldom.ask(self._count)
        return {
            "all": True,
            "now": self._at,
            "currency": self.currency,
            "components": [(name, titles.component(name)) for name in COMPONENTS],
            **self._words(self._days),
        }

    def _words(self, days: costs.Days) -> dict[str, Any]:
        return {
            "days": [(day.isoformat(), amounts) for day, amounts in sorted(days.items())],
            "unpriced": [titles.component(name) for name in self._unpriced],
        }

    def news(self) -> dict[str, Any] | None:
        """The days that have changed; everything in another currency."""
        if self._round != self._heart.follower.round or self._whole:
            return self.state()
        if self._at == self._heart.follower.now or not self._seldom.due:
            return None
        changed = self._seldom.ask(self._count)
        return {"now": self._at, **self._words(changed)} if changed else None

    def do(self, what: str, value: Any) -> None:
        """``currency``: "USD" or "JPY"."""
        if what != "currency":
            _refuse(what, value)
        self._check(value)
        self.currency, self._whole = value, True

    def figure(self) -> Any:
        """The same picture, drawn by matplotlib."""
        from labkit.views import stills

        self._whole = True
        self._count()
        return stills.cost_chart(self._days, currency=self.currency, unpriced=self._unpriced)
