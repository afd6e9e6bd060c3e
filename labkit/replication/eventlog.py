"""The host's event log of replication (rules 2.9-2, 2.9-3; facts.md 1.6, 1.8, 1.13), made from facts when it is read.

Ids are Hyper-V's where one is known (29174, 29242, 29244, 32315); others have none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from labkit.engine.facts import Fact
from labkit.replication import statistics

INFORMATION, WARNING, ERROR = "Information", "Warning", "Error"


class Event(NamedTuple):
    """One entry: instant (ms), id (None: not known), level, VM or "" for the host, the kind of event, its details."""

    at: int
    id: int | None
    level: str
    vm: str
    kind: str
    details: dict[str, Any]


_SIMPLE: dict[str, tuple[int | None, str]] = {
    "initial.started": (None, INFORMATION),
    "initial.ended": (None, INFORMATION),
    "replication.paused": (None, WARNING),
    "replication.resumed": (None, INFORMATION),
    "replication.failed": (32315, ERROR),
    "snapshot.failed": (None, WARNING),
    "resync.required": (None, ERROR),
    "resync.started": (29242, INFORMATION),
    "resync.cancelled": (None, WARNING),
    "resync.ended": (29244, INFORMATION),
    "host.crashed": (None, ERROR),
}
_CONNECTION = {
    "line.lost": ("connection.lost", ERROR),
    "line.connected": ("connection.restored", INFORMATION),
    "site.lost": ("host.off", ERROR),
    "site.restored": ("host.on", INFORMATION),
}


def read(facts: list[Fact], now: int, offset_min: int) -> list[Event]:
    """All entries in order, from all facts; for each monitoring interval that has closed its statistics (29174)."""
    found = [event for fact in facts for event in _of(fact)]
    replicated: dict[str, list[Fact]] = {str(fact["entity"]): [] for fact in facts if fact["kind"] == "grid"}
    for fact in facts:
        if fact["entity"] in replicated:
            replicated[fact["entity"]].append(fact)
    for vm, told in replicated.items():
        for begin, end in statistics.closed_intervals(told, now, offset_min):
            counted = statistics.count(told, begin, end)
            details = {
                "successful": counted["successful_count"],
                "expected": counted["expected_count"],
                "average": counted["average_size"],
                "maximum": counted["maximum_size"],
            }
            found.append(Event(end, 29174, INFORMATION, vm, "statistics", details))
    return sorted(found, key=lambda event: event.at)


def _of(fact: Fact) -> Iterator[Event]:
    kind, at, entity = fact["kind"], int(fact["at"]), str(fact["entity"])
    details = {name: value for name, value in fact.items() if name not in ("kind", "at", "entity")}
    if kind in _SIMPLE:
        number, level = _SIMPLE[kind]
        if kind == "replication.failed" and details["next"]:
            level = WARNING  # it is tried again; the event announces when (facts.md 1.9)
        yield Event(at, number, level, "" if kind == "host.crashed" else entity, kind, details)
    elif kind in _CONNECTION:
        name, level = _CONNECTION[kind]
        yield Event(at, None, level, "", name, {})
    elif kind == "cycle" and fact["late"]:
        yield Event(at, None, WARNING, entity, "cycle.overran", {**details, "took": at - int(fact["started"])})
