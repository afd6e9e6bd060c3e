"""What a failover recovered and what it lost, counted from the disks and databases of both sides.

Taken at the instant the target's disks are attached, before its guest starts: the source's side is folded from the
site's record at the instant of the recovery point (digests) and at the source's last instant (loss), the target's from
the record of what crossed the line. Nothing here knows what to expect.
"""

from __future__ import annotations

import msgspec

from labkit.disks import record, streams
from labkit.disks.blocks import PAGE
from labkit.disks.record import DiskSet, Place
from labkit.disks.sealing import Key
from labkit.engine.errors import LabError
from labkit.engine.world import Entity, World, entity
from labkit.guest import ledger
from labkit.guest import machine as guests
from labkit.guest.machine import AZURE, Machine
from labkit.guest.orders import Look
from labkit.replication import changelog
from labkit.replication.points import Point
from labkit.replication.relation import Relation

SAMPLE = 256


class DiskIntegrity(msgspec.Struct):
    """One disk: digests of both sides, and whether a seeded sample of blocks is equal byte by byte."""

    disk: str
    source_digest: str
    target_digest: str
    equal: bool
    sampled: int
    sample_equal: bool


class Lost(msgspec.Struct):
    """What is not at the target: orders (null without an application), blocks that differ, bytes not shipped.

    ``seconds_ms``: the source's last instant minus the time of the last recovered order.
    """

    blocks: int
    bytes: int
    orders: int | None = None
    duplicated: int | None = None
    without_invoice: int | None = None
    seconds_ms: int | None = None


@entity("failover")
class FailoverRecord(Entity):
    """One switch from one side to the other. All instants in ms; ``triggered``: when the operator asked for it.

    ``discarded``, of a failback: orders or invoices the site's VM took after the failover, which its disks now lack.
    """

    vm: str
    operation: str
    job: str
    triggered: int
    at: int
    source_at: int
    point: int
    kind: str
    cut: int
    machine: str
    integrity: list[DiskIntegrity]
    lost: Lost
    discarded: int = 0

    @property
    def rpo(self) -> int:
        """RPO achieved in ms: the source's last instant minus the instant the recovery point shows."""
        return max(0, self.source_at - self.cut)


def integrity(
    world: World, source: DiskSet, source_place: Place, target: DiskSet, target_place: Place
) -> list[DiskIntegrity]:
    """Digest and sample of each disk, source and target each folded from its own record."""
    from labkit.disks.digest import byte_sample, compare_bytes, digest

    found, sha_of = [], streams.sha_of(world)
    for disk, name in enumerate(source.names):
        ours = record.frozen(world, source, disk, source_place)
        theirs = record.frozen(world, target, disk, target_place)
        one, two = digest(ours, sha_of), digest(theirs, sha_of)
        sample = byte_sample(ours, world.seed, SAMPLE, other=theirs)
        same = compare_bytes(ours, theirs, sample) is None
        found.append(DiskIntegrity(name, one, two, one == two, len(sample), same))
    return found


def differing_blocks(
    world: World, one: DiskSet, one_place: Place, two: DiskSet, two_place: Place, key: Key | None = None
) -> int:
    """Number of blocks whose content differs, over all disks; ``key`` opens the second set if it is sealed."""
    from labkit.disks.digest import differing

    return sum(
        len(differing(record.frozen(world, one, disk, one_place), record.frozen(world, two, disk, two_place, key)))
        for disk in range(len(one.sizes))
    )


def database(
    world: World, machine: Machine | None, disks: DiskSet, place: Place, key: Key | None = None
) -> Look | None:
    """The database on a disk; one that cannot be opened holds nothing that anybody could use."""
    if machine is None or machine.application is None:
        return None
    try:
        return guests.look_at(world, disks, machine.application.disk, place, key)
    except LabError as error:
        return Look(integrity=f"error {error.code}")


def lost(
    world: World,
    source: Machine,
    source_at: int,
    target: DiskSet,
    target_place: Place,
    cut: int,
    key: Key | None = None,
    opened: Key | None = None,
) -> Lost:
    """What the source had at ``source_at`` and the target has not; ``cut``: the instant the target shows.

    ``key``: of the replica of the VM that invoices the source's orders, if that is sealed; ``opened``: of the target.
    """
    disks = guests.disks_of(world, source)
    source_place = record.place_at(disks, source_at)
    blocks = differing_blocks(world, disks, source_place, target, target_place, opened)
    written = changelog.pages(world, disks, cut, source_at) * PAGE
    found = Lost(blocks, written)
    ours = database(world, source, disks, source_place)
    theirs = database(world, source, target, target_place, opened)
    if source.application is None or ours is None or theirs is None:
        return found
    if source.application.role == "orders":
        invoices = (None, None) if source.side == AZURE else _invoices(world, source, source_at, key)
        counted = ledger.compare(ours, theirs, *invoices, source_at)
    else:
        counted = ledger.compare_invoices(ours, theirs, source_at)
    found.orders, found.duplicated = counted.orders, counted.duplicated
    found.without_invoice, found.seconds_ms = counted.without_invoice, counted.seconds_ms
    if source.side == AZURE and source.application.role == "orders":
        # The invoices go home in a switch of their own, perhaps later; that switch counts them.
        found.without_invoice = None
    return found


def _invoices(world: World, orders: Machine, source_at: int, key: Key | None) -> tuple[Look | None, Look | None]:
    """The databases of the VM that invoices this one's orders: at the source's side, and as its replica has it now."""
    for machine in world.all(Machine):
        app = machine.application
        if machine.side != orders.side or app is None or app.role != "invoices" or app.partner != orders.name:
            continue
        disks = guests.disks_of(world, machine)
        ours = guests.look_at(world, disks, app.disk, record.place_at(disks, source_at))
        relation = world.find(Relation, machine.name)
        if relation is None or not relation.points:
            return ours, None
        target = record.set_of(world, relation.replica)
        if target.sealed and key is None:
            return ours, None  # nobody on this side can tell what it holds
        return ours, guests.look_at(world, target, app.disk, relation.points[-1].place, key)
    return None, None


def last_instant(world: World, source: Machine) -> int:
    """The last instant of the source that a failover counts: when it stopped, or when replication was given up."""
    found = world.find(Relation, source.name)
    stopped = found.stopped if found is not None else 0
    return min(source.written_until(world), stopped) if stopped else source.written_until(world)


def take(
    world: World,
    *,
    operation: str,
    job: str,
    triggered: int,
    source: Machine,
    target: Machine,
    point: Point,
    key: Key | None = None,
) -> FailoverRecord:
    """Count and keep what a failover to Azure recovers and loses; the target's guest has not started yet."""
    disks = guests.disks_of(world, source)
    ours, theirs = record.place_at(disks, point.cut), guests.disks_of(world, target)
    place = record.now_place(theirs, world.now)
    source_at = last_instant(world, source)
    number = world.next("failover")
    return world.add(
        FailoverRecord(
            id=f"failover-{number:04d}",
            vm=source.name,
            operation=operation,
            job=job,
            triggered=triggered,
            at=world.now,
            source_at=source_at,
            point=point.number,
            kind=point.kind,
            cut=point.cut,
            machine=target.id,
            integrity=integrity(world, disks, ours, theirs, place),
            lost=lost(world, source, source_at, theirs, place, point.cut, key),
        )
    )
