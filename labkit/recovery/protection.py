"""Enabling and disabling the protection of a VM (rules 2.8-1 to 2.8-3, 2.9-1, 4.1-2)."""

from __future__ import annotations

from labkit.azure import sizes, subscription
from labkit.disks import record
from labkit.disks.record import DiskSet
from labkit.engine import jobs
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.jobs import DONE, JobRecord, Outcome
from labkit.engine.units import DAY, MINUTE
from labkit.engine.world import World
from labkit.recovery import (
    agents,
    components,
    hostreplica,
    pairing,
    plans,
    remains,
    requirements,
    states,
    subjects,
    vault,
)
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem
from labkit.recovery.vault import AT_ONCE, Cloud, Pair
from labkit.replication import cycles, initial, line, stops
from labkit.replication import relation as replication
from labkit.replication.relation import INITIAL, Relation
from labkit.site import clouds, fabric, inventory, vms
from labkit.site.servers import Server
from labkit.site.vms import VmSettings

FIRST, SECOND = "PrimaryIrCompletion", "SecondaryIrCompletion"


def enable(world: World, name: str) -> JobRecord:
    """Start "Enable protection" of a VM; 900520 when it is protected already, 900515 and 900850: its cloud."""
    subscription.require(world)
    inventory.machine(world, name)
    found = world.find(ProtectedItem, name)
    if found is not None:
        raise LabError(900520, vm=name, allowed=items.allowed(world, found))
    remains.require_clean(world, name)
    if vms.get(world, name).gone:
        raise LabError(900995, vm=name)
    if world.find(hostreplica.HostReplica, name) is not None:
        raise LabError(900583, vm=name)
    if pairing.taken(world, name):
        raise LabError(900894, vm=name)
    cloud = _cloud(world, vms.get(world, name))
    item = world.add(ProtectedItem(name, cloud.id, to=cloud.pair.target if cloud.pair else ""))
    return items.start(world, item, "EnableDr")


def offered(world: World, cloud: str | None) -> list[str]:
    """The VMs of the vault's clouds, or of one of them, that are not protected yet (rule 2.8-1)."""
    names = [found.id for found in world.all(Cloud)] if cloud is None else [vault.get(world, cloud).id]
    there = [vm for name in names for vm in clouds.members(world, name)]
    return sorted(vm for vm in there if world.find(ProtectedItem, vm) is None)


def enable_in_vmm(world: World, name: str) -> JobRecord:
    """The same job from VMM's console (rule 2.8-1); 900675 a VM it does not know, 900847 without Site Recovery."""
    settings = vms.known(world, name)
    components.ready(world, fabric.manager(world.get(Server, settings.host)))
    return enable(world, name)


def _cloud(world: World, settings: VmSettings) -> Cloud:
    """The cloud a VM belongs to (900850: none), if it is configured (900515) and still has the VM's host (900677)."""
    if not settings.cloud:
        raise LabError(900850, vm=settings.id)
    cloud = world.find(Cloud, settings.cloud)
    if cloud is None or not cloud.configured:
        raise LabError(900515, cloud=settings.cloud)
    vault.involved(world, ("cloud", cloud.id), by=("DissociateProtectionProfile", "UnregisterDra", "PurgeDra"))
    there = clouds.get(world, cloud.id)
    if settings.host not in [host.id for host in clouds.hosts(world, there)]:
        raise LabError(900677, vm=settings.id, host=settings.host, cloud=there.id, groups=", ".join(there.groups))
    return cloud


@jobs.check("EnableDr")
def _reached(world: World, job: JobRecord) -> None:
    """Every task goes through VMM, of a pair through that of both sides."""
    vault.reach(world, job.target, *vault.managers(world, world.get(ProtectedItem, job.target).cloud))


@jobs.task("EnableDr", "EnableProtectionPrerequisitesCheck")
def _check(world: World, job: JobRecord) -> Outcome:
    """The VM meets the requirements (rules 1.4-4 to 1.4-12, 2.4-1 to 2.4-3, F-5: all that is wrong is named)."""
    refused = requirements.refusal(findings(world, job.target, "enable"))
    if refused is not None:
        raise refused
    return DONE


