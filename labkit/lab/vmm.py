"""``lab.site.vmm``: the VMM console - hosts, groups, clouds, and the properties of VMs (rules 2.3-6 to 2.4-3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from labkit.engine.world import World
from labkit.lab.views import Job
from labkit.recovery import components, hyperv, protection, stopmanaging, vmmvms
from labkit.site import clouds, fabric, inventory, newvm, servers, vmm, vms
from labkit.site.clouds import VmmCloud
from labkit.site.model import Adapter
from labkit.site.vmm import Vmm

if TYPE_CHECKING:
    from labkit.lab.door import Lab

T = TypeVar("T")


class VmmCloudView(NamedTuple):
    """A cloud in the VMM console; ``sends``: its metadata goes to Site Recovery."""

    name: str
    groups: list[str]
    hosts: list[str]
    networks: list[str]
    profiles: list[str]
    sends: bool
    vms: list[str]


class VmView(NamedTuple):
    """A VM's properties in VMM: what people have set (cloud, system, system_disks), and its hardware.

    ``disks``: name -> (bytes, controller, format, type); ``adapters``: name -> "dhcp" or "static". ``state``: "Off",
    "Starting" or "Running"; ``status``: "OK", or "Failed" for a VM whose planned failover stands (rule 3.4-4).
    """

    name: str
    host: str
    cloud: str
    system: str
    system_disks: list[str]
    generation: int
    cpu: int
    memory: int
    memory_max: int
    disks: dict[str, tuple[int, str, str, str]]
    adapters: dict[str, str]
    state: str
    status: str


class VmmDoor:
    """The console of a VMM server (by default the site's one): ``str()`` of it is the server's name.

    In order: ``add_host``, ``create_cloud``, and for each VM to be protected ``assign``, ``set_system``,
    ``mark_system_disks``. A call that returns a :class:`Job` has only begun it: ``wait=True``, or ``lab.wait(job)``.
    """

    def __init__(self, lab: Lab, server: str | None = None) -> None:
        self._lab, self._server = lab, server

    @property
    def name(self) -> str:
        """The server's name."""
        if self._server is not None:
            return self._lab.read(lambda world: servers.get(world, str(self._server)).id)
        return self._lab.read(lambda world: servers.of_role(world, servers.VMM)[0].id)

    def on(self, server: str) -> VmmDoor:
        """The console of another VMM server."""
        return VmmDoor(self._lab, server)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<VMM {self.name}>"

    def _say(self, command: str, work: Callable[[World, str], T], /, **arguments: Any) -> T:
        at = self.name
        return self._lab.command(f"vmm.{command}", {"server": at, **arguments}, lambda world: work(world, at))

    # --- the service --------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether VMM's service runs, and its server; 900641 where VMM is not installed."""
        at = self.name
        return self._lab.read(lambda world: vmm.answers(world, vmm.find(world, at).id))

    @property
    def settings(self) -> dict[str, Any]:
        """What its setup was told: version, rollup, database, ports, library."""
        at = self.name

        def found(world: World) -> dict[str, Any]:
            one: Vmm = vmm.find(world, at)
            names = ("version", "rollup", "path", "database", "account", "ports", "library", "programme")
            return {key: getattr(one, key) for key in names}

        return self._lab.read(found)

    def stop_service(self) -> None:
        """Stop SCVMMService; 900661 when it is stopped."""
        self._say("stop_service", vmm.stop_service)

    def start_service(self) -> None:
        """Start SCVMMService; 900662 when it runs."""
        self._say("start_service", vmm.start_service)

    # --- fabric -------------------------------------------------------------------------------------------------------

    def add_host(self, name: str, *, credentials: str, wait: bool = False, **pages: Any) -> Job:
        r"""Add a host, or a cluster by its name, to VMM (rule 2.3-6): the job "Add virtual machine host".

        ``credentials``: a domain administrator's (``DEMO\Administrator``). Other fields: group (a host group, by
        default "All Hosts"), vm_path, place. Errors: 900629, 900630 the credentials, 900665-900671, 12700 (the job).
        """
        job = self.add_hosts([name], credentials=credentials, **pages)[0]
        return self._lab.wait(job) if wait else job

    def add_hosts(self, names: Sequence[str], *, credentials: str, **pages: Any) -> list[Job]:
        """Add several hosts or clusters (a list, or a text with one a line): a job for each; as :meth:`add_host`."""
        given = {**pages, "computers": list(names), "credentials": credentials}
        begun = self._say("add_hosts", lambda world, at: fabric.add_hosts(world, at, given), **given)
        return [Job(self._lab, record.id) for record in begun]

    @property
    def hosts(self) -> dict[str, str]:
        """The managed hosts by name, with their host group."""
        at = self.name
        return self._lab.read(lambda world: {h.id: h.group.partition("/")[2] for h in fabric.managed(world, at)})

    @property
    def host_groups(self) -> list[str]:
        """Names of the host groups; "All Hosts" is there from the beginning (rule 2.3-7)."""
        at = self.name
        return self._lab.read(lambda world: fabric.groups(world, at))

    def create_host_group(self, name: str) -> None:
        """Make a host group; 900663."""
        self._say("create_host_group", lambda world, at: fabric.create_group(world, at, name), name=name)

    def move_host(self, host: str, group: str) -> None:
        """Put a host (with its cluster's other nodes) into another host group.

        900664 for one that is not managed, 900998 when a protected VM would leave its cloud with it.
        """
        self._say("move_host", lambda world, at: vmmvms.move_host(world, at, host, group), host=host, group=group)

    def remove_host(self, host: str) -> None:
        """Take a host (with its cluster's other nodes) out of VMM; 900848 while a protected VM is on it."""
        self._say("remove_host", lambda world, at: vmmvms.remove_host(world, at, host), host=host)

    @property
    def logical_networks(self) -> list[str]:
        """Names of the logical networks; one comes with each virtual switch of a host that is added (rule 2.3-8)."""
        at = self.name
        return self._lab.read(lambda world: fabric.networks(world, at))

    def make_broker(self, cluster: str) -> None:
        """Make a cluster's Hyper-V Replica Broker by hand (rule 1.4-3); 900672 when it is there."""
        self._say("make_broker", lambda world, at: fabric.make_broker(world, cluster), cluster=cluster)

    # --- clouds -------------------------------------------------------------------------------------------------------

    def create_cloud(
        self,
        name: str,
        *,
        groups: Sequence[str] = ("All Hosts",),
        networks: Sequence[str] = (),
        profiles: Sequence[str] = (),
    ) -> None:
        """Make a cloud (rule 2.3-9): host groups, logical networks, capability profiles ("Hyper-V" is the one needed).

        Only logical networks of a cloud can be mapped later: ``networks=lab.site.vmm.logical_networks``.
        Errors: 900673 the name, 900674 no host group, 900010 a name that is none.
        """
        given = {"name": name, "groups": list(groups), "networks": list(networks), "profiles": list(profiles)}
        self._say("create_cloud", lambda world, at: components.create_cloud(world, at, given), **given)

    def change_cloud(
        self,
        name: str,
        *,
        groups: Sequence[str] | None = None,
        networks: Sequence[str] | None = None,
        profiles: Sequence[str] | None = None,
    ) -> None:
        """Change a cloud's properties, as of :meth:`create_cloud`; what is not given stays.

        900998 when a protected VM would leave the cloud with its host's group.
        """
        given = {"groups": groups, "networks": networks, "profiles": profiles}
        told = {key: list(value) for key, value in given.items() if value is not None}
        self._say("change_cloud", lambda world, at: vmmvms.change_cloud(world, name, told), name=name, **told)

    def send_cloud(self, name: str, *, on: bool = True) -> None:
        """A cloud's property "send configuration data ... to the Hyper-V Recovery Manager" (rule 2.6-3)."""
        self._say("send_cloud", lambda world, at: components.send_cloud(world, name, on=on), name=name, on=on)

    @property
    def clouds(self) -> dict[str, VmmCloudView]:
        """The clouds of this server by name."""
        at = self.name

        def found(world: World) -> dict[str, VmmCloudView]:
            return {one.id: _cloud_view(world, one) for one in world.all(VmmCloud) if one.server == at}

        return self._lab.read(found)

    # --- VMs ----------------------------------------------------------------------------------------------------------

    @property
    def vms(self) -> dict[str, VmView]:
        """The VMs on this server's hosts by name, with their properties."""
        at = self.name
        return self._lab.read(lambda world: {one.id: _vm_view(world, one) for one in vms.of_vmm(world, at)})

    def assign(self, vm: str, cloud: str | None) -> None:
        """Let a VM belong to a cloud, or to none (rule 2.4-1). 900677 the host is not in the cloud's groups, 900849."""
        work = lambda world, at: vmmvms.assign(world, vm, cloud or "")  # noqa: E731
        self._say("assign", work, vm=vm, cloud=cloud)

    def set_system(self, vm: str, system: str) -> None:
        """Set the operating system in a VM's properties (rule 2.4-2), one of ``systems``; else 900676.

        "Other Linux (64-bit)" stands for a Linux or FreeBSD that the list lacks (rule 1.4-5).
        """
        self._say("set_system", lambda world, at: vms.set_system(world, vm, system), vm=vm, system=system)

    def mark_system_disks(self, vm: str, *disks: str) -> None:
        """Mark the disk that holds the operating system (rule 2.4-3); several or none can be marked, one is right."""
        work = lambda world, at: vms.mark_system_disks(world, vm, disks)  # noqa: E731
        self._say("mark_system_disks", work, vm=vm, disks=list(disks))

    def create_vm(self, name: str, os: str, *, cloud: str | None = None, host: str | None = None, **keys: Any) -> None:
        """Make a VM in a cloud, or on a host (rule 2.4-1); it runs. Its system is set; in a cloud its OS disk, too.

        ``keys``: as of a VM in a site file: cpu, memory, memory_max, disks (by default one of 40GB called os),
        generation, adapters, integration, remote, firewall, ... Errors: 900680 with what is wrong, 900681, 900682.
        """
        told = {"name": name, "os": os, "disks": [{"name": "os", "size": "40GB"}], **keys}

        def work(world: World, at: str) -> None:
            if cloud is not None:
                newvm.in_cloud(world, at, cloud, told)
            else:
                newvm.on_host(world, at, host or "", told)

        self._say("create_vm", work, cloud=cloud, host=host, vm=told)

    @property
    def systems(self) -> list[str]:
        """The operating systems that can be set."""
        return vms.systems()

    def enable_protection(self, vm: str, *, wait: bool = False) -> Job:
        """Enable the protection of a VM from the VMM console: the same job as from the portal (rule 2.8-1).

        900847 without a registered provider: VMM by itself does not manage replication (rule 1.1-5).
        """

        def work(world: World) -> Any:
            return protection.enable_in_vmm(world, vm)

        job = self._lab.start_job("vmm.enable_protection", {"vm": vm}, work)
        return self._lab.wait(job) if wait else job

    def clear_dr_protection(self, vm: str) -> None:
        """``Set-SCVirtualMachine -VM $vm -ClearDRProtection``: VMM's settings of a VM the vault stopped managing go.

        The first step of the clean-up by hand (rule 4.1-3); ``lab.site.remove_replication_relationship`` follows.
        900934 when there is nothing to clear, 900642 and 900675 while VMM does not work or does not know the VM.
        """
        self._say("clear_dr_protection", lambda world, at: stopmanaging.clear_settings(world, vm), vm=vm)


def _cloud_view(world: World, cloud: VmmCloud) -> VmmCloudView:
    return VmmCloudView(
        name=cloud.id,
        groups=list(cloud.groups),
        hosts=[host.id for host in clouds.hosts(world, cloud)],
        networks=list(cloud.networks),
        profiles=list(cloud.profiles),
        sends=cloud.sends,
        vms=clouds.members(world, cloud.id),
    )


def _vm_view(world: World, settings: vms.VmSettings) -> VmView:
    spec = settings.spec
    return VmView(
        name=settings.id,
        host=settings.host,
        cloud=settings.cloud,
        system=settings.system,
        system_disks=list(settings.system_disks),
        generation=spec.generation,
        cpu=spec.cpu,
        memory=spec.memory,
        memory_max=spec.memory_max,
        disks={
            disk.name: (disk.size, spec.controller(number), disk.format, disk.type)
            for number, disk in enumerate(spec.disks)
        },
        adapters={adapter.name: adapter.address for adapter in spec.adapters or (Adapter(),)},
        state=inventory.machine(world, settings.id).state,
        status="Failed" if hyperv.held(world, settings.id) else "OK",
    )
