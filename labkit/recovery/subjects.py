"""What a VM is, plainly, for the rules to judge: from a site file, a lab's world, or an inventory of real machines.

``None`` stands for what nobody knows.
"""

from __future__ import annotations

import msgspec

from labkit.engine.world import World
from labkit.site import inventory, systems
from labkit.site.model import SiteFile, Vm
from labkit.site.servers import Server
from labkit.site.vms import VmSettings

HYPER_V, VMWARE, PHYSICAL = "hyper-v", "vmware", "physical"


class SubjectDisk(msgspec.Struct, frozen=True):
    """A disk: ``size`` in bytes; ``controller`` "ide" or "scsi"; ``format`` "vhd", "vhdx" or another file's.

    ``type``: "fixed", "dynamic", "differencing", "pass-through", "iscsi", "shared". ``system``: marked in VMM as
    containing the operating system.
    """

    name: str
    size: int | None = None
    controller: str | None = None
    format: str | None = None
    type: str | None = None
    system: bool | None = None


class SubjectAdapter(msgspec.Struct, frozen=True):
    """A network adapter: ``address`` "dhcp" or "static"; ``addresses``: how many it has (IPv4)."""

    name: str
    address: str | None = None
    addresses: int | None = None


class Subject(msgspec.Struct, frozen=True):
    """A VM, or another machine of an inventory.

    ``system`` is what runs in the guest, ``declared`` what VMM says of it ("" or "Unknown": not set), ``bits`` 32 or 64
    when something beside the name tells. ``memory_max`` in bytes. ``integration``: "current", "old", "none".
    ``remote``: RDP or SSH is enabled and its firewall lets it through. ``cloud`` "": in none; None: does not matter.
    """

    name: str
    platform: str = HYPER_V
    generation: int | None = None
    declared: str | None = None
    system: str | None = None
    bits: int | None = None
    cpu: int | None = None
    memory_max: int | None = None
    disks: tuple[SubjectDisk, ...] | None = None
    adapters: tuple[SubjectAdapter, ...] | None = None
    fibre_channel: bool | None = None
    integration: str | None = None
    remote: bool | None = None
    cloud: str | None = None
    host_os: str | None = None

    @property
    def guest(self) -> systems.System | None:
        """What is known of the guest's system, from what runs there or else from what VMM says; None for nothing."""
        name = self.system or self.set_system
        return systems.recognise(name, self.bits) if name else None

    @property
    def family(self) -> str | None:
        """ "windows", "linux" or "other"; None when nobody knows."""
        guest = self.guest
        return guest.family if guest else None

    @property
    def os_disks(self) -> tuple[SubjectDisk, ...]:
        """The disks marked as containing the operating system; where none is, the first is taken for it."""
        disks = self.disks or ()
        return tuple(disk for disk in disks if disk.system) or disks[:1]

    @property
    def data_disks(self) -> tuple[SubjectDisk, ...]:
        """All other disks."""
        held = self.os_disks
        return tuple(disk for disk in self.disks or () if not any(disk is other for other in held))

    @property
    def set_system(self) -> str:
        """The system that VMM was told; nothing where it is not set."""
        name = (self.declared or "").strip()
        return "" if name.casefold() == "unknown" else name


def described(site: SiteFile, vm: Vm) -> Subject:
    """A VM as its site file tells it.

    Cloud, declared system and mark of the OS disk are VMM's to say: they are known of a VM made in a cloud only, and
    the declared system also of one made on a host.
    """
    in_cloud = vm.made == "cloud"
    disks = (
        SubjectDisk(
            name=disk.name,
            size=disk.size,
            controller=vm.controller(number),
            format=disk.format,
            type=disk.type,
            system=number == 0 if in_cloud else None,
        )
        for number, disk in enumerate(vm.disks)
    )
    return Subject(
        name=vm.name,
        generation=vm.generation,
        declared=systems.declared(vm.os) if vm.made != "hyper-v" else None,
        system=vm.os,
        cpu=vm.cpu,
        memory_max=vm.memory_max,
        disks=tuple(disks),
        adapters=tuple(SubjectAdapter(each.name, each.address, 1) for each in site.adapters(vm)),
        fibre_channel=vm.fibre_channel,
        integration=vm.integration or systems.integration(vm.os),
        remote=vm.remote and vm.firewall == "open",
        cloud=site.cloud.name if in_cloud else None,
        host_os=site.servers.system(vm.host),
    )


def of_world(world: World, settings: VmSettings) -> Subject:
    """A VM of a lab: what it is, and what VMM says of it."""
    told = described(inventory.site_of(world), settings.spec)
    disks = (msgspec.structs.replace(disk, system=disk.name in settings.system_disks) for disk in told.disks or ())
    return msgspec.structs.replace(
        told,
        declared=settings.system,
        cloud=settings.cloud,
        disks=tuple(disks),
        host_os=world.get(Server, settings.host).os,
    )