def findings(world: World, name: str, purpose: requirements.Purpose = "readiness") -> list[requirements.Finding]:
    """What the requirements say of a VM, for the target its cloud has; Azure's where it has none yet."""
    settings = vms.get(world, name)
    cloud = world.find(Cloud, settings.cloud)
    to: requirements.Target = "site" if cloud is not None and cloud.pair is not None else "azure"
    return requirements.check(subjects.of_world(world, settings), to, purpose=purpose)


def _pair(world: World, job: JobRecord) -> Pair | None:
    """How the item's cloud is protected to another one; None: to Azure."""
    return world.get(Cloud, world.get(ProtectedItem, job.target).cloud).pair


@jobs.task("EnableDr", "CreateProtectionTarget")
def _target(world: World, job: JobRecord) -> Outcome:
    item, pair = world.get(ProtectedItem, job.target), _pair(world, job)
    if pair is not None:
        pairing.place(world, item, pair)
        return DONE
    machine = items.source(world, item)
    disks = record.set_of(world, machine.disks)
    item.replica = _new_replica(world, item, disks).number
    item.size = sizes.choose(machine.cpu, machine.memory, len(disks.sizes) - 1).name
    return DONE


def _new_replica(world: World, item: ProtectedItem, disks: DiskSet) -> DiskSet:
    """Empty disks in the storage account, sealed if the cloud is encrypted (rule 2.7-3)."""
    cloud = world.get(Cloud, item.cloud)
    sealed = cloud.id if cloud.encrypted else ""
    world.fact("replica.stored", item.id, account=cloud.storage)
    return record.create(world, item.id, "replica", disks.names, disks.sizes, sealed=sealed)


@jobs.task("EnableDr", "EnableProtection")
def _relate(world: World, job: JobRecord) -> Outcome:
    """The host replicates to Azure from now on; without the agent it cannot (70095, rule 2.6-5)."""
    host, pair = world.get(Server, vms.get(world, job.target).host), _pair(world, job)
    if not host.running:
        raise LabError(12700, server=host.id)
    if pair is not None:
        pairing.relate(world, world.get(ProtectedItem, job.target), pair)
        return DONE
    if not agents.works(host):
        raise LabError(70095, vm=job.target, host=host.id)
    _relation(world, world.get(ProtectedItem, job.target))
    return DONE


def _relation(world: World, item: ProtectedItem) -> Relation:
    cloud, machine = world.get(Cloud, item.cloud), items.source(world, item)
    relation = Relation(item.id, machine.id, machine.disks, item.replica, line.UP, cloud.frequency, cloud.retention)
    relation.snapshots = cloud.app_consistent
    return world.add(relation)


@jobs.task("EnableDr", "VmStartInitialReplication")
def _start_initial(world: World, job: JobRecord) -> Outcome:
    relation, begin = world.get(Relation, job.target), world.get(Cloud, _item_of(world, job).cloud).initial_start
    if begin == AT_ONCE:
        initial.start(world, relation)
    else:
        local = world.now + inventory.site_of(world).offset_min * MINUTE
        relation.timer = world.after((begin * MINUTE - local) % DAY, "initial.due", relation.id)
    return DONE


def _item_of(world: World, job: JobRecord) -> ProtectedItem:
    return world.get(ProtectedItem, job.target)


@on("initial.due")
def _due(world: World, timer: Timer) -> None:
    """The time of day has come at which initial replication begins (rule 2.7-7)."""
    initial.start(world, world.get(Relation, timer.entity))


@jobs.ending("EnableDr")
def _enabled(world: World, job: JobRecord) -> None:
    item = world.get(ProtectedItem, job.target)
    if job.state == jobs.FAILED:
        _forget(world, item)
        return
    items.settle(world, job, "EnableProtection")
    finalize(world, item)


# --- after initial replication ----------------------------------------------------------------------------------------


def _announced(world: World, relation: Relation) -> None:
    """The layer below says that initial replication is through or that a last log has arrived."""
    item = world.find(ProtectedItem, relation.id)
    if item is not None and relation.state == INITIAL:
        finalize(world, item)
    for job in world.all(JobRecord):
        if job.running and job.target == relation.id.removeprefix("failback/"):
            jobs.resume(world, job)


replication.WAITERS.append(_announced)


