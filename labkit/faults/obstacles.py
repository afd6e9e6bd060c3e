"""What a trainer can put in the way of sending, or of snapshots, and take away again (facts.md 1.5, 1.9).

Symptom: replication of the VM fails; after an error that is not retried it stands still also when the cause is gone,
until somebody resumes it.
"""

from __future__ import annotations

from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.recovery import hyperv
from labkit.replication import stops
from labkit.replication.stops import Obstacle
from labkit.site import inventory

ALL = ("proxy", "disk space", "memory", "authorisation")  # these can concern all VMs at once


def reasons() -> list[str]:
    """What can be in the way, in the order of the table."""
    groups = ("retried", "final", "windows", "linux")
    return list(dict.fromkeys(reason for group in groups for reason in stops.reasons(group)))


def obstruct(world: World, reason: str, vm: str | None) -> None:
    """Put something in the way of one VM or, without a name, of all; transfers under way fail.

    900559 for a reason that is none, or needs a VM; 900560 for one the guest's operating system does not know; 900561
    when it is there already.
    """
    if reason not in reasons() or (vm is None and reason not in ALL):
        needs = "" if vm is not None else ", ".join(ALL)
        raise LabError(900559, found=reason, choices=", ".join(reasons()), all=needs or "-")
    if vm is not None:
        _fits(world, reason, vm)
    if world.find(Obstacle, _id(reason, vm)) is not None:
        raise LabError(900561, found=reason)
    world.add(Obstacle(_id(reason, vm), reason, vm or ""))
    world.fact("fault", vm or "site", fault="obstacle", reason=reason)
    stops.interrupt(world)


def _fits(world: World, reason: str, vm: str) -> None:
    hyperv.relation_of(world, vm)
    machine = inventory.machine(world, vm)
    known = stops.reasons("windows" if machine.windows else "linux")
    if reason not in (*stops.reasons("retried"), *stops.reasons("final"), *known):
        raise LabError(900560, vm=vm, found=reason, os=machine.os, choices=", ".join(known))


def clear(world: World, reason: str, vm: str | None) -> None:
    """Take it away again; what has failed goes on at its next attempt, or when somebody resumes it. 900562 for none."""
    found = world.find(Obstacle, _id(reason, vm))
    if found is None:
        there = [f"{o.reason} ({o.vm or '*'})" for o in world.all(Obstacle)]
        raise LabError(900562, found=reason, choices=", ".join(there) or "-")
    world.remove(found)
    world.fact("mended", vm or "site", reason=reason)


def _id(reason: str, vm: str | None) -> str:
    return f"{reason}/{vm or ''}"
