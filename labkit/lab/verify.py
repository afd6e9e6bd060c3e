"""``verify``: the file, the chain of facts, invariants, and each replica against the site's disks (promise 2).

A replica is folded from its own record, the site's disk from the site's, at the cut of the newest log applied (after a
failover: at the recovery point used). A lag is no error, and neither is a guest that wrote after a failover.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from labkit.disks import bodies, record, streams, trace
from labkit.disks.blocks import REAL
from labkit.disks.record import CARGO, EDIT, SPAN, DiskSet, Place, Segment
from labkit.disks.streams import Run
from labkit.engine import facts, jobs
from labkit.engine.clock import HANDLERS
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import Machine
from labkit.recovery import hostreplica, states
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem
from labkit.replication import keys
from labkit.replication.points import Point
from labkit.replication.relation import INITIAL, Relation


def verify(world: World, *, full: bool = False) -> list[str]:
    """All problems found, one line each; ``full`` compares every byte beside the stamps."""
    problems = [*_file(world), *_facts(world), *_timers(world), *_entities(world), *_opens(_bytes(world))]
    problems += _traces(world)
    if full:
        problems += [*_hashes(world), *_contents(world)]
    for item in world.all(ProtectedItem):
        problems += _opens(_item(world, item, full=full))
    for relation, source, replica in hostreplica.pairs(world):
        problems += _pair(world, relation, relation.points[-1], source, replica, full=full)
    return problems


def _opens(problems: Iterator[str]) -> Iterator[str]:
    """The problems, and what of a sealed replica does not open as the last one."""
    try:
        yield from problems
    except LabError as error:
        if error.code != 900381:
            raise
        yield error.message


def _file(world: World) -> Iterator[str]:
    for (line,) in world.store.rows("PRAGMA integrity_check"):
        if line != "ok":
            yield _("file: {line}").format(line=line)


def _facts(world: World) -> Iterator[str]:
    lines = [line.encode("utf-8") for line in facts.lines(world.store)]
    if len(lines) != world.facts.count:
        yield _("facts: {found} in the file, {counted} counted").format(found=len(lines), counted=world.facts.count)
    if facts.chain(lines) != world.facts.digest:
        yield _("facts: the chain of digests does not end at events_digest")
    before = 0
    for number, fact in enumerate(facts.read(world.store), 1):
        if fact["at"] < before:
            yield _("facts: number {number} is earlier than the one before it").format(number=number)
        before = fact["at"]
    if before > world.now:
        yield _("facts: the last one is later than the clock")


def _timers(world: World) -> Iterator[str]:
    for timer in world.timers.rows():
        if timer.due < world.now:
            yield _("timer {seq} ({kind}) is overdue").format(seq=timer.seq, kind=timer.kind)
        if timer.kind not in HANDLERS:
            yield _("timer {seq}: nobody handles {kind}").format(seq=timer.seq, kind=timer.kind)


def _entities(world: World) -> Iterator[str]:
    for machine in world.all(Machine):
        running = [s for s in guests.disks_of(world, machine).segments if s.kind == SPAN and s.upto == streams.OPEN]
        if [segment.run for segment in running] != ([machine.run] if machine.run else []):
            yield _("{vm}: the record of its disks and its power state differ").format(vm=machine.id)
    for job in world.all(JobRecord):
        waits = job.waits_for_event or any(t.kind == "job.ask" and t.seq == job.ask for t in world.timers.rows())
        if job.state == jobs.IN_PROGRESS and not waits:
            yield _("{job}: nothing will ever go on with it").format(job=job.id)
    for disks in world.all(DiskSet):
        if [s.seq for s in disks.segments] != sorted({s.seq for s in disks.segments}):
            yield _("disks {number}: the record is out of order").format(number=disks.number)


def _bytes(world: World) -> Iterator[str]:
    """Every stamp that names stored bytes has them."""
    there = {key[0] | REAL for key in world.blobs.all_keys()}
    for run in world.all(Run):
        if run.application >= 0:
            for entry in streams.explicit(world, run.streams[run.application].number).values():
                for stamp in set(entry.stamps.tolist()) - there:
                    yield _("run {run}: bytes {stamp:#x} are missing").format(run=run.number, stamp=stamp)
    for disks in world.all(DiskSet):
        known = bodies.contents_of(world.cargo, disks.number) if disks.sealed else there
        for stamp in record.stored_stamps(world, disks, keys.of(world, disks)) - known:
            yield _("disks {number}: bytes {stamp:#x} are missing").format(number=disks.number, stamp=stamp)


def _traces(world: World) -> Iterator[str]:
    for found in trace.missing(world):
        yield _("trace of {disk}: parts of it are missing").format(disk=found.owner)


def _contents(world: World) -> Iterator[str]:
    """Each block's content that a sealed set has opens."""
    for disks in world.all(DiskSet):
        if disks.sealed:
            for number in sorted(bodies.contents_of(world.cargo, disks.number)):
                yield from _opens(_read(world, disks, number))


