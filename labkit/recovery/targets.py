"""The page "Source and target properties" of a protected item: name, size and adapter in Azure (1.4-13, 1.4-14, 2.8-4).

They may be wrong or unsuitable until a failover: only that needs them.
"""

from __future__ import annotations

from typing import NamedTuple

from labkit.azure import sizes, subscription
from labkit.engine.errors import LabError
from labkit.engine.names import unknown
from labkit.engine.world import World
from labkit.guest.machine import AZURE, Machine
from labkit.recovery import requirements
from labkit.recovery.item import ProtectedItem
from labkit.recovery.vault import NetworkMapping
from labkit.site import inventory, vms
from labkit.site.model import Adapter


class Target(NamedTuple):
    """What a VM will be in Azure: the ``adapter`` that is kept, the ``network`` its switch is mapped to ("": none)."""

    name: str
    size: str
    adapter: str
    network: str
    misfits: tuple[str, ...]


def adapters(world: World, item: ProtectedItem) -> tuple[Adapter, ...]:
    """The VM's network adapters at the site."""
    return inventory.site_of(world).adapters(vms.get(world, item.id).spec)


def adapter(world: World, item: ProtectedItem) -> Adapter:
    """The adapter that the Azure VM gets: the one chosen, else the first (rule 1.4-13)."""
    found = adapters(world, item)
    return next((one for one in found if one.name == item.adapter), found[0])


def network(world: World, item: ProtectedItem) -> str:
    """The virtual network that the adapter's logical network is mapped to; "" for none (rule 2.7-9)."""
    mapping = world.find(NetworkMapping, adapter(world, item).switch)
    return mapping.target if mapping is not None else ""


def name(item: ProtectedItem) -> str:
    """The name it will have in Azure: the one set by hand, else the VM's own."""
    return item.azure_name or item.id


def show(world: World, item: ProtectedItem) -> Target:
    """The page as it stands; 900948 for an item that is protected to another site."""
    _require_azure(item)
    return Target(name(item), item.size, adapter(world, item).name, network(world, item), misfits(world, item))


def _require_azure(item: ProtectedItem) -> None:
    if item.to:
        raise LabError(900948, vm=item.id, cloud=item.cloud)


def misfits(world: World, item: ProtectedItem) -> tuple[str, ...]:
    """What the size has too little of: "cpu", "memory", "data_disks"."""
    spec = vms.get(world, item.id).spec
    return sizes.named(item.size).misfits(spec.cpu, spec.memory_max, len(spec.data_disks))


def changeable(item: ProtectedItem) -> None:
    """Refuse an item whose target is not changed: 900948 it goes to another site, 900851 a failover or test uses it."""
    _require_azure(item)
    if item.job or item.point is not None:
        raise LabError(900851, vm=item.id, state=item.state)


def change(
    world: World, item: ProtectedItem, size: str | None, azure_name: str | None, adapter_name: str | None
) -> Target:
    """Change what is given; the page as it stands then. A size that does not fit is taken (rule 2.8-4).

    900240 no such size, 70044 a name that Azure does not take, 900809 one that is taken, 900010 no such adapter; errors
    of :func:`changeable`.
    """
    subscription.require(world)
    changeable(item)
    if size is not None:
        item.size, item.size_chosen = sizes.named(size).name, True
    if azure_name is not None:
        if not requirements.good_name(azure_name):
            raise LabError(70044, vm=azure_name, most=requirements.longest_name())
        if azure_name.casefold() in _taken(world, item):
            raise LabError(900809, name=azure_name, kind="VM")
        item.azure_name = azure_name
    if adapter_name is not None:
        known = [one.name for one in adapters(world, item)]
        if adapter_name not in known:
            raise unknown("network adapter", adapter_name, known)
        item.adapter = adapter_name
    shown = show(world, item)
    world.fact("item.target", item.id, size=shown.size, name=shown.name, adapter=shown.adapter)
    return shown


def _taken(world: World, item: ProtectedItem) -> set[str]:
    """The names in Azure, in lower case, of other protected VMs and of VMs that are there."""
    others = {name(other) for other in world.all(ProtectedItem) if other.id != item.id}
    return {one.casefold() for one in others | {vm.label for vm in world.all(Machine) if vm.side == AZURE}}


def shuts_down(world: World, vm: str) -> bool:
    """Whether the guest of a site's VM answers a request to shut down: it needs integration services (rule 1.4-4)."""
    return requirements.integrated(vms.get(world, vm).spec)


def require_name(item: ProtectedItem) -> None:
    """Refuse a failover while the name is one that Azure does not take (539 with 70044, rule 1.4-14)."""
    if not requirements.good_name(name(item)):
        raise LabError(539, vm=item.id, found=name(item))


def require_slots(world: World, item: ProtectedItem) -> None:
    """Fail a failover whose size has too few slots for the data disks (900852, rule 2.8-4)."""
    if "data_disks" in misfits(world, item):
        disks = len(vms.get(world, item.id).spec.data_disks)
        raise LabError(900852, vm=item.id, size=item.size, disks=disks, slots=sizes.named(item.size).data_disks)
