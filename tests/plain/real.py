"""The real engine behind the same few methods as :class:`tests.plain.engine.PlainLab`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from labkit.disks import record
from labkit.disks.blocks import is_real
from labkit.disks.content import ZEROS
from labkit.disks.sealing import new_secret
from labkit.engine import facts
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.progress import nothing
from labkit.engine.session import Session
from labkit.engine.store import Store
from labkit.engine.world import World
from labkit.faults import host, outages
from labkit.guest import machine as guests
from labkit.replication import cycles, initial, keys, line, relation, resume, stops, tidy
from labkit.replication import resync as resynchronisation
from labkit.replication.keys import DataKey
from labkit.replication.relation import Relation
from labkit.replication.stops import Obstacle
from labkit.site import contents, inventory, model
from labkit.site.model import Disk, SiteFile
from tests.plain.guest import Blocks


@on("plain.begin")
def _begin(world: World, timer: Timer) -> None:
    cycles.begin(world, world.get(Relation, timer.entity))


@contextmanager
def real_lab(path: Path, site: SiteFile, seed: int, job: int) -> Iterator[RealLab]:
    """A lab in a file of its own; replication begins ``job`` ms after initial replication, without a recovery job."""

    def ended(world: World, found: Relation) -> None:
        if found.state == relation.INITIAL:
            world.after(job, "plain.begin", found.id)

    lab = RealLab(path, site, seed)
    relation.WAITERS.append(ended)
    try:
        yield lab
    finally:
        relation.WAITERS.remove(ended)
        lab.session.close()


def _beside(path: Path, disk: Disk) -> Disk:
    """A disk whose trace lies beside the lab."""
    churn = disk.churn
    if churn is None or churn.trace is None:
        return disk
    trace = msgspec.structs.replace(churn.trace, file=str(path.parent / churn.trace.file))
    return msgspec.structs.replace(disk, churn=msgspec.structs.replace(churn, trace=trace))


class RealLab:
    """A lab file, driven below the recovery layer; the replicas of every third seed are sealed."""

    def __init__(self, path: Path, site: SiteFile, seed: int) -> None:
        site = model.with_disks(site, lambda disk: _beside(path, disk))
        self.path, self.site, self.seed = path, contents.resolved(site), seed
        if contents.any_of(self.site):
            self._brought = contents.bring_in(path, self.site, nothing)
            self.session = Session(Store.open(path), "test")
        else:
            self._brought = contents.NONE
            self.session = Session(Store.create(path), "test")
        self.sealed = seed % 3 == 0
        self.session.command("create", {}, self._build)

    def _build(self, world: World) -> None:
        world.seed, world.now = self.seed, self.site.start
        world.site_json = msgspec.json.encode(self.site).decode()
        line.create(world, self.site.line.bandwidth, self.site.line.latency, self.site.line.loss)
        inventory.build(world, self.site, self._brought)
        world.add(DataKey("Cloud", new_secret()))
        tidy.start(world)

    def advance(self, until: int) -> None:
        """Let all happen that is due until an instant, itself included."""
        with self.session.playing():
            self.session.advance(until)

    def reopen(self) -> None:
        """Close the file and open it again: nothing may depend on what was in memory."""
        self.session.close()
        self.session = Session.open(self.path, "test")

    # --- commands --------------------------------------------------------------------------------------------------

    def protect(self, name: str) -> None:
        """Start initial replication of a VM."""

        def work(world: World) -> None:
            machine, cloud = inventory.machine(world, name), self.site.cloud
            source = record.set_of(world, machine.disks)
            sealed = "Cloud" if self.sealed else ""
            replica = record.create(world, name, "replica", source.names, source.sizes, sealed=sealed)
            made = Relation(name, machine.id, source.number, replica.number, "up", cloud.frequency, cloud.retention_h)
            made.snapshots = cloud.app_consistent_h
            initial.start(world, world.add(made))

        self.session.command("protect", {}, work)

    def set_connected(self, connected: bool) -> None:
        """Cut the line or mend it."""
        work = outages.restore_line if connected else outages.lose_line
        self.session.command("line", {}, work)

    def set_quality(self, latency: int, loss: int) -> None:
        """Change the line's latency (ms) and loss (packets per million)."""
        self.session.command("line", {}, lambda world: line.set_quality(world, latency, loss))

    def obstruct(self, reason: str, name: str) -> None:
        """Put an obstacle in the way of a VM."""

        def work(world: World) -> None:
            if world.find(Obstacle, f"{reason}/{name}") is None:
                world.add(Obstacle(f"{reason}/{name}", reason, name))
            stops.interrupt(world)

        self.session.command("obstruct", {}, work)

    def clear(self, reason: str, name: str) -> None:
        """Take it away."""

        def work(world: World) -> None:
            found = world.find(Obstacle, f"{reason}/{name}")
            if found is not None:
                world.remove(found)

        self.session.command("clear", {}, work)

    def set_bandwidth(self, bandwidth: int) -> None:
        """Change the line's bandwidth (bits per second)."""
        self.session.command("line", {}, lambda world: line.set_bandwidth(world, bandwidth))

    def power_off(self, name: str, clean: bool) -> None:
        """Shut a guest down, or let its power fail."""
        work = lambda world: guests.power_off(world, inventory.machine(world, name), clean=clean)  # noqa: E731
        self.session.command("power", {}, work)

    def fault(self, name: str, kind: str) -> None:
        """Let a fault befall the next arrival."""
        self.session.command("fault", {}, lambda world: world.get(Relation, name).faults.append(kind))

    def _relation(self, name: str, work: Any) -> None:
        """Do something to a relation; refused, nothing happens."""

        def done(world: World) -> None:
            found = world.find(Relation, name)
            if found is not None:
                with suppress(LabError):
                    work(world, found)

        self.session.command("relation", {}, done)

    def resynchronise(self, name: str) -> None:
        """Begin a resynchronisation if one is required."""
        self._relation(name, resynchronisation.start)

    def fail_log(self, name: str) -> None:
        """A write to the log fails."""
        fail = lambda world, found: stops.require(world, found, host.LOG_FAILED)  # noqa: E731
        self._relation(name, lambda world, found: found.state == relation.REPLICATING and fail(world, found))

    def pause(self, name: str) -> None:
        """Pause, if it can be paused."""
        self._relation(name, stops.pause)

    def resume(self, name: str) -> None:
        """Go on after a pause."""
        self._relation(name, resume.resume)

    def flip(self, name: str, disk: int, block: int) -> None:
        """Turn the lowest bit of byte 0 of a block of the replica."""

        def work(world: World) -> None:
            replica = record.set_of(world, world.get(Relation, name).replica)
            key = keys.of(world, replica)
            content = record.frozen(world, replica, disk, None, key).read(block)
            record.edit(world, replica, disk, block, bytes([content[0] ^ 1]) + content[1:], key)

        self.session.command("flip", {}, work)

    # --- questions -------------------------------------------------------------------------------------------------

    def facts(self) -> list[dict[str, Any]]:
        """All facts that replication told."""
        with self.session.reading():
            found = list(facts.read(self.session.store))
        told = ("cycle", "initial.", "resync.", "replication.", "snapshot.")
        return [fact for fact in found if fact["kind"].startswith(told)]

    def pending(self, name: str) -> int:
        """Bytes that the replica lacks now; -1 before replication begins."""
        with self.session.reading() as world:
            found = world.find(Relation, name)
            if found is None or found.state == relation.INITIAL:
                return -1
            return relation.pending(world, found, world.now)

    def cuts(self, name: str) -> list[int]:
        """The instants of the recovery points, oldest first."""
        with self.session.reading() as world:
            return [point.cut for point in world.get(Relation, name).points]

    def source(self, name: str) -> list[Blocks]:
        """The VM's disks as they are."""
        with self.session.reading() as world:
            return self._blocks(world, inventory.machine(world, name).disks, None)

    def replica(self, name: str, point: int | None = None) -> list[Blocks]:
        """The replica as it is, or at a recovery point (its place in the list)."""
        with self.session.reading() as world:
            found = world.get(Relation, name)
            return self._blocks(world, found.replica, None if point is None else found.points[point].place)

    def _blocks(self, world: World, number: int, place: record.Place | None) -> list[Blocks]:
        disks, made = record.set_of(world, number), []
        key = keys.of(world, disks)
        content = record.content_of(world, disks, key)
        for disk in range(len(disks.sizes)):
            stamps = record.fold(world, disks, disk, place, key)
            written: Blocks = {int(block): int(stamps[block]) for block in np.flatnonzero(stamps)}
            for block, stamp in written.items():
                if isinstance(stamp, int) and is_real(stamp):
                    written[block] = content(stamp)
            made.append({block: content for block, content in written.items() if content != ZEROS})
        return made
