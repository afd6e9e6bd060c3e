"""VMs a failover or a test makes in Azure: room for them, where they stand, and whether their disks boot.

Whether a VM boots is decided by the *boot region* of its OS disk, the first two blocks (128 KiB: boot record and
loader). Each must hold what the site's OS disk held there at the recovery point, or something the site's guest wrote
there before (a boot loader a cycle old still boots). Zeros where the site had data, and bytes the site's guest never
wrote, do not boot: 170010. This is the lab's own rule; what else is damaged shows in the guest, not at its start.
"""

from __future__ import annotations

from labkit.azure import compute, hosted, hosting, services
from labkit.azure.hosted import DOMAIN_CONTROLLER, AzureVm, CloudService
from labkit.azure.services import VirtualNetwork
from labkit.azure.sizes import named
from labkit.disks import record
from labkit.disks.blocks import is_real
from labkit.disks.record import DiskSet, Place
from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest import remote
from labkit.guest.machine import AZURE, TEST, Machine, Workload
from labkit.recovery import guestremote, requirements, targets, vault, vaults
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem
from labkit.replication.points import Point
from labkit.site import inventory

BOOT_BLOCKS = 2
SERVICE = "service"  # in a job's data: the plan whose VMs share a cloud service
_HYDRATION = 170010


# --- room -------------------------------------------------------------------------------------------------------------


def test_network(world: World, name: str) -> None:
    """Whether a test can be on a network: 25080 for one of the site's, 900010 for none, 900828 in another region."""
    if world.find(VirtualNetwork, name) is None and name in vault.networks(world):
        raise LabError(25080, found=name)
    services.check_network(world, name, vaults.the_vault(world).region)


def _network(world: World, job: JobRecord, item: ProtectedItem) -> str:
    """The virtual network the VM of a job gets: for a test the one chosen, else the mapped one; "" for none."""
    if job.scenario == "TestFailover":
        return str(job.data.get("network", ""))
    return targets.network(world, item)


def _sharing(world: World, job: JobRecord, item: ProtectedItem) -> tuple[str, str]:
    """The name of the cloud service that the VMs of a plan share on one network, and the words it is shared by.

    ("", "") for a VM that has one of its own.
    """
    plan = str(job.data.get(SERVICE, ""))
    if not plan:
        return "", ""
    test = job.scenario == "TestFailover"
    return (f"{plan}-test" if test else plan), sharing(TEST if test else AZURE, _network(world, job, item), plan)


def sharing(side: str, network: str, plan: str) -> str:
    """The words by which the VMs of a plan share a cloud service: one a network, another one for tests."""
    return "/".join((side, network, plan))


def shared_service(world: World, item: ProtectedItem) -> dict[str, str]:
    """What a job that makes the VM of an item anew has to say for it to stay in the cloud service it shares."""
    machine = items.target(world, item)
    service = world.find(CloudService, hosted.of(world, machine).service) if machine is not None else None
    return {SERVICE: service.shared.rpartition("/")[2]} if service is not None and service.shared else {}


def require_room(world: World, job: JobRecord) -> None:
    """Whether Azure has room for a job's VM now: cores and cloud services (28031), a subnet (28020), an address."""
    item = items.get(world, job.target)
    hosting.claim(world, item.id, item.size, _sharing(world, job, item)[1])
    hosting.require_place(world, item.id, _network(world, job, item), targets.adapter(world, item).switch)


# --- making and starting ----------------------------------------------------------------------------------------------


def make(world: World, job: JobRecord, source: Machine, disks: DiskSet, point: Point) -> Machine:
    """The VM of a job on disks made from the replica at a point; there must be room for it. It is not started."""
    item = items.get(world, job.target)
    test = job.scenario == "TestFailover"
    name, listed = (f"{item.id}-test", f"{targets.name(item)}-test") if test else (item.id, targets.name(item))
    machine = compute.create_vm(world, source, name, TEST if test else AZURE, disks, item.size, listed)
    service, shared = _sharing(world, job, item)
    placed = hosting.place(
        world,
        machine,
        region=vaults.the_vault(world).region,
        network=_network(world, job, item),
        like=targets.adapter(world, item).switch,
        service=service or listed,
        shared=shared,
        host=source.name,
    )
    placed.unbootable = unbootable(world, guests.disks_of(world, source), point, disks)
    guestremote.inherit(world, machine, source, point.cut)
    return machine


