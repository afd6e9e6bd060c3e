"""The site as it stands in a lab: servers, and the VMs that run on its hosts.

Made once from a site file; the VMs are running when a lab begins.
"""

from __future__ import annotations

import msgspec

from labkit.disks import record
from labkit.disks.blocks import BLOCK, synthetic_stamp
from labkit.engine.names import unknown
from labkit.engine.units import DAY
from labkit.engine.world import Entity, World, entity
from labkit.guest import machine as guests
from labkit.guest.machine import SITE, Application, Machine, Workload
from labkit.site import images, systems, traces
from labkit.site.contents import NONE, Contents
from labkit.site.model import Disk, SiteFile, Vm

DOMAIN_CONTROLLER, VMM, HOST = "domain-controller", "vmm", "host"


@entity("server")
class Server(Entity):
    """A server of the site: ``id`` is its short name."""

    role: str
    fqdn: str


@entity("site")
class SiteState(Entity):
    """The site; ``lost_at``: since when it is gone (ms), 0 while it stands; ``ran``: the VMs that ran then.

    ``hosts_down``: its hosts have crashed and are not up again.
    """

    lost_at: int = 0
    ran: list[str] = msgspec.field(default_factory=list)
    hosts_down: bool = False

    @property
    def dark(self) -> bool:
        """Whether no host works: none can run a VM or send anything."""
        return bool(self.lost_at) or self.hosts_down


def state(world: World) -> SiteState:
    """The state of the site."""
    return world.get(SiteState, "site")


def site_of(world: World) -> SiteFile:
    """The site file a lab was made from."""
    found = world.cache.get("site")
    if found is None:
        found = world.cache["site"] = msgspec.json.decode(world.site_json, type=SiteFile)
    return found


def boot_time(system: str) -> int:
    """Milliseconds from power on to a guest that answers (``data/guest-os.yml``)."""
    return int(systems.row(system)["boot_s"]) * 1000


def bits(system: str) -> int:
    """32 or 64 (``data/guest-os.yml``)."""
    return int(systems.row(system)["bits"])


def build(world: World, site: SiteFile, brought: Contents = NONE) -> None:
    """Make servers and VMs, their disks with what the lab file was given for them, and start the VMs."""
    servers = site.servers
    world.add(SiteState("site"))
    world.add(Server(servers.domain_controller, DOMAIN_CONTROLLER, servers.fqdn(servers.domain_controller)))
    world.add(Server(servers.vmm, VMM, servers.fqdn(servers.vmm)))
    for host in servers.hosts:
        world.add(Server(host, HOST, servers.fqdn(host)))
    takers = [vm for vm in site.vms if vm.orders_per_day]
    numbers = traces.lay(world, site, brought.traces)
    for vm in site.vms:
        loads = [_workload(disk, site.offset_min, numbers.get((vm.name, disk.name), 0)) for disk in vm.disks]
        _build_vm(world, vm, loads, takers[0].name if takers else "", brought.images)
    for vm in site.vms:
        guests.power_on(world, machine(world, vm.name), booted=True)


def machine(world: World, name: str) -> Machine:
    """The site's VM of that name; 900010 when there is none."""
    found = world.find(Machine, f"{SITE}/{name}")
    if found is None:
        raise unknown("VM", name, [machine.name for machine in world.all(Machine) if machine.side == SITE])
    return found


def host_of(world: World, name: str) -> str:
    """The host that a VM of the site is on; "" for a name that is none of its VMs."""
    found: dict[str, str] = world.cache.get("hosts") or {vm.name: vm.host for vm in site_of(world).vms}
    world.cache["hosts"] = found
    return found.get(name, "")


def _build_vm(world: World, vm: Vm, loads: list[Workload], taker: str, contents: images.Contents) -> None:
    names, sizes = [disk.name for disk in vm.disks], [disk.size for disk in vm.disks]
    disks = record.create(world, vm.name, SITE, names, sizes)
    for number, disk in enumerate(vm.disks):
        if disk.image:
            images.lay(world, disks, number, vm.name, disk, contents[vm.name, disk.name])
        else:
            _fill(world, disks, number, disk)
    application = next((number for number, disk in enumerate(vm.disks) if disk.application), -1)
    app = None
    if application >= 0:
        interval = DAY // vm.orders_per_day if vm.orders_per_day else 0
        role, partner = ("invoices", taker) if vm.invoices else ("orders", "")
        app = Application(application, role, interval, partner)
    boot = boot_time(vm.os)
    memory = vm.memory_max
    world.add(Machine(f"{SITE}/{vm.name}", vm.name, SITE, vm.os, boot, vm.cpu, memory, disks.number, loads, app))


def _workload(disk: Disk, offset_min: int, trace: int) -> Workload:
    churn = disk.churn
    if churn is None:
        return Workload(0, BLOCK, 1)
    return Workload(churn.rate, churn.write, churn.hot_permille, churn.shape, offset_min, churn.kind, trace)


def _fill(world: World, disks: record.DiskSet, number: int, disk: Disk) -> None:
    """What a disk holds at the start: ``used`` bytes from the front; the application's disk begins empty."""
    import numpy as np

    if disk.application or not disk.used:
        return
    stamps = np.full(-(-disk.used // BLOCK), synthetic_stamp(world.next("stream"), 0), np.int64)
    record.set_base(world, disks, number, stamps)
