"""The operations on a protected item, for whichever target it has: Azure, or another cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.recovery import failback, failover, sitefailover
from labkit.recovery.item import ProtectedItem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def test_failover(
    world: World, item: ProtectedItem, network: str | None, number: int | None, private: RSAPrivateKey | None
) -> JobRecord:
    """Errors as of :func:`failover.test_failover` and :func:`sitefailover.test_failover`; so with the others."""
    if item.to:
        return sitefailover.test_failover(world, item, network, number)
    return failover.test_failover(world, item, network, number, private)


def planned(world: World, item: ProtectedItem, private: RSAPrivateKey | None) -> JobRecord:
    """Shut down, send the rest, start on the other side."""
    return sitefailover.planned(world, item) if item.to else failover.planned(world, item, private)


def unplanned(world: World, item: ProtectedItem, *, synchronise: bool, private: RSAPrivateKey | None) -> JobRecord:
    """Start on the other side from the newest recovery point."""
    if item.to:
        return sitefailover.unplanned(world, item, synchronise=synchronise)
    return failover.unplanned(world, item, synchronise=synchronise, private=private)


def change_point(world: World, item: ProtectedItem, number: int | None, private: RSAPrivateKey | None) -> JobRecord:
    """Another recovery point, before commit."""
    if item.to:
        return sitefailover.change_point(world, item, number)
    return failover.change_point(world, item, number, private)


def commit(world: World, item: ProtectedItem) -> JobRecord:
    """Make a failover (to Azure: or failback) final."""
    return sitefailover.commit(world, item) if item.to else failover.commit(world, item)


def reverse(world: World, item: ProtectedItem) -> JobRecord:
    """Reverse replicate."""
    return sitefailover.reverse(world, item) if item.to else failback.reverse(world, item)
