"""Removing a VM from the vault alone, and the clean-up by hand that follows (rules 4.1-2, 4.1-3).

"Stop managing" takes only the vault's record away, so that it needs neither VMM nor the site. VMM's settings and the
host's relation stay until somebody removes them, in this order; of a VM replicated to Azure nothing more is sent, and
its disks stay in the storage account (with a VM in Azure that stands on them, or by themselves).
"""

from __future__ import annotations

from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.recovery import item as items
from labkit.recovery import protection, states
from labkit.recovery.hostreplica import HostReplica
from labkit.recovery.item import ProtectedItem
from labkit.recovery.remains import UnmanagedVm
from labkit.replication import stops
from labkit.replication.relation import Relation
from labkit.site import servers, vms
from labkit.site.servers import Server

JOB, OPERATION = "StopManaging", "StopManaging"


def start(world: World, item: ProtectedItem) -> JobRecord:
    """Begin; refused like "disable protection" where that is not possible: 532, 20013, 900501."""
    stranded = (states.UNPLANNED_PENDING, states.UNPLANNED_COMMITTED)
    if not (item.to and item.state in stranded and items.busy(world, item) is None):
        # Site to site a VM that has failed over from a lost site has no other way out of the vault.
        items.request(world, item, "DisableProtection")
    return items.start(world, item, JOB)


@jobs.ending(JOB)
def _ended(world: World, job: JobRecord) -> None:
    item = world.get(ProtectedItem, job.target)
    item.job = ""
    if job.state != jobs.SUCCEEDED:
        return
    if not item.to:
        relation = world.find(Relation, item.id)
        if relation is not None:
            stops.remove(world, relation)
        protection.drop_replica(world, item, leave=True)
    world.remove(item)
    world.add(UnmanagedVm(item.id))
    world.fact("item.state", item.id, state=states.UNPROTECTED, operation=OPERATION)


# --- cleaning up ------------------------------------------------------------------------------------------------------


def _find(world: World, name: str) -> UnmanagedVm:
    """What is left of a VM's protection; 900934 when nothing is, or the vault still manages it."""
    vm = vms.get(world, name).id
    found = world.find(UnmanagedVm, vm)
    if found is None:
        raise LabError(900934, vm=vm)
    return found


def clear_settings(world: World, name: str) -> None:
    """``Set-SCVirtualMachine -ClearDRProtection`` on the VMM server: the first step. 900934, 900642, 900675."""
    found = _find(world, name)
    vms.known(world, found.id)
    if not found.settings:
        raise LabError(900934, vm=found.id)
    found.settings = False
    world.fact("protection.cleared", found.id)


def remove_relation(world: World, name: str, host: str) -> None:
    """``RemoveReplicationRelationship`` of ``Msvm_ReplicationService`` on the host: the second step.

    900935 before the first, 900936 unless ``host`` is the FQDN of the VM's host, 900621 while that is off.
    """
    found = _find(world, name)
    if found.settings:
        raise LabError(900935, vm=found.id)
    at = world.get(Server, vms.get(world, found.id).host)
    if str(host).casefold() != at.fqdn.casefold():
        raise LabError(900936, vm=found.id, found=host, host=at.fqdn)
    servers.running(world, at.id)
    replica = world.find(HostReplica, found.id)
    if replica is not None:  # site to site: the other site's VM stays, as a VM of its own
        relation = world.find(Relation, found.id)
        if relation is not None:
            stops.remove(world, relation)
        world.remove(replica)
        world.fact("replica.removed", found.id)
    world.remove(found)
    world.fact("relation.removed", found.id, host=at.id)
