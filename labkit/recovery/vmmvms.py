"""Changes in VMM that touch protected VMs, and are refused for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.recovery.hostreplica import HostReplica
from labkit.recovery.item import ProtectedItem
from labkit.site import clouds, fabric, vmm, vms
from labkit.site.clouds import VmmCloud
from labkit.site.servers import Server
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


def move_host(world: World, server: str, name: str, to: str) -> None:
    """Put a host, and with it its cluster, into another host group; 900998 when a protected VM would leave its cloud.

    Other VMs of a cloud that has not this group stay in it, and are refused when they are to be protected (900677).
    """
    vmm.at_work(world, server)
    nodes = fabric.together(world, fabric.host(world, server, name).id)
    there = fabric.group(world, server, to).name
    _keep(world, lambda host, cloud: (there if host.id in nodes else _group(host)) in cloud.groups)
    fabric.move_host(world, server, name, to)


def change_cloud(world: World, name: str, given: dict[str, Any]) -> None:
    """Change a cloud's properties; 900998 when a protected VM would leave the cloud with its host's group."""
    found = clouds.get(world, name)
    vmm.at_work(world, found.server)
    groups = [fabric.group(world, found.server, one).name for one in given.get("groups", found.groups)]
    _keep(world, lambda host, cloud: _group(host) in (groups if cloud.id == found.id else cloud.groups))
    clouds.change(world, name, given)


def _group(host: Server) -> str:
    return host.group.partition("/")[2]


def _keep(world: World, within: Callable[[Server, VmmCloud], bool]) -> None:
    """Refuse what would leave a protected VM, or a replica of one, on a host outside of its cloud."""
    out = []
    for item in world.all(ProtectedItem):
        places = [(vms.get(world, item.id).host, item.cloud)]
        replica = world.find(HostReplica, item.id)
        if item.to and replica is not None:
            places.append((replica.host, item.to))
        if not all(within(world.get(Server, host), clouds.get(world, cloud)) for host, cloud in places):
            out.append(item.id)
    if out:
        raise LabError(900998, vms=", ".join(out))


def assign(world: World, vm: str, cloud: str) -> None:
    """Let a VM belong to a cloud, or to none; 900849 while it is protected in another."""
    item = world.find(ProtectedItem, vm)
    if item is not None and item.cloud.casefold() != cloud.casefold():
        raise LabError(900849, vm=vm, cloud=item.cloud)
    clouds.assign(world, vm, cloud)
