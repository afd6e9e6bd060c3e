"""VMs as VMM has them: where they belong, the system they are said to have, the disk that holds it (rules 2.4-1 to 3).

What a VM really is stands in its ``spec``; what VMM says of it is set by people, and may be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.names import meant, unknown
from labkit.engine.world import Entity, World, entity
from labkit.site import fabric, vmm
from labkit.site.model import Vm
from labkit.site.servers import Server


@entity("vm-settings")
class VmSettings(Entity):
    """A VM's properties; ``id`` is its name.

    ``system``: the operating system set in its properties, "" unknown. ``system_disks``: the disks marked as holding
    it. ``cloud``: the VMM cloud it belongs to, "" for none. ``gone``: the VM was lost with its disks.
    """

    host: str
    spec: Vm
    cloud: str = ""
    system: str = ""
    system_disks: list[str] = msgspec.field(default_factory=list)
    gone: bool = False


def get(world: World, name: str) -> VmSettings:
    """The settings of a VM; 900010 when there is no such VM."""
    found = world.find(VmSettings, name)
    if found is None:
        raise unknown("VM", name, [settings.id for settings in world.all(VmSettings)])
    return found


def known(world: World, name: str) -> VmSettings:
    """The settings of a VM whose host is VMM's, while VMM works; 900675 when VMM does not know it."""
    found = get(world, name)
    server = fabric.manager(world.get(Server, found.host))
    if not server:
        raise LabError(900675, vm=found.id, host=found.host)
    vmm.at_work(world, server)
    return found


def of_vmm(world: World, server: str) -> list[VmSettings]:
    """The VMs on the hosts of a VMM server, by name."""
    hosts = {host.id for host in fabric.managed(world, server)}
    return [settings for settings in world.all(VmSettings) if settings.host in hosts]


def systems() -> list[str]:
    """The operating systems that can be set in a VM's properties, in the table's order.

    Those that another entry stands for, such as FreeBSD, are not in VMM's list (rule 1.4-5).
    """
    return [row["name"] for row in _listed()]


def _listed() -> list[dict[str, Any]]:
    return [row for row in resources.yaml("guest-os.yml")["systems"] if "declared" not in row]


def declared_as(system: str) -> str:
    """What is set for a guest's system: its own name, or what stands for one that the list lacks (rule 1.4-5)."""
    for row in resources.yaml("guest-os.yml")["systems"]:
        if system in (row["name"], *row.get("aliases", ())):
            return str(row.get("declared", row["name"]))
    return system


def set_system(world: World, name: str, system: str) -> None:
    """Set the operating system in a VM's properties (rule 2.4-2); 900676 for one that is not in the list."""
    settings = known(world, name)
    names = {one.casefold(): one for one in systems()}
    for row in _listed():
        names.update({alias.casefold(): row["name"] for alias in row.get("aliases", ())})
    found = names.get(str(system).strip().casefold())
    if found is None:
        raise LabError(900676, found=system, choices=", ".join(systems()), meant=meant(system, systems()))
    settings.system = found
    world.fact("vm.system", settings.id, system=found)


def mark_system_disks(world: World, name: str, disks: Sequence[str]) -> None:
    """Mark the disks said to hold the operating system (rule 2.4-3): any number of them, one is right."""
    settings = known(world, name)
    names = [disk.name for disk in settings.spec.disks]
    for disk in disks:
        if disk not in names:
            raise unknown("disk", disk, names)
    settings.system_disks = [disk for disk in names if disk in disks]
    world.fact("vm.system_disks", settings.id, disks=", ".join(settings.system_disks))
