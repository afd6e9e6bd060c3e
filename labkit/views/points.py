"""Recovery points of a protected VM over time, and what going back to one of them would lose."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from labkit.engine.facts import Fact
from labkit.engine.world import World
from labkit.recovery import evidence
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem
from labkit.replication import points as kinds
from labkit.site import inventory

if TYPE_CHECKING:
    import pandas as pd

    from labkit.lab import Lab

KINDS = (kinds.CRASH, kinds.APPLICATION, kinds.FILES)


class PointRow(NamedTuple):
    """A recovery point: ``id`` to choose it by, the instant it shows (ms), its kind."""

    id: int
    cut: int
    kind: str


class Points(NamedTuple):
    """The points of a VM, oldest first. ``until``: the last instant of the source that a failover counts (ms).

    A failover to a point loses what was written after its ``cut`` until then. ``stopped``: the source writes no more.
    """

    points: list[PointRow]
    until: int
    stopped: bool


def read(world: World, vm: str) -> Points:
    """The points of a VM that can be chosen now; none for a VM that is not protected."""
    item = world.find(ProtectedItem, vm)
    if item is None:
        return Points([], world.now, stopped=False)
    found = [PointRow(point.number, point.cut, point.kind) for point in items.points(world, item)]
    until = evidence.last_instant(world, items.source(world, item))
    return Points(found, until, until < world.now)


class PointNews:
    """How often each VM's points may have changed; a reader of facts."""

    history: ClassVar[bool] = False

    def __init__(self, lab: Lab) -> None:
        self.changes: dict[str, int] = {}
        self.others = 0

    def forget(self) -> None:
        """Begin anew; nothing that was told holds."""
        self.others += 1

    def feed(self, facts: Iterable[Fact]) -> None:
        """Note the VMs that facts are about; a fact about anything else but VMs' cycles may concern each of them."""
        for fact in facts:
            if fact["kind"] in ("cycle", "initial.piece", "statistics"):
                self.changes[fact["entity"]] = self.changes.get(fact["entity"], 0) + 1
            else:
                self.others += 1

    def of(self, vm: str) -> tuple[int, int]:
        """Another value whenever the points of a VM may be others."""
        return self.changes.get(vm, 0), self.others


def frame(lab: Lab, vm: str, *, look: bool = False) -> pd.DataFrame:
    """One row per recovery point of a VM, oldest first: ``id, time`` (in the site's zone), ``kind, lost_s``.

    ``lost_s``: seconds a failover to it would lose. With ``look`` each point is looked into
    (``lab.vault.look_into``, a tenth of a second each), and ``lost_orders`` and ``lost_bytes`` are told, too.
    """
    import pandas as pd

    found = lab.read(lambda world: read(world, vm))
    rows = [(one.id, one.cut, one.kind, max(0, found.until - one.cut) / 1000) for one in found.points]
    table = pd.DataFrame(rows, columns=["id", "time", "kind", "lost_s"])
    zone = timezone(timedelta(minutes=lab.read(lambda world: inventory.site_of(world).offset_min)))
    table["time"] = pd.to_datetime(table["time"], unit="ms", utc=True).dt.tz_convert(zone)
    if look:
        seen = [lab.vault.look_into(vm, int(number)) for number in table["id"]]
        table["lost_orders"] = pd.array([one.lost_orders for one in seen], dtype="Int64")
        table["lost_bytes"] = [one.lost_bytes for one in seen]
    return table
