"""Throttling by the agent on a host: less for replication in working hours (facts.md 5.6).

Working hours are hours of the host's day, Monday to Friday. The limit holds for what that host sends.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.names import unknown
from labkit.engine.units import DAY, MINUTE, bandwidth, show_hours, write_bandwidth
from labkit.engine.world import Entity, World, entity
from labkit.replication import line
from labkit.site import inventory

LEAST, MOST = bandwidth("512kbps"), bandwidth("102Mbps")  # facts.md 5.6


@entity("throttle")
class Throttle(Entity):
    """Limits in bit/s (0: none) in working hours and outside; working hours in minutes of the host's day.

    ``id`` is the host's name.
    """

    work: int = 0
    other: int = 0
    begin: int = 9 * 60
    end: int = 18 * 60
    timer: int = 0


def set_limits(world: World, hosts: Iterable[str], work: int, other: int, begin: int, end: int) -> None:
    """Throttle hosts from now on; 0 for no limit. 900555 for a limit out of range, 900556 for hours that are none.

    900010 for a host that the site has not.
    """
    for limit in (work, other):
        if limit and not LEAST <= limit <= MOST:
            raise LabError(900555, found=write_bandwidth(limit))
    if not 0 <= begin < end <= 24 * 60:
        raise LabError(900556, found=show_hours(begin, end))
    known = inventory.site_of(world).servers.hosts
    for host in hosts:
        if host not in known:
            raise unknown("host", host, known)
        found = world.find(Throttle, host) or world.add(Throttle(host))
        found.work, found.other, found.begin, found.end = work, other, begin, end
        world.fact("throttle.set", host, work=work, other=other, begin=begin, end=end)
        _apply(world, found)


def _apply(world: World, found: Throttle) -> None:
    """The limit of this moment, and a timer for the moment at which it may change."""
    limit, wait = at(found, world.now, inventory.site_of(world).offset_min)
    line.limit(world, line.UP, found.id, limit)
    line.rearrange(world, line.UP)
    world.timers.cancel(found.timer)
    found.timer = world.after(wait, "throttle", found.id, priority=10) if found.work or found.other else 0


def at(found: Throttle, now: int, offset_min: int) -> tuple[int, int]:
    """The limit (bit/s, 0: none) at an instant, and for how long (ms) it surely holds."""
    local = now + offset_min * MINUTE
    since = local % DAY
    working_day = datetime.fromtimestamp(local // 1000, UTC).weekday() < 5
    begin, end = found.begin * MINUTE, found.end * MINUTE
    if since < begin:
        return found.other, begin - since
    if since < end:
        return (found.work if working_day else found.other), end - since
    return found.other, DAY - since


@on("throttle")
def _changes(world: World, timer: Timer) -> None:
    _apply(world, world.get(Throttle, timer.entity))


def span(text: str) -> tuple[int, int]:
    """Minutes since midnight of both ends of "09:00-18:00"; 900556 for anything else.

    >>> span("09:00-18:00")
    (540, 1080)
    """
    first, dash, last = text.partition("-")
    if not dash:
        raise LabError(900556, found=text)
    return minutes(first), minutes(last)


def minutes(text: str) -> int:
    """Minutes since midnight of "09:30"; 900556 for anything else.

    >>> minutes("09:30"), minutes("24:00")
    (570, 1440)
    """
    hours, colon, rest = text.strip().partition(":")
    if not (colon and hours.isdecimal() and rest.isdecimal() and len(rest) == 2 and int(rest) < 60):
        raise LabError(900556, found=text)
    found = int(hours) * 60 + int(rest)
    if found > 24 * 60:
        raise LabError(900556, found=text)
    return found
