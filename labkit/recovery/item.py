"""A protected item: one VM under protection, its state, and the check every operation passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from labkit.azure import subscription
from labkit.disks import record
from labkit.disks.record import DiskSet
from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import Entity, World, entity
from labkit.guest.machine import AZURE, Machine
from labkit.recovery import providers, states
from labkit.replication.points import Point
from labkit.replication.relation import RESYNC, RESYNCHRONISING, Relation
from labkit.site import inventory
from labkit.site.servers import SITE, Server
from labkit.site.vmm import Vmm


@entity("item")
class ProtectedItem(Entity):
    """``id`` is the VM's name. ``point``: the recovery point a failover used; ``job``: the one under way or waiting.

    ``plan``: the job of a recovery plan that it runs in.
    """

    cloud: str
    state: str = states.UNPROTECTED
    job: str = ""
    replica: int = 0
    size: str = ""
    size_chosen: bool = False
    network: str = ""
    azure_name: str = ""
    adapter: str = ""
    to: str = ""
    gone: bool = False
    point: Point | None = None
    failovers: list[str] = msgspec.field(default_factory=list)
    plan: str = ""


# While source and replica are being compared, or have to be, a failover can only be unplanned (facts.md 1.8).
RESYNC_OPERATIONS = {RESYNC: "Resynchronize", RESYNCHRONISING: "CancelResynchronize"}
NEED_A_REPLICA = ("PlannedFailover", "TestFailover")


def site_reachable(world: World, *names: str) -> bool:
    """Whether the vault reaches VMM on these servers, by default the first site's, and the hosts behind it."""
    here = [at.id for at in world.all(Vmm) if world.get(Server, at.id).place == SITE]
    return (bool(names) or providers.online(world)) and all(providers.reached(world, name) for name in names or here)


def get(world: World, name: str) -> ProtectedItem:
    """The item; 900502 when the VM exists but is not protected, 900010 when there is no such VM."""
    found = world.find(ProtectedItem, name)
    if found is None:
        inventory.machine(world, name)
        raise LabError(900502, vm=name, allowed=("EnableProtection",))
    return found


def relation(world: World, item: ProtectedItem) -> Relation:
    """The relation from the site to Azure."""
    return world.get(Relation, item.id)


def source(world: World, item: ProtectedItem) -> Machine:
    """The VM that is replicated: the site's, or site to site the one at the side that is active."""
    found = world.find(Relation, item.id) if item.to else None
    return world.get(Machine, found.machine) if found is not None else inventory.machine(world, item.id)


def target(world: World, item: ProtectedItem) -> Machine | None:
    """The VM in Azure this item has failed over to; one that an earlier protection left there is nobody's."""
    return world.find(Machine, f"azure/{item.id}") if item.point is not None else None


def replica(world: World, item: ProtectedItem) -> DiskSet:
    """The replica's disks."""
    found = world.find(Relation, item.id) if item.to else None
    return record.set_of(world, found.replica if found is not None else item.replica)


def points(world: World, item: ProtectedItem) -> list[Point]:
    """The recovery points there are to choose from: none when they were merged at the commit of a failover."""
    found = world.find(Relation, item.id)
    return [] if found is None or item.state in states.MERGED else found.points


def name_free(world: World, item: ProtectedItem) -> None:
    """Refuse a failover whose VM's name is taken in Azure (900526)."""
    if item.point is not None:
        return
    wanted = (item.azure_name or item.id).casefold()
    there = [machine for machine in world.all(Machine) if machine.side == AZURE]
    if any(machine.id == f"{AZURE}/{item.id}" or machine.label.casefold() == wanted for machine in there):
        raise LabError(900526, vm=item.id)


_ACTS = "plan that gives the word"


@contextmanager
def acting(world: World, plan: str) -> Iterator[None]:
    """What is asked for in here is asked for by the job ``plan`` of a recovery plan, to which its VMs are open."""
    world.cache[_ACTS] = plan
    try:
        yield
    finally:
        del world.cache[_ACTS]


def busy(world: World, item: ProtectedItem) -> JobRecord | None:
    """The job that lets nobody else work on the item now: its own, or the one of the recovery plan it runs in."""
    plan = world.find(JobRecord, item.plan) if item.plan else None
    if plan is not None and plan.running and world.cache.get(_ACTS) != plan.id:
        return plan
    job = world.find(JobRecord, item.job) if item.job else None
    return job if job is not None and job.state == jobs.IN_PROGRESS else None


def allowed(world: World, item: ProtectedItem) -> tuple[str, ...]:
    """What may be asked for now: nothing while a job is at work on the item (one operation at a time)."""
    if busy(world, item) is not None:
        return ()
    found, operations = world.find(Relation, item.id), states.allowed(item.state, to_site=bool(item.to))
    if found is None or item.state != states.PROTECTED or found.state not in RESYNC_OPERATIONS:
        return operations
    return (RESYNC_OPERATIONS[found.state], *(name for name in operations if name not in NEED_A_REPLICA))


def request(world: World, item: ProtectedItem, operation: str) -> None:
    """Pass, or refuse an operation with the reason: 532 (one is running), 20013 (a test is open), 900501, 900806 f."""
    subscription.require(world)
    operations = allowed(world, item)
    if operation in operations:
        return
    job = busy(world, item)
    if job is not None:
        raise LabError(532, vm=item.id, operation=operation, job=job.id, scenario=job.scenario, task=job.task.name)
    code = 20013 if item.state == states.TEST_WAITING else 900501
    raise LabError(code, vm=item.id, operation=operation, state=item.state, allowed=operations)


def start(world: World, item: ProtectedItem, scenario: str, variant: str = "", **data: Any) -> JobRecord:
    """Begin the job of an operation on an item."""
    job = jobs.start(world, scenario, item.id, variant, **data)
    item.job = job.id
    return job


def move(world: World, item: ProtectedItem, operation: str) -> None:
    """An operation has succeeded: the item's next state, by the table."""
    item.state = states.table(to_site=bool(item.to))[item.state, operation]
    world.fact("item.state", item.id, state=item.state, operation=operation)


def settle(world: World, job: JobRecord, operation: str) -> None:
    """The usual end of an item's job: the next state when it succeeded, the old one when it failed."""
    item = world.get(ProtectedItem, job.target)
    item.job = ""
    if job.state == jobs.SUCCEEDED:
        move(world, item, operation)
