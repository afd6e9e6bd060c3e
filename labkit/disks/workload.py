"""How a workload's rate is spread over time: steady, over the day of an office, in a nightly batch, in bursts.

A shape gives each hour of a stream a factor in per mille of the mean rate; over a day (for bursts: in the long run) the
factors average 1000. Figures: ``data/workloads.yml``.
"""

from __future__ import annotations

from typing import Any

from labkit.engine import resources
from labkit.engine.chance import below
from labkit.engine.units import HOUR, MINUTE

STEADY = "steady"


def shapes() -> list[str]:
    """The names of all shapes."""
    return [name for name in resources.yaml("workloads.yml") if name != "date"]


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
