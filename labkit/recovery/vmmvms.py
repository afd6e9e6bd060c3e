"""Changes in VMM that touch protected VMs, and are refused for them."""

from __future__ import annotations

from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.recovery.hostreplica import HostReplica
from labkit.recovery.item import ProtectedItem
from labkit.site import clouds, fabric, vms
from labkit.site.vms import VmSettings


def remove_host(world: World, server: str, name: str) -> None:
    """Take a host, and with it its cluster, out of VMM; 900848 while a protected VM is on it."""
    host = fabric.host(world, server, name)
    nodes = fabric.together(world, host.id)
    on_it = [one.id for one in world.all(VmSettings) if one.host in nodes]
    kept = [vm for vm in on_it if world.find(ProtectedItem, vm) is not None]
    kept += [replica.id for replica in world.all(HostReplica) if replica.host == host.id]
    if kept:
        raise LabError(900848, host=host.id, vms=", ".join(kept))
    for vm in on_it:
        vms.get(world, vm).cloud = ""
    fabric.remove_host(world, server, host.id)


def assign(world: World, vm: str, cloud: str) -> None:
    """Let a VM belong to a cloud, or to none; 900849 while it is protected in another."""
    item = world.find(ProtectedItem, vm)
    if item is not None and item.cloud.casefold() != cloud.casefold():
        raise LabError(900849, vm=vm, cloud=item.cloud)
    clouds.assign(world, vm, cloud)
