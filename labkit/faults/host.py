"""What makes a log worthless: a host that crashes, a log that cannot be written, disks changed behind its back.

Each leads to a resynchronisation (facts.md 1.8). Symptom: health Critical, RPO climbs although line and site are well.
"""

from __future__ import annotations

from labkit.disks import record, streams
from labkit.disks.blocks import BLOCK
from labkit.disks.record import EDIT, SPAN, DiskSet
from labkit.engine import jobs, resources
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import SITE, Machine
from labkit.recovery import hostreplica, hyperv, states
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem
from labkit.replication import alerts, line, resume, stops
from labkit.replication.relation import INITIAL, REPLICATING, RESYNCHRONISING, STOPPED, Relation
from labkit.site import inventory, vms

CRASH, LOG_FAILED, EDITED, REVERTED = "host crash", "log write failed", "disk edited", "put back"


def crash_host(world: World) -> None:
    """The site's hosts stop dead and start again by themselves five minutes later, and their VMs with them."""
    site = inventory.state(world)
    if site.lost_at:
        raise LabError(900530)
    if site.hosts_down:
        raise LabError(900557)
    site.hosts_down = True
    world.fact("host.crashed", "site")
    power_failure(world)
    world.timers.cancel_for("host.up", "site")
    world.after(int(resources.yaml("replication.yml")["host_boot_ms"]), "host.up", "site")


def power_failure(world: World) -> None:
    """All guests die, and nothing is left that could send or receive; which VMs ran is remembered."""
    site = inventory.state(world)
    running = [machine for machine in world.all(Machine) if machine.side == SITE and machine.run]
    site.ran = sorted({*site.ran, *(machine.id for machine in running)})
    for machine in running:
        guests.power_off(world, machine, clean=False)
    for relation in world.all(Relation):
        if stops.dark(world, relation) and (relation.state != INITIAL or relation.snapshot):
            stops.halt(world, relation)  # one that waits for its time of day goes on waiting
    stops.interrupt(world)
    alerts.look_at_all(world)


@on("host.up")
def _up(world: World, timer: Timer) -> None:
    site = inventory.state(world)
    if not site.hosts_down:
        return
    site.hosts_down = False
    if not site.lost_at:
        power_back(world)


def power_back(world: World) -> None:
    """VMs start that ran before, are not active in Azure and not being written to; replication goes on, or compares."""
    site = inventory.state(world)
    for name in site.ran:
        machine = world.find(Machine, name)
        if machine is not None and not machine.run and not _elsewhere(world, machine):
            guests.power_on(world, machine)
    for relation in world.all(Relation):
        if relation.direction != line.LAN_BACK:  # those are tried again by their own hosts
            _replicate_again(world, relation, site.ran)
    site.ran = []
    alerts.look_at_all(world)
    for job in world.all(JobRecord):
        jobs.resume(world, job)


def _elsewhere(world: World, machine: Machine) -> bool:
    item = world.find(ProtectedItem, machine.name)
    return hostreplica.elsewhere(world, machine.name) or (item is not None and item.point is not None)


def _replicate_again(world: World, relation: Relation, ran: list[str]) -> None:
    """After a power failure: the log of a VM that ran was not closed cleanly (facts.md 1.8); others go on."""
    if relation.state == RESYNCHRONISING or (relation.state == REPLICATING and relation.machine in ran):
        stops.require(world, relation, CRASH)
    elif relation.state == STOPPED and relation.machine in ran:
        relation.reason = CRASH  # should it ever go on
    else:
        resume.go_on(world, relation)


def fail_log(world: World, vm: str) -> None:
    """One write to the VM's log fails."""
    relation = _replicating(world, vm)
    world.fact("fault", vm, fault="log")
    stops.require(world, relation, LOG_FAILED)


