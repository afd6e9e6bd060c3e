"""Servers that are shut down and started in order; a crash is a trainer's matter (``faults``)."""

from __future__ import annotations

from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import Machine
from labkit.recovery.hostreplica import REPLICA, WAITING, HostReplica
from labkit.recovery.item import ProtectedItem
from labkit.replication import stops
from labkit.site import inventory, servers
from labkit.site.servers import Server
from labkit.site.vms import VmSettings


def _there(world: World, host: str) -> list[str]:
    """The VMs replicated to this host that run on it, or have a test VM there: failed over, and not back yet."""
    ours = [replica for replica in world.all(HostReplica) if replica.host == host]
    return [one.id for one in ours if one.active == REPLICA or one.state == WAITING or one.test]


def _machines(world: World, host: str) -> list[Machine]:
    names = [settings.id for settings in world.all(VmSettings) if settings.host == host]
    return [found for name in names if (found := world.find(Machine, f"{guests.SITE}/{name}")) is not None]


def stop(world: World, name: str) -> Server:
    """Shut a server down; of a host first the VMs. 900621 when it is off, 900841 with protected VMs on it.

    A host that only holds replicas can be shut down: replication to it fails, and is tried again. 900530 while the
    site has no power.
    """
    server = servers.running(world, name)
    _powered(world, server)
    machines = _machines(world, server.id)
    kept = [machine.name for machine in machines if _protected(world, machine.name)] + _there(world, server.id)
    if kept:
        raise LabError(900841, server=server.id, vms=", ".join(kept))
    server.ran = [machine.name for machine in machines if machine.run]
    for machine in machines:
        if machine.run:
            guests.power_off(world, machine, clean=True)
    servers.power(world, server.id, on=False)
    stops.interrupt(world)  # what was on its way to a replica on this host
    return server


def _powered(world: World, server: Server) -> None:
    if server.place == servers.SITE and inventory.state(world).dark:
        raise LabError(900530)


def _protected(world: World, vm: str) -> bool:
    return any(world.find(kind, vm) is not None for kind in (ProtectedItem, HostReplica))


def start(world: World, name: str) -> Server:
    """Start a server, and of a host the VMs that ran when it was shut down. 900678 when it runs, 900530: no power."""
    _powered(world, servers.get(world, name))
    server = servers.power(world, name, on=True)
    for machine in _machines(world, server.id):
        if machine.name in server.ran and not machine.run:
            guests.power_on(world, machine)
    server.ran = []
    return server
