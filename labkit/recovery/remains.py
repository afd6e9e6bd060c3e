"""What a removal left behind because the other side was not asked (rules 4.1-3, 4.3-1, 4.4-1)."""

from __future__ import annotations

from labkit.engine.errors import LabError
from labkit.engine.world import Entity, World, entity


@entity("unmanaged-vm")
class UnmanagedVm(Entity):
    """A VM (``id``) that the vault stopped managing: what VMM (``settings``) and its host (``relation``) still have."""

    settings: bool = True
    relation: bool = True


@entity("left-disks")
class LeftDisks(Entity):
    """A VM's replica disks in a storage account that no replication writes to any more; ``id`` is ACCOUNT/VM."""

    account: str
    vm: str


@entity("left-registration")
class LeftRegistration(Entity):
    """Settings on a VMM server (``id``) that was removed from the vault while it could not be reached."""


def require_clean(world: World, vm: str) -> None:
    """Refuse protection of a VM whose earlier one was not cleaned up: 900931 in VMM, 900932 on its host."""
    found = world.find(UnmanagedVm, vm)
    if found is not None:
        raise LabError(900931 if found.settings else 900932, vm=vm)


def require_clean_server(world: World, server: str) -> None:
    """Refuse a server on which settings of an earlier registration are left (900933)."""
    if world.find(LeftRegistration, server) is not None:
        raise LabError(900933, server=server)


def left_in(world: World, account: str) -> list[str]:
    """The VMs whose replica disks were left in a storage account."""
    return [left.vm for left in world.all(LeftDisks) if left.account == account]


def left_disks(world: World, vm: str, account: str) -> None:
    """A VM's replica disks stay in an account."""
    name = f"{account}/{vm}"
    if world.find(LeftDisks, name) is None:
        world.add(LeftDisks(name, account, vm))
    world.fact("disks.left", vm, account=account)
