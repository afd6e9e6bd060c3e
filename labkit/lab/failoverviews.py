"""The switches of VMs from side to side, with what each has lost, as the door shows them."""

from __future__ import annotations

from typing import NamedTuple

from labkit.engine import units
from labkit.engine.world import World
from labkit.recovery.evidence import FailoverRecord
from labkit.site import inventory


class Failover(NamedTuple):
    """One switch of a VM from one side to the other, as counted when it happened, before the target's guest started.

    ``at`` and ``point``: ISO 8601, the switch and the instant its recovery point shows; ``kind`` of that point.
    ``rpo``: seconds from ``point`` to the source's last instant. ``orders``: orders lost, ``seconds``: from the last
    order recovered to the source's last instant (both ``None`` without an application). ``blocks``, ``bytes``: 64 KiB
    blocks that differ, and what the source wrote after ``point``. ``equal``: every disk is the source's at ``point``.
    ``discarded``, of a failback: orders that the site's VM took after the failover and lost with it (rule 3.5-3).
    """

    vm: str
    operation: str
    at: str
    point: str
    kind: str
    rpo: float
    orders: int | None
    seconds: float | None
    blocks: int
    bytes: int
    equal: bool
    discarded: int = 0


def failovers(world: World) -> list[Failover]:
    """All switches, in the order they happened."""
    zone = inventory.site_of(world).offset_min
    found = []
    for record in sorted(world.all(FailoverRecord), key=lambda record: (record.at, record.id)):
        lost = record.lost
        found.append(
            Failover(
                vm=record.vm,
                operation=record.operation,
                at=units.show_instant(record.at, zone),
                point=units.show_instant(record.cut, zone),
                kind=record.kind,
                rpo=record.rpo / 1000,
                orders=lost.orders,
                seconds=None if lost.seconds_ms is None else lost.seconds_ms / 1000,
                blocks=lost.blocks,
                bytes=lost.bytes,
                equal=all(disk.equal for disk in record.integrity),
                discarded=record.discarded,
            )
        )
    return found