def _read(world: World, disks: DiskSet, stamp: int) -> Iterator[str]:
    record.content_of(world, disks, keys.of(world, disks))(stamp)
    yield from ()


def _hashes(world: World) -> Iterator[str]:
    """What an import stored still has the hash it was stored with."""
    for key in sorted(world.hashes.all_keys()):
        found, kept = world.blobs.get(key), world.hashes.get(key)
        if found is not None and hashlib.sha256(found).digest() != kept:
            yield _("stored bytes {stamp:#x} are not those that were imported").format(stamp=key[0] | REAL)


# --- replicas ---------------------------------------------------------------------------------------------------------


def _item(world: World, item: ProtectedItem, *, full: bool) -> Iterator[str]:
    if item.state not in states.STATES:
        yield _("{vm}: the state {state} is not in the table").format(vm=item.id, state=item.state)
    relation = world.find(Relation, item.id)
    if relation is None or not item.replica or relation.state == INITIAL or not relation.points or item.gone:
        return  # of a VM that is gone at the site there is nothing to compare with
    point = item.point or relation.points[-1]
    source = guests.disks_of(world, items.source(world, item))
    yield from _pair(world, relation, point, source, items.replica(world, item), full=full)


def _pair(
    world: World, relation: Relation, point: Point, source: DiskSet, replica: DiskSet, *, full: bool
) -> Iterator[str]:
    """A replica, folded from its own record at a recovery point, is the source's disks at that instant."""
    cuts = [known.cut for known in relation.points]
    if cuts != sorted(cuts) or cuts[-1] > world.now:
        yield _("{vm}: the recovery points are out of order").format(vm=relation.vm)
    yield from _record(world, relation.vm, replica, point.place)
    place = record.place_at(source, point.cut)
    for disk, name in enumerate(source.names):
        yield from _compare(world, relation.vm, name, (source, place), (replica, point.place), disk, full=full)


def _record(world: World, vm: str, replica: DiskSet, place: Place) -> Iterator[str]:
    """The logs applied follow one another without a gap, as far as the recovery point."""
    before: Segment | None = None
    for after in record.spans(world, replica, keys.of(world, replica)):
        if after.seq > place.seq or after.kind == EDIT:
            continue
        if after.kind == CARGO or before is None:  # compared with the source: what follows begins anew
            before = after if after.kind == SPAN else None
            continue
        # The source's own record may begin later than this: it keeps only what its oldest recovery point needs.
        whole = before.run != after.run and before.upto == streams.run_of(world, before.run).stopped
        if before.upto != after.after and not whole:
            yield _("{vm}: a log is missing, doubled or out of order after {instant}").format(
                vm=vm, instant=before.upto
            )
        before = after


def _compare(
    world: World,
    vm: str,
    name: str,
    ours: tuple[DiskSet, Place],
    theirs: tuple[DiskSet, Place],
    disk: int,
    *,
    full: bool,
) -> Iterator[str]:
    from labkit.disks.digest import compare_bytes, differing

    one = record.frozen(world, ours[0], disk, ours[1])
    two = record.frozen(world, theirs[0], disk, theirs[1], keys.of(world, theirs[0]))
    found = differing(one, two)
    if len(found):
        yield _("{vm}, disk {disk}: {count} blocks differ from the site's, the first is block {block}").format(
            vm=vm, disk=name, count=len(found), block=int(found[0])
        )
    elif full:
        import numpy as np

        blocks = np.flatnonzero((one.stamps != 0) | (two.stamps != 0)).tolist()
        block = compare_bytes(one, two, blocks)
        if block is not None:
            yield _("{vm}, disk {disk}: the bytes of block {block} differ").format(vm=vm, disk=name, block=block)
