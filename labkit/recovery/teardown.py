"""Taking Azure's side down, each thing only when nothing stands on it (rules 4.1-1, 4.4-1, F-10)."""

from __future__ import annotations

from labkit.azure import compute, hosted, subscription
from labkit.azure.services import StorageAccount, VirtualNetwork
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.names import unknown
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.guest.machine import AZURE, TEST, Machine
from labkit.recovery import remains
from labkit.recovery.item import ProtectedItem
from labkit.recovery.remains import LeftDisks
from labkit.recovery.vault import Cloud, NetworkMapping


def deletable(world: World, name: str) -> Machine:
    """The VM in Azure of that name, which nothing stands on; it is not deleted yet.

    900010 there is none, 900946 a test failover that is open has made it, 900524 it has failed over, 900806 f.
    """
    subscription.require(world)
    there = {found.label: found for found in world.all(Machine) if found.side == AZURE}
    machine = there.get(name)
    if machine is None:
        _no_test(world, name)
        raise unknown("VM", name, there)
    item = world.find(ProtectedItem, machine.id.partition("/")[2])
    if item is not None and item.point is not None:
        raise LabError(900524, kind="VM", name=name, users=name)
    return machine


def _no_test(world: World, name: str) -> None:
    """Refuse a VM that a test made: it goes with the test, whose job or plan waits for the word (rule 3.3-5)."""
    for machine in world.all(Machine):
        if machine.side == TEST and machine.label == name:
            item = world.get(ProtectedItem, machine.id.partition("/")[2].removesuffix("-test"))
            raise LabError(900946, name=name, vm=item.id, job=item.plan or item.job)


def delete_machine(world: World, name: str) -> None:
    """Delete a VM in Azure that was left there when its protection was removed; errors as of :func:`deletable`."""
    compute.delete_vm(world, deletable(world, name))


def _named_by_jobs(world: World, name: str) -> list[str]:
    """Targets of the jobs under way that are about to use a storage account or network."""
    running = [job for job in world.all(JobRecord) if job.running]
    return [job.target for job in running if name in [job.data.get(key) for key in ("storage", "to", "network")]]


def delete_storage(world: World, name: str) -> None:
    """Delete a storage account that no cloud uses and that holds no disk of a VM."""
    subscription.require(world)
    account = world.get(StorageAccount, name)
    users = [cloud.id for cloud in world.all(Cloud) if cloud.configured and cloud.storage == name]
    users += [machine.id for machine in world.all(Machine) if machine.side == AZURE and account.used]
    users += [_("disks of {vm}").format(vm=vm) for vm in remains.left_in(world, name)]
    users += _named_by_jobs(world, name)
    if users:
        raise LabError(900524, kind="storage account", name=name, users=", ".join(users))
    world.remove(account)
    world.fact("storage.deleted", name)


def delete_disks(world: World, name: str, vm: str) -> None:
    """Delete a VM's replica disks that were left in a storage account; 900943 when there are none."""
    subscription.require(world)
    account = world.get(StorageAccount, name)
    left = world.find(LeftDisks, f"{account.id}/{vm}")
    if left is None:
        raise LabError(900943, account=account.id, vm=vm)
    world.remove(left)
    world.fact("disks.deleted", vm, account=account.id)


def _on(world: World, machine: Machine, network: str) -> bool:
    """Whether a VM in Azure is on a network; of one of a lab of before nobody knows."""
    found = hosted.of(world, machine)
    return found.network == network or not found.service


def delete_network(world: World, name: str) -> None:
    """Delete a virtual network that nothing is mapped to and no VM is on."""
    subscription.require(world)
    network = world.get(VirtualNetwork, name)
    users = [mapping.id for mapping in world.all(NetworkMapping) if mapping.target == name]
    users += [
        machine.id for machine in world.all(Machine) if machine.side in (AZURE, TEST) and _on(world, machine, name)
    ]
    users += _named_by_jobs(world, name)
    if users:
        raise LabError(900524, kind="virtual network", name=name, users=", ".join(users))
    world.remove(network)
    world.fact("network.deleted", name)
