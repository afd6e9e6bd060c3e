"""The site as it stands in a lab: servers, and the VMs that run on its hosts.

Made once from a site file; the VMs are running when a lab begins.
"""

from __future__ import annotations

import msgspec

from labkit.disks import record
from labkit.disks.blocks import BLOCK, synthetic_stamp
from labkit.engine.names import unknown
from labkit.engine.units import DAY
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import SITE, Application, Machine, Workload
from labkit.site import directory, images, systems, traces
from labkit.site.contents import NONE, Contents
from labkit.site.fabric import Cluster
from labkit.site.model import Disk, SiteFile, Vm
from labkit.site.power import SiteState, state
from labkit.site.servers import DOMAIN_CONTROLLER, HOST, HYPER_V, REPLICA, VMM, Server
from labkit.site.servers import SITE as IN_SITE
from labkit.site.vms import VmSettings

__all__ = ["SiteState", "add_servers", "add_vm", "build", "held", "host_of", "machine", "site_of", "state"]

_DRIVE = 1 << 40  # bytes free on the data drive of a server, unless its site file says otherwise


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
    world.add(SiteState("site"))
    add_servers(world, site)
    takers = [vm for vm in site.vms if vm.orders_per_day]
    numbers = traces.lay(world, site, brought.traces)
    for vm in site.vms:
        loads = [_workload(disk, site.offset_min, numbers.get((vm.name, disk.name), 0)) for disk in vm.disks]
        _build_vm(world, vm, loads, takers[0].name if takers else "", brought.images)
        world.add(_settings(vm))
    for vm in site.vms:
        guests.power_on(world, machine(world, vm.name), booted=True)


def _settings(vm: Vm) -> VmSettings:
    """What VMM says of a VM at first: the system of one made with VMM, and of one made in a cloud its disk, too."""
    system = systems.declared(vm.os) if vm.made != "hyper-v" else ""
    marked = [vm.disks[0].name] if vm.made == "cloud" else []
    return VmSettings(vm.name, vm.host, vm, system=system, system_disks=marked)


def add_servers(world: World, site: SiteFile) -> None:
    """The domain, and the servers of both sites as bare as the site file says."""
    for server in world.all(Server):
        world.remove(server)
    servers = site.servers
    directory.create(world, servers.domain)
    for name, role in ((servers.domain_controller, DOMAIN_CONTROLLER), (servers.vmm, VMM)):
        direct = name not in servers.proxy
        world.add(Server(name, role, servers.fqdn(name), free=_DRIVE, data_free=_DRIVE, direct=direct))
    for name in servers.hosts:
        world.add(_host(site, name))
    second = site.replica_site
    if second is not None:
        for name in second.hosts:
            world.add(_host(site, name, REPLICA))
        if second.vmm and second.vmm != servers.vmm:
            made = Server(second.vmm, VMM, servers.fqdn(second.vmm), place=REPLICA, free=_DRIVE, data_free=_DRIVE)
            world.add(made)
    for cluster in servers.clusters:
        world.add(Cluster(cluster.name, list(cluster.hosts), cluster.static))


def _host(site: SiteFile, name: str, place: str = IN_SITE) -> Server:
    ours, told = site.servers, site.servers.detail(name)
    return Server(
        name,
        HOST,
        ours.fqdn(name),
        os=ours.system(name),
        place=place,
        joined=told.joined,
        features=[HYPER_V] if told.role else [],
        switches=_switches(site, name) if told.role and told.switch else [],
        free=told.free,
        data_free=max(_DRIVE, held(site, name)) if told.data_free < 0 else told.data_free,
        direct=name not in ours.proxy,
    )


def _switches(site: SiteFile, host: str) -> list[str]:
    """The virtual switches of a host: the site's network, and those its VMs' adapters are connected to."""
    used = (adapter.switch for vm in site.vms if vm.host == host for adapter in site.adapters(vm))
    return list(dict.fromkeys((site.network, *used)))


def held(site: SiteFile, host: str) -> int:
    """Bytes of the disks of the VMs on a host, by their size."""
    return sum(disk.size for vm in site.vms if vm.host == host for disk in vm.disks)


def machine(world: World, name: str) -> Machine:
    """The site's VM of that name; 900010 when there is none."""
    found = world.find(Machine, f"{SITE}/{name}")
    if found is None:
        raise unknown("VM", name, [machine.name for machine in world.all(Machine) if machine.side == SITE])
    return found


def host_of(world: World, name: str) -> str:
    """The host that a VM of the site is on; "" for a name that is none of its VMs."""
    found = world.find(VmSettings, name)
    return found.host if found is not None else ""


def add_vm(world: World, vm: Vm) -> None:
    """A VM that was not in the site file: its disks and the machine, which is off."""
    loads = [_workload(disk, site_of(world).offset_min, 0) for disk in vm.disks]
    _build_vm(world, vm, loads, "", {})


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
