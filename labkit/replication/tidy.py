"""Tidying once an hour: what nobody can look at any more is folded into the base or dropped.

Nothing observable changes: a base moves up only to the oldest state somebody may still ask for (the oldest recovery
point, a snapshot under way, the replica's newest log, a test failover's place).
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from labkit.disks import opening, record, streams
from labkit.disks.blocks import REAL
from labkit.disks.record import DiskSet, Place
from labkit.disks.streams import Run
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.units import HOUR
from labkit.engine.world import World
from labkit.replication import keys
from labkit.replication.relation import INITIAL, RESYNC, RESYNCHRONISING, STOPPED, Relation
from labkit.replication.resync import STAGING

_BEHIND = 8 * HOUR  # folding a disk costs milliseconds: not each hour for nothing


def start(world: World) -> None:
    """Set the hourly timer of a new lab."""
    world.after(HOUR, "tidy", "lab", priority=90)


@on("tidy")
def _tidy(world: World, timer: Timer) -> None:
    world.after(HOUR, "tidy", "lab", priority=90)
    users = _users(world)
    for disks in world.all(DiskSet):
        with _left_alone():
            _tidy_set(world, disks, users)
    _tidy_writes(world)


@contextmanager
def _left_alone() -> Iterator[None]:
    """A sealed set that does not open is left as it is: ``verify`` and a failover tell of it."""
    try:
        yield
    except LabError as error:
        if error.code != 900381:
            raise


class _Users(NamedTuple):
    """Who may ask for states of a set, by its number: relations from it, relations to it, sets that stand on it."""

    sources: dict[int, list[Relation]]
    replicas: dict[int, list[Relation]]
    children: dict[int, list[DiskSet]]


def _users(world: World) -> _Users:
    found = _Users(defaultdict(list), defaultdict(list), defaultdict(list))
    for relation in world.all(Relation):
        found.sources[relation.source].append(relation)
        found.replicas[relation.replica].append(relation)
    for disks in world.all(DiskSet):
        found.children[disks.parent].append(disks)
    return found


def _tidy_set(world: World, disks: DiskSet, users: _Users) -> None:
    if disks.side == STAGING:
        return  # each block in it is still to be laid over the replica
    place = _oldest(world, disks, users)
    if place is None or not disks.segments:
        return
    first = disks.segments[0]
    if disks.sealed and _began(disks, place) - first.at < _BEHIND:
        return  # each log is a segment of its own there
    if (len(disks.segments) > 1 and first.seq < place.seq) or (
        first.kind == record.SPAN and place.seq == first.seq and place.upto - first.after >= _BEHIND
    ):
        record.rebase(world, disks, place, keys.of(world, disks))


def _began(disks: DiskSet, place: Place) -> int:
    """When the segment a place is in was laid (ms)."""
    return next((segment.at for segment in disks.segments if segment.seq == place.seq), 0)


def _oldest(world: World, disks: DiskSet, users: _Users) -> Place | None:
    """The oldest place of a set that somebody may still ask for; ``None``: do not touch it."""
    instants = [world.now]
    for relation in users.sources.get(disks.number, ()):
        instants += _asked_of_source(relation)
    places = [_oldest_of_replica(relation) for relation in users.replicas.get(disks.number, ())]
    places += [child.place for child in users.children.get(disks.number, ())]
    live = record.place_at(disks, min(instants))
    return min([live, *places], key=lambda place: (place.seq, place.upto))


def _asked_of_source(relation: Relation) -> list[int]:
    """Instants of the source that a relation may still ask for."""
    if relation.state == INITIAL:
        return [relation.snapshot] if relation.snapshot else []
    return [relation.cut, *(point.cut for point in relation.points[:1]), *(log.after for log in relation.held)]


def _oldest_of_replica(relation: Relation) -> Place:
    if relation.compared is not None:
        return relation.compared
    return relation.points[0].place if relation.points else Place(0, 0)


def _tidy_writes(world: World) -> None:
    for run in world.all(Run):
        if run.application < 0:
            continue
        stream = run.streams[run.application].number
        used = [segment for disks in world.all(DiskSet) for segment in disks.segments if segment.run == run.number]
        streams.forget(world, stream, min((segment.after for segment in used), default=run.stopped))
        streams.squash(world, stream, _needed(world, run))
    _drop_bytes(world)


def _needed(world: World, run: Run) -> list[int]:
    """Instants of a run that somebody may still ask for, and the edges of what is still to be sent."""
    needed = {run.stopped}
    # Where the middle of a log that is not swapped yet will be is not known.
    live = [found for found in world.all(Relation) if found.state != STOPPED]
    swapped = min((_logged_since(found, world.now) for found in live), default=world.now)
    needed |= {at for at in streams.explicit(world, run.streams[run.application].number) if at > swapped}
    for disks in world.all(DiskSet):
        needed |= {edge for s in disks.segments if s.run == run.number for edge in (s.after, s.upto)}
        needed.add(disks.place.upto)
    for relation in world.all(Relation):
        needed |= {instant for point in relation.points for instant in (point.cut, point.place.upto)}
        needed |= {relation.cut, relation.swapped, relation.snapshot, relation.stopped}
        for log in (relation.flight, *relation.held):
            if log is not None:
                needed |= {log.after, log.upto, (log.after + log.upto) // 2}
    return sorted(needed)


def _logged_since(relation: Relation, now: int) -> int:
    """Since when the log of a relation counts each session by itself (its size is every byte written)."""
    if relation.state == RESYNC:
        return now
    return relation.snapshot if relation.state in (INITIAL, RESYNCHRONISING) else relation.cut


def _drop_bytes(world: World) -> None:
    """Drop stored bytes that no image and no write names any more."""
    applications = any(run.application >= 0 for run in world.all(Run))
    if not applications and not any(disks.sealed for disks in world.all(DiskSet)):
        return
    named: set[int] = set()
    for run in world.all(Run):
        if run.application >= 0:
            for entry in streams.explicit(world, run.streams[run.application].number).values():
                named.update(entry.stamps.tolist())
    for disks in world.all(DiskSet):
        if disks.sealed:
            with _left_alone():
                opening.drop_contents(world, disks, keys.of(world, disks))
        else:
            named.update(_named_by(world, disks))
    for key in world.blobs.all_keys():
        if key[0] | REAL not in named:
            world.blobs.drop(key)
            world.hashes.drop(key)


def _named_by(world: World, disks: DiskSet) -> list[int]:
    """Stamps of a set that name stored bytes: looked for anew only when its record has changed, not for each cycle."""
    key, state = ("named", disks.number), (disks.base, disks.parent, disks.next_seq, len(disks.segments))
    known = world.cache.get(key)
    if known is None or known[0] != state:
        known = world.cache[key] = (state, array("q", record.stored_stamps(world, disks)))
    found: array[int] = known[1]
    return found.tolist()
