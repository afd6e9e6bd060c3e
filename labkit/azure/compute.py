"""Azure's side: what a storage account takes in, and the VMs a failover makes from a replica's disks."""

from __future__ import annotations

from collections.abc import Callable

from labkit.azure import hosting
from labkit.disks import record
from labkit.disks.record import DiskSet
from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import Machine

# What else happens when a VM in Azure has been deleted.
WHEN_DELETED: list[Callable[[World], None]] = []


def ingress(region: str, redundancy: str) -> int:
    """What a storage account takes in (bit/s), by region and redundancy (``data/azure/limits.yml``)."""
    table = resources.yaml("azure", "limits.yml")["ingress_bps"]
    place = "us" if "US" in region.split() else "other"
    return int(table[place]["GRS" if redundancy in ("GRS", "RA-GRS") else "LRS"])


def create_vm(
    world: World, source: Machine, name: str, side: str, disks: DiskSet, size: str, listed: str = ""
) -> Machine:
    """A VM like ``source`` on disks of its own; it is not started yet. 900380 for disks that are sealed.

    ``listed``: the name Azure lists it under where that is not ``name``.
    """
    if disks.sealed:
        raise LabError(900380, vm=name, cloud=disks.sealed)
    called = source.name if side == guests.AZURE else name
    machine = guests.twin(world, source, f"{side}/{name}", called, side, disks.number, size)
    machine.listed = listed if listed != name else ""
    world.fact("azure.vm.created", machine.id, size=size, os=source.os)
    return machine


def delete_vm(world: World, machine: Machine) -> None:
    """Delete a VM in Azure with its disks and addresses."""
    guests.power_off(world, machine, clean=False)
    record.delete(world, guests.disks_of(world, machine))
    hosting.remove(world, machine)
    world.remove(machine)
    world.fact("azure.vm.deleted", machine.id)
    for after in WHEN_DELETED:
        after(world)