def unbootable(world: World, source: DiskSet, point: Point, made: DiskSet) -> list[int]:
    """Blocks of the boot region of ``made`` that do not boot; ``source``: the site's disks."""
    theirs = record.frozen(world, made, 0)
    ours = [record.frozen(world, source, 0, record.place_at(source, point.cut))]
    ours.append(record.frozen(world, source, 0, Place(0, 0)))
    found = []
    for block in range(min(BOOT_BLOCKS, len(theirs.stamps))):
        stamp, content = int(theirs.stamps[block]), theirs.read(block)
        written = bool(stamp) and not is_real(stamp)  # only a guest leaves such stamps
        if not written and all(disk.read(block) != content for disk in ours):
            found.append(block)
    return found


def start(world: World, machine: Machine) -> None:
    """Start a VM that was made; 170010 when its disks do not boot."""
    _require_bootable(world, machine)
    guests.power_on(world, machine)


def _require_bootable(world: World, machine: Machine) -> None:
    placed = world.find(AzureVm, machine.id)
    if placed is not None and placed.unbootable:
        blocks = ", ".join(map(str, placed.unbootable))
        raise LabError(_HYDRATION, vm=machine.label, disk=guests.disks_of(world, machine).names[0], blocks=blocks)


def require_working(world: World, item: ProtectedItem) -> None:
    """Refuse to make a failover final whose VM does not boot (170010), or is not there (900966).

    It is not there when a change of the recovery point failed between the old VM and the new one.
    """
    machine = items.target(world, item)
    if machine is None:
        raise LabError(900966, vm=item.id)
    _require_bootable(world, machine)


def settle(world: World, job: JobRecord, operation: str) -> None:
    """The end of a failover's job. One whose VM was made but does not boot waits for its commit all the same.

    So another recovery point can be chosen (rule 3.4-2).
    """
    items.settle(world, job, operation)
    item = world.get(ProtectedItem, job.target)
    failed = job.state == jobs.FAILED and job.error is not None and job.error["code"] == _HYDRATION
    if failed and item.point is not None:
        items.move(world, item, operation)


# --- VMs of one's own -------------------------------------------------------------------------------------------------


def create(world: World, name: str, virtual_network: str, size: str, role: str) -> Machine:
    """Make a VM that has nothing to do with Site Recovery, and start it (rule 3.1-4).

    70044 for the name, 900809 when it is taken, 900010 for the network, 900240 for the size, 900545 for the role,
    28031, 28020, 161018. Its guest is Windows Server 2012 R2 and writes nothing.
    """
    if not requirements.good_name(name):
        raise LabError(70044, vm=name, most=requirements.longest_name())
    if role not in ("", DOMAIN_CONTROLLER):
        raise LabError(900545, found=role, choices=DOMAIN_CONTROLLER)
    taken = {found.id for found in world.all(Machine)} & {f"{AZURE}/{name}", f"{guests.SITE}/{name}"}
    if taken or name in {found.label for found in world.all(Machine) if found.side == AZURE}:
        raise LabError(900809, kind="VM", name=name)
    found, chosen = world.get(VirtualNetwork, virtual_network), named(size)
    hosting.claim(world, name, chosen.name)
    hosting.require_place(world, name, found.id, "")
    system = "Windows Server 2012 R2"
    disks = record.create(world, name, AZURE, ["os"], [127 << 30])
    boot, load = inventory.boot_time(system), Workload(0, 65_536, 1)
    made = Machine(
        f"{AZURE}/{name}", name, AZURE, system, boot, chosen.cores, chosen.memory, disks.number, [load], None
    )
    made.size = chosen.name
    machine = world.add(made)
    world.fact("azure.vm.created", machine.id, size=machine.size, os=machine.os)
    placed = hosting.place(
        world, machine, region=found.region, network=found.id, like="", service=name, shared="", host=name
    )
    placed.role = role
    guests.power_on(world, machine)
    return machine


def _forget(world: World) -> None:
    """Settings of guests that are gone."""
    for settings in world.all(remote.Remote):
        if world.find(Machine, settings.id) is None:
            world.remove(settings)


compute.WHEN_DELETED.append(_forget)
