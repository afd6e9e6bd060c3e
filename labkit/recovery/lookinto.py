"""Looking into a recovery point before it is chosen: its age and kind, the last order in it, what would be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from labkit.azure import subscription
from labkit.disks.sealing import Key
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.recovery import encryption, evidence, failover
from labkit.recovery import item as items
from labkit.recovery.evidence import Lost
from labkit.recovery.item import ProtectedItem
from labkit.replication.relation import Relation

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class PointLook(NamedTuple):
    """What a point holds. ``cut``: the instant it shows, ``age``: ms from then until now.

    ``orders``, ``last_order``: rows in its database and the newest one's instant (None without an application);
    ``lost``: what a failover to it would lose now.
    """

    number: int
    kind: str
    cut: int
    age: int
    orders: int | None
    last_order: int | None
    lost: Lost


def look_into(world: World, item: ProtectedItem, number: int | str | None, private: RSAPrivateKey | None) -> PointLook:
    """Open a point as a failover would, and count. The source writes what is due first, as at any look.

    900522 no such point; of an encrypted cloud it needs the certificate (900563, 900566).
    """
    subscription.require(world)
    secret = encryption.unlock(world, item, private)
    key = None if secret is None else Key(secret)
    relation = world.find(Relation, item.id)
    if relation is None or not items.points(world, item):
        raise LabError(900522, vm=item.id, found=number or failover.LATEST, choices="-")
    point = failover.point_of(relation, number)
    source, replica = items.source(world, item), items.replica(world, item)
    guests.settle(world, source, "cycle")
    source_at = evidence.last_instant(world, source)
    lost = evidence.lost(world, source, source_at, replica, point.place, point.cut, key, opened=key)
    found = evidence.database(world, source, replica, point.place, key)
    last = max((order.placed_at for order in found.orders), default=None) if found is not None else None
    count = None if found is None else len(found.orders)
    return PointLook(point.number, point.kind, point.cut, max(0, world.now - point.cut), count, last, lost)