def edit_disk(world: World, vm: str, disk: str, block: int) -> None:
    """Somebody mounts a disk of a VM that is off, and changes one bit (the lowest of byte 0) of one block."""
    machine = _off(world, vm)
    disks = guests.disks_of(world, machine)
    number = guests.disk_number(disks, disk)
    count = -(-disks.sizes[number] // BLOCK)
    if not 0 <= block < count:
        raise LabError(900533, vm=vm, disk=disk, found=block, last=count - 1)
    content = bytearray(record.frozen(world, disks, number).read(block).ljust(BLOCK, b"\0"))
    content[0] ^= 1
    record.edit(world, disks, number, block, bytes(content))
    world.fact("fault", vm, fault="edit", disk=disk, block=block)
    _changed(world, vm, EDITED)


def revert(world: World, vm: str, back: int) -> None:
    """Put the disks of a VM that is off back to what they were ``back`` ms ago; 900552 when nobody knows that.

    With an application, to its last session before that which is still kept by itself, so that all disks agree.
    """
    import numpy as np

    machine = _off(world, vm)
    disks = guests.disks_of(world, machine)
    then = _session_before(world, machine, world.now - back)
    place = _place(disks, then, vm)
    for number in range(len(disks.sizes)):
        old, new = record.fold(world, disks, number, place), record.fold(world, disks, number)
        blocks = np.flatnonzero(old != new)
        if len(blocks):
            record.append_blocks(world, disks, number, blocks, old[blocks], EDIT)
    world.fact("fault", vm, fault="revert", to=then)
    _changed(world, vm, REVERTED)


def lose_vm(world: World, vm: str) -> None:
    """The site's VM is gone with its disks while it runs in Azure; a failback makes it anew (facts.md 2.8).

    900898 unless its failover to Azure is committed and nothing is under way.
    """
    item = items.get(world, vm)
    if item.to or item.job or item.state not in (states.PLANNED_COMMITTED, states.UNPLANNED_COMMITTED):
        raise LabError(900898, vm=vm, state=item.state)
    machine = inventory.machine(world, vm)
    guests.power_off(world, machine, clean=False)
    old = guests.disks_of(world, machine)
    new = record.create(world, vm, SITE, old.names, old.sizes)
    machine.disks = items.relation(world, item).source = new.number
    record.delete(world, old)
    item.gone = vms.get(world, vm).gone = True
    world.fact("fault", vm, fault="vm lost")


def _session_before(world: World, machine: Machine, at: int) -> int:
    """The last instant up to ``at`` at which the application's writes are known by themselves; ``at`` without one."""
    if machine.application is None:
        return at
    disks = guests.disks_of(world, machine)
    known = [segment.after for segment in disks.segments if segment.kind == SPAN and segment.after <= at]
    for segment in disks.segments:
        if segment.kind == SPAN:
            stream = streams.run_of(world, segment.run).streams[machine.application.disk].number
            known += [
                found for found in streams.explicit(world, stream) if segment.after < found <= min(at, segment.upto)
            ]
    return max(known, default=at)


def _place(disks: DiskSet, then: int, vm: str) -> record.Place:
    first = disks.segments[0] if disks.segments else None
    if first is None or then < (first.after if first.kind == SPAN else first.at):
        raise LabError(900552, vm=vm)
    return record.place_at(disks, then)


def _off(world: World, vm: str) -> Machine:
    machine = inventory.machine(world, vm)
    if machine.run:
        raise LabError(900550, vm=vm, found=machine.state)
    return machine


def _replicating(world: World, vm: str) -> Relation:
    relation = hyperv.relation_of(world, vm)
    if relation.state != REPLICATING:
        raise LabError(900532, vm=vm)
    return relation


def _changed(world: World, vm: str, reason: str) -> None:
    relation = world.find(Relation, vm)
    if relation is not None and relation.state == INITIAL:
        if relation.snapshot:
            relation.reason = reason  # no log will tell of it: compared as soon as initial replication is through
    elif relation is not None:
        stops.require(world, relation, reason)
