"""A recovery point that was looked into, as the door shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from labkit.engine import units
from labkit.engine.world import World
from labkit.recovery import lookinto
from labkit.recovery.item import ProtectedItem
from labkit.site import inventory

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class PointView(NamedTuple):
    """A recovery point that was looked into: ``age`` in seconds; orders in it, orders and bytes a failover would lose.

    ``orders``, ``last_order`` and ``lost_orders`` are None without an application.
    """

    id: int
    kind: str
    time: str
    age: float
    orders: int | None
    last_order: str | None
    lost_orders: int | None
    lost_bytes: int


def point_view(world: World, item: ProtectedItem, point: int | str | None, private: RSAPrivateKey | None) -> PointView:
    """Look into a point; errors as of :func:`lookinto.look_into`."""
    found, zone = lookinto.look_into(world, item, point, private), inventory.site_of(world).offset_min
    return PointView(
        id=found.number,
        kind=found.kind,
        time=units.show_instant(found.cut, zone),
        age=found.age / 1000,
        orders=found.orders,
        last_order=None if found.last_order is None else units.show_instant(found.last_order, zone),
        lost_orders=found.lost.orders,
        lost_bytes=found.lost.bytes,
    )
