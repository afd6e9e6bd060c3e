"""What still runs, costs, or stands in the way of protecting anew: counted from entities and facts, by no story.

After a teardown in the guide's order (rule 4.1-1), with all services deleted, it is empty and the meter stands still.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from labkit.azure import billing, meter, services, subscription
from labkit.azure.services import StorageAccount, VirtualNetwork
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.guest.machine import AZURE, OFF, TEST, Machine
from labkit.recovery.hostreplica import REPLICA, HostReplica
from labkit.recovery.item import ProtectedItem
from labkit.recovery.remains import LeftDisks, LeftRegistration, UnmanagedVm
from labkit.recovery.vault import Cloud
from labkit.recovery.vaults import Vault
from labkit.site import inventory


class Leftover(NamedTuple):
    """A thing that is left: micro-dollars a day (None: no list prices it), and what to do, in the session's language.

    ``kind``: "vm", "protection", "licences", "disks", "storage account", "network", "vault", "registration",
    "cloud protection", "vmm settings", "replication relationship", "replica", "server settings".
    """

    kind: str
    name: str
    per_day: int | None
    action: str


class _Sizes(NamedTuple):
    """Bytes that are stored now: in use, by account, and left over, by account and VM."""

    used: dict[str, int]
    left: dict[tuple[str, str], int]


def find(world: World) -> list[Leftover]:
    """All that is left, in the order in which it is to be taken down."""
    zone = inventory.site_of(world).offset_min
    usage = billing.usage(world, zone, services.redundancy(world))
    sizes = _sizes(world, usage)
    return [
        *_machines(world),
        *_protection(world, zone),
        *_hand_work(world),
        *_vault(world),
        *_disks(world, sizes, zone),
        *_accounts(world, sizes, zone),
        *_networks(world),
        *_licences(world, usage, zone),
    ]


def _sizes(world: World, usage: meter.Usage) -> _Sizes:
    """Labs of before do not tell the account: there is one that was used."""
    default = next((account.id for account in world.all(StorageAccount) if account.used), "")
    found = _Sizes(defaultdict(int), defaultdict(int))
    for one in usage.stored:
        if one.held == "left":
            found.left[one.account, one.vm] += one.size
        else:
            found.used[one.account or default] += one.size
    return found


def _machines(world: World) -> Iterator[Leftover]:
    for machine in world.all(Machine):
        if machine.side in (AZURE, TEST):
            cost = billing.machine_per_day(machine.size, machine.os) if machine.state != OFF else 0
            yield Leftover("vm", machine.id, cost, _what_with(world, machine))


def _what_with(world: World, machine: Machine) -> str:
    """What to do with a VM in Azure: whose failover or test it is decides."""
    vm = machine.id.partition("/")[2]
    if machine.side == TEST:
        return _("Complete the test failover: its VM is deleted with it.")
    item = world.find(ProtectedItem, vm)
    if item is not None and item.point is not None:
        return _("Fail back and commit, or disable its protection and delete it.")
    return _("Delete it with its disks (lab.azure.delete_machine), unless it is to stay for good.")


def _protection(world: World, zone: int) -> Iterator[Leftover]:
    for item in world.all(ProtectedItem):
        target = "site" if item.to else "azure"
        cost = billing.protection_per_day(world.now, zone, target=target)
        yield Leftover("protection", item.id, cost, _("Disable its protection (lab.vault.disable_protection)."))


def _hand_work(world: World) -> Iterator[Leftover]:
    """What has to be cleaned up at the site by hand; it costs nothing and is in the way."""
    for found in world.all(UnmanagedVm):
        if found.settings:
            text = _("On the VMM server clear its protection settings (lab.site.vmm.clear_dr_protection).")
            yield Leftover("vmm settings", found.id, 0, text)
        text = _("Remove it on the host (lab.site.remove_replication_relationship).")
        yield Leftover("replication relationship", found.id, 0, text)
    for machine in world.all(Machine):
        if machine.side == REPLICA and world.find(HostReplica, machine.name) is None:
            text = _("Delete the VM at the other site (lab.hyperv.delete).")
            yield Leftover("replica", machine.name, 0, text)
    for server in world.all(LeftRegistration):
        text = _("Run the clean-up script on the server (lab.site.clean_up_registration).")
        yield Leftover("server settings", server.id, 0, text)


def _vault(world: World) -> Iterator[Leftover]:
    """A vault and what is in it are charged by the protected VM (rule 1.3-1)."""
    for cloud in world.all(Cloud):
        if cloud.configured:
            yield Leftover("cloud protection", cloud.id, 0, _("Release the cloud (lab.vault.release_cloud)."))
    for vault in world.all(Vault):
        for server in vault.servers:
            text = _("Remove the server from the vault (lab.vault.unregister_server).")
            yield Leftover("registration", server, 0, text)
        yield Leftover("vault", vault.id, 0, _("Delete it (lab.vault.delete)."))


def _disks(world: World, sizes: _Sizes, zone: int) -> Iterator[Leftover]:
    for left in world.all(LeftDisks):
        size = sizes.left.get((left.account, left.vm), 0)
        cost = _storage(world, left.account, size, zone)
        yield Leftover("disks", left.id, cost, _("Delete them in the account (lab.azure.delete_disks)."))


def _accounts(world: World, sizes: _Sizes, zone: int) -> Iterator[Leftover]:
    for account in world.all(StorageAccount):
        cost = _storage(world, account.id, sizes.used.get(account.id, 0), zone)
        text = _("Delete it (lab.azure.delete_storage), or keep it for other use.")
        yield Leftover("storage account", account.id, cost, text)


def _storage(world: World, account: str, size: int, zone: int) -> int | None:
    kind = world.get(StorageAccount, account).redundancy.lower()
    return billing.storage_per_day(size, kind, world.now, zone)


def _networks(world: World) -> Iterator[Leftover]:
    for network in world.all(VirtualNetwork):
        text = _("Delete it (lab.azure.delete_network), or keep it for other use.")
        yield Leftover("network", network.id, billing.gateway_per_day() if network.vpn else 0, text)


def _licences(world: World, usage: meter.Usage, zone: int) -> Iterator[Leftover]:
    held = sum(one.held for one in usage.licences if one.last is None)
    found = subscription.find(world)
    if held and found is not None:
        each = billing.licence_per_day(world.now, zone)
        text = _("End them (lab.azure.end_licences): nothing is paid from the next month on.")
        yield Leftover("licences", str(held), None if each is None else each * held, text)
