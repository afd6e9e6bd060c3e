"""``lab.azure``: the subscription, vaults, storage accounts, networks and VMs on Azure's side, and their limits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from labkit.azure import compute, services, subscription, trial
from labkit.azure.services import Quota, Region, StorageAccount, VirtualNetwork
from labkit.engine import units
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.lab.automation import AutomationDoor
from labkit.lab.azuremachines import MachinesDoor
from labkit.lab.costs import CostsDoor
from labkit.lab.refusals import refusal
from labkit.recovery import remains, teardown, vaults
from labkit.recovery.vaults import Vault
from labkit.site import inventory

__all__ = ["AzureDoor", "compute"]


class SubscriptionView(NamedTuple):
    """``state``: "Active" or "Suspended". ``credit_left``: yen, ``ends``: ISO 8601; both None for pay-as-you-go."""

    account: str
    plan: str
    state: str
    credit_left: int | None
    ends: str | None


class VaultView(NamedTuple):
    """A row of the page Recovery services; ``kind``: "site-recovery" or "backup"; ``servers``: those registered."""

    name: str
    kind: str
    region: str
    servers: tuple[str, ...]


class StorageView(NamedTuple):
    """The page "Configure" of a storage account; ``secondary``: the region of the other copies, None for none."""

    name: str
    region: str
    redundancy: str
    secondary: str | None


class NetworkView(NamedTuple):
    """A virtual network; ``vpn``: "site-to-site", or None for one that cannot be reached from the site."""

    name: str
    region: str
    address_space: str
    subnets: dict[str, str]
    dns: tuple[str, ...]
    vpn: str | None


def _subscription(world: World) -> SubscriptionView | None:
    found = subscription.find(world)
    if found is None:
        return None
    ends = units.show_instant(found.ends, found.offset_min) if found.ends else None
    return SubscriptionView(found.account, found.plan, found.state, trial.left(world, found), ends)


def _storage(found: StorageAccount) -> StorageView:
    return StorageView(found.id, found.region, found.redundancy, found.secondary or None)


def _network(found: VirtualNetwork) -> NetworkView:
    dns, vpn = tuple(found.dns), found.vpn or None
    return NetworkView(found.id, found.region, found.address_space, dict(found.subnets), dns, vpn)


class AzureDoor(CostsDoor, MachinesDoor, AutomationDoor):
    """Azure's side of the lab. Whatever makes, changes or deletes something needs the subscription (900800, 900806 f.).

    A lab of the stage "start" has none: ``lab.azure.sign_up("admin@contoso.com", "090-0000-0000",
    "0000-0000-0000-0000")``. Protection needs three things, all in one region: ``create_vault``, ``create_storage``
    (geo-redundant), and ``create_network`` or ``quick_network``.
    """

    # --- the subscription ---------------------------------------------------------------------------------------------

    @property
    def subscription(self) -> SubscriptionView | None:
        """The subscription, with what a trial has left; None before the sign-up."""
        return self._lab.read(_subscription)

    def sign_up(self, account: str, phone: str, card: str, plan: str = "trial") -> SubscriptionView:
        """Sign up for Azure: account, confirmation by phone, card, subscription, first sign-in, in this order.

        Give invented values: ``account`` an address like admin@contoso.com (900820), ``phone`` 10 to 15 digits
        (900823), ``card`` 16 digits that begin with 0000 (900803). ``plan``: "trial" (one month, 20,500 yen, nothing is
        charged) or "pay-as-you-go" (900805). 900804 for a second sign-up. When a step is refused none of them is done;
        the steps can be taken one by one, too.
        """
        zone = self._lab.read(lambda world: inventory.site_of(world).offset_min)
        work = lambda world: subscription.sign_up(world, account, phone, card, plan, zone)  # noqa: E731
        seen = {"phone": subscription.masked(phone), "card": subscription.masked(card)}
        self._do("sign_up", work, account=account, **seen, plan=plan)
        found = self.subscription
        assert found is not None
        return found

    def create_account(self, account: str) -> None:
        """The first step of the sign-up: the Microsoft account; 900820, 900804."""
        self._do("create_account", lambda world: subscription.create_account(world, account), account=account)

    def confirm_phone(self, phone: str) -> None:
        """Give the confirmation code that came by voice or SMS; 900823 for no number."""
        work = lambda world: subscription.confirm_phone(world, phone)  # noqa: E731
        self._do("confirm_phone", work, phone=subscription.masked(phone))

    def give_card(self, card: str) -> None:
        """Show who you are by an invented credit card: 16 digits that begin with 0000, else 900803."""
        work = lambda world: subscription.give_card(world, card)  # noqa: E731
        self._do("give_card", work, card=subscription.masked(card))

    def subscribe(self, plan: str = "trial") -> None:
        """Make the subscription; a trial's month begins now. 900805 for an unknown plan."""
        zone = self._lab.read(lambda world: inventory.site_of(world).offset_min)
        self._do("subscribe", lambda world: subscription.subscribe(world, plan, zone), plan=plan)

    def sign_in(self) -> None:
        """The first sign-in to the management portal, the last step: it shows that all before it worked."""
        self._do("sign_in", subscription.sign_in)

    def upgrade(self) -> None:
        """Go on with pay-as-you-go, from a trial that runs or is suspended: everything comes back as it was (2.2-3).

        VMs that ran start again, replication goes on, jobs go on. 900808 for pay-as-you-go.
        """
        self._do("upgrade", trial.upgrade)

    # --- regions and quotas -------------------------------------------------------------------------------------------

    @property
    def regions(self) -> dict[str, Region]:
        """Regions by name: ``pair`` has the other copies of geo-redundant storage, ``site_recovery``: it is offered."""
        return dict(services.regions())

    @property
    def quotas(self) -> dict[str, Quota]:
        """Quotas of the subscription by name: ``used``, ``limit``, and the ``maximum`` support raises it to."""
        return self._lab.read(services.quotas)

    def raise_quota(self, name: str, to: int) -> None:
        """Ask support to raise a quota, up to its maximum (900815)."""
        self._do("raise_quota", lambda world: services.raise_quota(world, name, to), name=name, to=to)

    # --- vaults -------------------------------------------------------------------------------------------------------

    @property
    def vaults(self) -> dict[str, VaultView]:
        """The page Recovery services: vaults of Site Recovery and of Backup by name."""

        def found(world: World) -> dict[str, VaultView]:
            return {v.id: VaultView(v.id, v.kind, v.region, tuple(v.servers)) for v in world.all(Vault)}

        return self._lab.read(found)

    def create_vault(self, name: str, region: str, kind: str = "site-recovery") -> None:
        """Make a vault: 2 to 50 letters, digits and hyphens, beginning with a letter (900812).

        ``kind``: "site-recovery", in the regions that offer it (else 900821), or "backup", which keeps and restores
        data and protects no VM (900822 where a Site Recovery vault is needed). 900809 for a name that is taken.
        """
        work = lambda world: vaults.create(world, name, region, kind)  # noqa: E731
        self._do("create_vault", work, name=name, region=region, kind=kind)

    # --- storage accounts and networks --------------------------------------------------------------------------------

    @property
    def storage(self) -> list[str]:
        """Names of the storage accounts."""
        return list(self.storage_accounts)

    @property
    def storage_accounts(self) -> dict[str, StorageView]:
        """Storage accounts by name."""
        return self._lab.read(lambda world: {found.id: _storage(found) for found in world.all(StorageAccount)})

    def create_storage(self, name: str, region: str, redundancy: str = "GRS") -> StorageView:
        """Make a storage account: 3 to 24 lower-case letters and digits (900810).

        ``redundancy``: "LRS", "ZRS", "GRS" or "RA-GRS" (900813). The secondary region of the last two is the region's
        pair and cannot be changed. 900809 for a name that is taken, 900814 when the quota is used up.
        """
        work = lambda world: services.create_storage(world, name, region, redundancy)  # noqa: E731
        self._do("create_storage", work, name=name, region=region, redundancy=redundancy)
        return self.storage_accounts[name]

    @property
    def networks(self) -> list[str]:
        """Names of the virtual networks."""
        return list(self.virtual_networks)

    @property
    def virtual_networks(self) -> dict[str, NetworkView]:
        """Virtual networks by name."""
        return self._lab.read(lambda world: {found.id: _network(found) for found in world.all(VirtualNetwork)})

    def create_network(
        self,
        name: str,
        region: str,
        address_space: str = "10.0.0.0/16",
        *,
        subnets: dict[str, str] | None = None,
        dns: Iterable[str] = (),
        vpn: str | None = None,
    ) -> NetworkView:
        """Make a virtual network ("Custom create").

        ``subnets``: address ranges by name, within the space (900817) and apart (900818); by default one, Subnet-1.
        ``dns``: addresses of DNS servers (900819). ``vpn``: "site-to-site", with a gateway in the last eight addresses,
        or None. 900811 for the name, 900816 for the space, 900809 for a name that is taken, 900814 when the
        quota is used up.
        """
        settings: dict[str, Any] = {"address_space": address_space, "subnets": subnets, "dns": list(dns), "vpn": vpn}
        work = lambda world: services.create_network(world, name, region, **settings)  # noqa: E731
        self._do("create_network", work, name=name, region=region, **settings)
        return self.virtual_networks[name]

    def quick_network(self, name: str, region: str) -> NetworkView:
        """Make a closed dummy network ("Quick create"): enough for all but reaching its VMs from the site (2.5-6)."""
        work = lambda world: services.quick_network(world, name, region)  # noqa: E731
        self._do("quick_network", work, name=name, region=region)
        return self.virtual_networks[name]

    def delete_storage(self, name: str) -> None:
        """Delete a storage account that holds no replica; 900524 otherwise."""
        self._do("delete_storage", lambda world: teardown.delete_storage(world, name), name=name)

    def delete_network(self, name: str) -> None:
        """Delete a virtual network that nothing is mapped to; 900524 otherwise."""
        self._do("delete_network", lambda world: teardown.delete_network(world, name), name=name)

    def delete_disks(self, account: str, vm: str) -> None:
        """Delete a VM's replica disks that were left in a storage account (rule 4.4-1); 900943 when there are none."""
        self._do("delete_disks", lambda world: teardown.delete_disks(world, account, vm), account=account, vm=vm)

    def left_disks(self, account: str) -> list[str]:
        """The VMs whose replica disks were left in a storage account."""
        return self._lab.read(lambda world: remains.left_in(world, account))

    # --- VMs ----------------------------------------------------------------------------------------------------------

    def delete_machine(self, name: str) -> None:
        """Delete a VM that is no longer under protection, with its disks (F-10).

        900010 for a name that is not there, 900946 for the VM of a test failover, 900524 for one that has failed over.
        """
        self._do("delete_machine", lambda world: teardown.delete_machine(world, name), name=name)

    def delete_refusal(self, name: str) -> LabError | None:
        """What :meth:`delete_machine` would refuse a VM with now, without asking for it; None when it would not."""
        return refusal(self._lab, lambda world: teardown.deletable(world, name))
