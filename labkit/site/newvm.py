"""A VM that is made in a lab: in a VMM cloud, on a host from VMM, or in Hyper-V Manager (rule 2.4-1).

It is described with the keys of a site file and read by the same table, so that the same things are allowed.
"""

from __future__ import annotations

from typing import Any

import yaml

from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.site import clouds, fabric, inventory, servers, sitefile, vmm, vms
from labkit.site.model import Vm
from labkit.site.servers import HOST, HYPER_V, SITE, Server
from labkit.site.vms import VmSettings

HYPER_V_MANAGER, ON_HOST, IN_CLOUD = "hyper-v", "host", "cloud"
_NOT_HERE = ("host", "made", "protected", "orders", "invoices", "churn")


def described(world: World, host: str, made: str, keys: dict[str, Any]) -> Vm:
    """A VM as its keys describe it (docs/site-files.md); 900680 with what is wrong, in the words of a site file.

    Its disks hold what ``used`` says; it has no application and writes nothing by itself.
    """
    for key in _NOT_HERE:
        if key in keys:
            raise LabError(900680, vm=keys.get("name", "-"), faults=key)
    body = {**keys, "host": host, "made": made, "protected": False, "orders": "none"}
    plain = {"site": "new", "network": inventory.site_of(world).network, "servers": {"hosts": [host]}, "vms": [body]}
    try:
        return sitefile.parse(yaml.safe_dump(plain, allow_unicode=True), "VM", lenient=True).vms[0]
    except LabError as error:
        raise LabError(900680, vm=keys.get("name", "-"), faults=error.details.get("faults", error.message)) from None
    except yaml.YAMLError as error:
        raise LabError(900680, vm=keys.get("name", "-"), faults=str(error)) from None


def _place(world: World, host: Server) -> Server:
    servers.running(world, host.id)
    if host.role != HOST or HYPER_V not in host.features:
        raise LabError(900681, server=host.id)
    if host.place != SITE:
        raise LabError(900684, server=host.id)
    return host


def in_hyper_v_manager(world: World, host: str, keys: dict[str, Any]) -> VmSettings:
    """On a host, past VMM, which does not know its system; 900681 where there is no Hyper-V, 900682 a name taken."""
    found = _place(world, servers.get(world, host))
    return _make(world, described(world, found.id, HYPER_V_MANAGER, keys))


def on_host(world: World, server: str, host: str, keys: dict[str, Any]) -> VmSettings:
    """From VMM on a host: its system is set; it belongs to no cloud."""
    at = vmm.at_work(world, server)
    found = _place(world, fabric.host(world, at.id, host))
    return _told(_make(world, described(world, found.id, ON_HOST, keys)))


def in_cloud(world: World, server: str, cloud: str, keys: dict[str, Any]) -> VmSettings:
    """From VMM in a cloud: on the cloud's host with the fewest VMs, its system and its disk set (12700: none runs)."""
    vmm.at_work(world, server)
    found = clouds.get(world, cloud)
    there = [host for host in clouds.hosts(world, found) if host.running and HYPER_V in host.features]
    if not there:
        raise LabError(12700, server=found.id)
    here = [host for host in there if host.place == SITE]
    if not here:
        raise LabError(900684, server=there[0].id)
    load = {host.id: sum(one.host == host.id for one in world.all(VmSettings)) for host in here}
    host = min(here, key=lambda one: (load[one.id], one.id))
    made = _told(_make(world, described(world, host.id, IN_CLOUD, keys)))
    made.cloud = found.id
    made.system_disks = [made.spec.disks[0].name]
    return made


def _told(settings: VmSettings) -> VmSettings:
    settings.system = vms.declared_as(settings.spec.os)
    return settings


def _make(world: World, vm: Vm) -> VmSettings:
    taken = {one.id.casefold() for one in world.all(VmSettings)}
    if vm.name.casefold() in taken:
        raise LabError(900682, vm=vm.name)
    inventory.add_vm(world, vm)
    settings = world.add(VmSettings(vm.name, vm.host, vm))
    world.fact("vm.made", vm.name, host=vm.host, made=vm.made, os=vm.os)
    guests.power_on(world, inventory.machine(world, vm.name))
    return settings
