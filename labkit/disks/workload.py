"""How a workload's rate is spread over time (its *shape*), and where on the disk it writes (its *kind*).

A shape gives each hour of a stream a factor in per mille of the mean rate; over a day (for bursts: in the long run) the
factors average 1000. A kind says where writes go, and what holds where a site file says nothing else. Figures:
``data/workloads.yml``.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from labkit.engine import resources
from labkit.engine.chance import below
from labkit.engine.units import DAY, HOUR, MINUTE

STEADY, ORDINARY = "steady", "ordinary"
CHANCE, SWEEP, DATABASE = "chance", "sweep", "database"
_KINDS = "kinds"


class Kind(NamedTuple):
    """A kind of workload: bytes of a write, hot share of the disk, shape, and ``places``: where writes go.

    ``chance``: skewed to the front of the hot part. ``sweep``: from its first byte to its last, again and again.
    ``database``: as by chance, but each ``log_every``-th write goes to the last ``log_permille`` of the hot part, from
    front to back.
    """

    write: int
    hot_permille: int
    shape: str
    places: str
    log_every: int = 1
    log_permille: int = 0


def kinds() -> list[str]:
    """The names of all kinds."""
    return list(resources.yaml("workloads.yml")[_KINDS])


@functools.cache
def kind(name: str) -> Kind:
    """A kind by its name."""
    return Kind(**resources.yaml("workloads.yml")[_KINDS][name])


def paced(name: str) -> bool:
    """Whether a kind writes at an exact pace (``labkit.disks.paced``), not by chance (``churn``)."""
    return kind(name).places != CHANCE


def shapes(*, exact: bool = False) -> list[str]:
    """The names of all shapes; with ``exact`` those whose sum until any instant is known without chance."""
    table: dict[str, Any] = resources.yaml("workloads.yml")
    return [
        name for name, figures in table.items() if name not in ("date", _KINDS) and not (exact and "chance" in figures)
    ]


def factor(shape: str, seed: int, stream: int, start: int, offset_min: int) -> int:
    """Per mille of the mean rate in the hour of a stream that begins at ``start`` (ms), ``offset_min`` east of UTC."""
    figures: dict[str, Any] = resources.yaml("workloads.yml")[shape]
    if "hours" in figures:
        hours: list[int] = figures["hours"]
        return hours[(start + offset_min * MINUTE) // HOUR % 24]
    if "chance" in figures:
        busy = below(1000, seed, "burst", stream, start // HOUR) < int(figures["chance"])
        return int(figures["busy" if busy else "quiet"])
    return 1000


def written(shape: str, rate: int, at: int, offset_min: int) -> int:
    """Bytes that ``rate`` bytes a second have made from 1970 until ``at`` (ms) under a shape without chance."""
    hours = _hours(shape)
    days, rest = divmod(at + offset_min * MINUTE, DAY)
    hour, ms = divmod(rest, HOUR)
    return rate * (days * hours[24] * HOUR + hours[hour] * HOUR + (hours[hour + 1] - hours[hour]) * ms) // 1_000_000


@functools.cache
def _hours(shape: str) -> list[int]:
    """Sums of the factors of the first 0, 1, ... 24 hours of a day."""
    figures = resources.yaml("workloads.yml")[shape]
    if "chance" in figures:
        raise ValueError(f"{shape}: what it has written depends on chance")
    factors = figures.get("hours") or [1000] * 24
    return [sum(factors[:hour]) for hour in range(25)]
