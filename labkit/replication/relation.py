"""A replication relation: from one machine's disks, over the line, to a replica. Its state, and how healthy that is.

What moves it is in the modules above: initial replication, ``cycles``, resynchronisation; what stops it in ``stops``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import msgspec

from labkit.disks import record
from labkit.disks.blocks import PAGE
from labkit.engine import resources
from labkit.engine.units import MINUTE, SECOND
from labkit.engine.world import Entity, World, entity
from labkit.replication import changelog
from labkit.replication.points import Point

INITIAL, REPLICATING, STOPPED = "initial", "replicating", "stopped"
RESYNC, RESYNCHRONISING = "resync-required", "resynchronising"
NORMAL, CRITICAL = "Normal", "Critical"
FREQUENCIES = (30 * SECOND, 5 * MINUTE, 15 * MINUTE)


def frequencies(host_os: str) -> tuple[int, ...]:
    """The frequencies (ms) that hosts of a system know: on Windows Server 2012 only 5 min (rule 1.1-1)."""
    return FREQUENCIES if host_os == "Windows Server 2012 R2" else (5 * MINUTE,)


class Log(msgspec.Struct, array_like=True):
    """A swapped change log: what was written in ``(after, upto]``, and whether a freeze made it consistent."""

    after: int
    upto: int
    size: int
    started: int
    kind: str


@entity("relation", parts="points")
class Relation(Entity, omit_defaults=True):
    """``id`` is the VM's name. ``cut``: source time of the newest log wholly applied; ``swapped``: of the last cut.

    ``snapshots``: hours between snapshots that freeze the guest (0: none, rule 2.7-6), ``frozen``: the last one.
    ``compared``: what initial replication compares with (failback: the site's disks as they were); ``stopped``: since
    when nothing is sent any more. ``logged``: bytes of the logs as last counted (``changelog``); ``reason`` of a
    resynchronisation, ``staging``: the set in which it gathers what has arrived. ``failed``: attempts to send that
    failed one after another, ``error``: what was in the way of the last one, ``retry``: the timer of the next.
    ``ratio``: per mille of the data that crosses the line (compression); ``first_hour``: whether all points of the last
    hour are kept; ``offline``: initial replication goes by a medium that somebody carries; ``there``: the
    host at the replica site. ``told``: the health that
    the last alert told, ``looked``: when it was looked at.
    """

    machine: str
    source: int
    replica: int
    direction: str
    frequency: int
    retention: int
    snapshots: int = 0
    frozen: int = 0
    state: str = INITIAL
    snapshot: int = 0
    piece: list[int] = msgspec.field(default_factory=lambda: [0, 0])
    cut: int = 0
    swapped: int = 0
    anchor: int = 0
    timer: int = 0
    flight: Log | None = None
    final: bool = False
    cycles: int = 0
    missed: int = 0
    late: bool = False
    last_late: bool = False
    next_point: int = 1
    points: list[Point] = msgspec.field(default_factory=list)
    faults: list[str] = msgspec.field(default_factory=list)
    held: list[Log] = msgspec.field(default_factory=list)
    compared: record.Place | None = None
    stopped: int = 0
    logged: list[int] = msgspec.field(default_factory=list)
    paused: bool = False
    paused_at: str = ""
    reason: str = ""
    staging: int = 0
    failed: int = 0
    error: str = ""
    retry: int = 0
    ratio: int = 1000
    first_hour: bool = True
    offline: bool = False
    there: str = ""
    told: str = NORMAL
    looked: int = 0

    @property
    def vm(self) -> str:
        """The name of the VM, whichever way it is replicated."""
        return self.id.removeprefix("failback/")

    def rpo(self, now: int) -> int:
        """RPO in ms: now minus the cut of the newest log wholly applied."""
        return now - self.cut

    def overran(self, now: int) -> bool:
        """Whether the last cycle, or the one under way, did not end within the frequency."""
        under_way = self.flight is not None and now - self.flight.started > self.frequency
        return self.last_late or self.late or under_way

    def health(self, now: int) -> str:
        """The guide's rule (2.9-4): critical from the first cycle that overran until one that did not.

        Critical too while sending fails (facts.md 1.6), and from the moment a resynchronisation is required until it
        has ended (facts.md 1.8).
        """
        if self.failed or self.state in (RESYNC, RESYNCHRONISING):
            return CRITICAL
        return CRITICAL if self.state == REPLICATING and self.overran(now) else NORMAL


@functools.cache
def overhead() -> dict[str, int]:
    """Bytes beside the data itself: of a cycle, of a piece of initial replication (``data/replication.yml``)."""
    return dict(resources.yaml("replication.yml")["overhead"])


def on_the_wire(relation: Relation, data: int) -> int:
    """Bytes that cross the line for so many bytes of data."""
    return data * relation.ratio // 1000


# Called in order; each looks for itself whether the news concerns it.
WAITERS: list[Callable[[World, Relation], None]] = []


def announce(world: World, relation: Relation) -> None:
    """Tell the layer above that something a job may wait for has happened."""
    for waiter in WAITERS:
        waiter(world, relation)


def pending(world: World, relation: Relation, now: int) -> int:
    """Bytes written at the source and not yet applied at the replica: what would be lost now."""
    source = record.set_of(world, relation.source)
    return changelog.pages(world, source, relation.cut, now) * PAGE