def finalize(world: World, item: ProtectedItem) -> None:
    """Start the job that ends initial replication, once all has arrived and nothing else runs on the item."""
    relation = world.find(Relation, item.id)
    if relation is None or relation.state != INITIAL or not initial.complete(world, relation):
        return
    ours = {job.scenario for job in world.all(JobRecord) if job.running and job.target == item.id}
    ours -= set(plans.SCENARIOS.values())  # a plan may be called like one of its VMs
    if not ours & {"EnableDr", "IrCompletion", FIRST, SECOND} and not (ours and item.to):
        jobs.start(world, "IrCompletion" if world.get(Cloud, item.cloud).pair is None else FIRST, item.id)


@jobs.ending(FIRST)
def _finalized_here(world: World, job: JobRecord) -> None:
    """Site to site both sides are finalized, one after the other (facts.md 6)."""
    relation = world.find(Relation, job.target)
    if relation is not None and relation.state == INITIAL:
        jobs.start(world, SECOND, job.target)


@jobs.ending("IrCompletion")
@jobs.ending(SECOND)
def _finalized(world: World, job: JobRecord) -> None:
    relation = world.find(Relation, job.target)
    if relation is None or relation.state != INITIAL or not initial.complete(world, relation):
        return  # protection was disabled meanwhile
    cycles.begin(world, relation)
    replica = world.find(hostreplica.HostReplica, job.target)
    if replica is not None:
        hostreplica.move(world, replica, "Begin")
    item = world.find(ProtectedItem, job.target)
    if item is not None:  # the vault may have stopped managing it; its hosts go on
        ready(world, item)


def ready(world: World, item: ProtectedItem) -> None:
    """The item is protected once initial replication is done *and* nobody has a click to give (rule 3.6-4)."""
    relation = world.find(Relation, item.id)
    begun = (replication.REPLICATING, replication.RESYNC, replication.RESYNCHRONISING)
    if item.state == states.ENABLING and relation is not None and relation.state in begun:
        items.move(world, item, states.INITIAL_COMPLETED)


def protect_anew(world: World, item: ProtectedItem) -> None:
    """Begin replication from the site to Azure again, from nothing (rule 3.6-5)."""
    disks = record.set_of(world, items.source(world, item).disks)
    item.replica = _new_replica(world, item, disks).number
    initial.start(world, _relation(world, item))


# --- disabling --------------------------------------------------------------------------------------------------------


def disable(world: World, item: ProtectedItem) -> JobRecord:
    """Remove protection on both sides; a VM that runs in Azure stays there and is charged (F-10).

    The job fails with 900930 while the site's side cannot be reached: then only the vault can stop managing it.
    """
    items.request(world, item, "DisableProtection")
    pairing.removable(world, item)
    return items.start(world, item, "DisableDr")


@jobs.task("DisableDr", "DisableProtectionOnPrimary")
def _disable_source(world: World, job: JobRecord) -> Outcome:
    if not items.site_reachable(world, *vault.managers(world, world.get(ProtectedItem, job.target).cloud)):
        raise LabError(900930, vm=job.target)
    relation = world.find(Relation, job.target)
    if relation is not None:
        stops.remove(world, relation)
    return DONE


@jobs.task("DisableDr", "DisableProtectionOnSecondary")
def _disable_target(world: World, job: JobRecord) -> Outcome:
    item = world.get(ProtectedItem, job.target)
    if world.get(Cloud, item.cloud).pair is not None:
        pairing.remove(world, item)
    else:
        drop_replica(world, item)
    return DONE


@jobs.ending("DisableDr")
def _disabled(world: World, job: JobRecord) -> None:
    items.settle(world, job, "DisableProtection")
    if job.state == jobs.SUCCEEDED:
        world.remove(world.get(ProtectedItem, job.target))


def drop_replica(world: World, item: ProtectedItem, *, leave: bool = False) -> None:
    """The replica's disks are written no more; a VM in Azure that stands on them has them as its own from now on.

    Without such a VM they are deleted, or with ``leave`` stay in the storage account, where nobody needs what is in
    them.
    """
    if not item.replica:
        return
    for child in world.all(DiskSet):
        if child.parent == item.replica:
            record.flatten(world, child)
    record.delete(world, items.replica(world, item))
    item.replica = 0
    if leave and items.target(world, item) is None:
        remains.left_disks(world, item.id, world.get(Cloud, item.cloud).storage)


def _forget(world: World, item: ProtectedItem) -> None:
    relation = world.find(Relation, item.id)
    if relation is not None:
        stops.remove(world, relation)
    if item.to:
        pairing.remove(world, item, whole=True)
    else:
        drop_replica(world, item)
    world.remove(item)
