"""``lab.azure``: VMs, storage accounts and networks on Azure's side, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.azure import compute
from labkit.azure.compute import StorageAccount, VirtualNetwork
from labkit.engine.world import World
from labkit.guest.machine import AZURE, TEST, Machine
from labkit.lab.site import MachineView, machine_view
from labkit.recovery import teardown

if TYPE_CHECKING:
    from labkit.lab.door import Lab

__all__ = ["AzureDoor", "compute"]


def _machines(world: World) -> dict[str, MachineView]:
    found = [machine for machine in world.all(Machine) if machine.side in (AZURE, TEST)]
    return {machine.id.partition("/")[2]: machine_view(world, machine) for machine in found}


class AzureDoor:
    """Azure's side of the lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    @property
    def machines(self) -> dict[str, MachineView]:
        """VMs in Azure by name, test VMs among them."""
        return self._lab.read(_machines)

    @property
    def storage(self) -> list[str]:
        """Names of the storage accounts."""
        return self._lab.read(lambda world: [account.id for account in world.all(StorageAccount)])

    @property
    def networks(self) -> list[str]:
        """Names of the virtual networks."""
        return self._lab.read(lambda world: [network.id for network in world.all(VirtualNetwork)])

    def delete_machine(self, name: str) -> None:
        """Delete a VM that is no longer under protection, with its disks (F-10)."""
        self._lab.command("azure.delete_machine", {"name": name}, lambda world: teardown.delete_machine(world, name))

    def delete_storage(self, name: str) -> None:
        """Delete a storage account that holds no replica; 900524 otherwise."""
        self._lab.command("azure.delete_storage", {"name": name}, lambda world: teardown.delete_storage(world, name))

    def delete_network(self, name: str) -> None:
        """Delete a virtual network that nothing is mapped to; 900524 otherwise."""
        self._lab.command("azure.delete_network", {"name": name}, lambda world: teardown.delete_network(world, name))
