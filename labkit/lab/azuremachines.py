"""VMs in Azure as ``lab.azure`` shows them: their pages, endpoints, guests' settings, and connecting to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.azure import hosted, hosting, sizes, subscription
from labkit.azure.hosted import DOMAIN_CONTROLLER, CloudService, Endpoint
from labkit.engine import units
from labkit.engine.world import World
from labkit.guest.machine import AZURE, TEST, Machine
from labkit.lab.sides import instance_title
from labkit.lab.site import MachineView, machine_view
from labkit.recovery import azurevms, console, guestremote, network
from labkit.recovery.console import Console
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab.door import Lab


class MachinePage(NamedTuple):
    """The page of a VM in Azure (rule 3.4-5). ``vip``: the public address; ``internal_address``: on its network.

    ``network`` and ``subnet`` are None for a VM that is on Azure's internal network only. ``thumbprint``: of the
    certificate for Remote Desktop, "-" for none. ``conflict``: ids of the machines that run under its host name.
    ``role``: "domain-controller", or "" for none.
    """

    name: str
    state: str
    dns_name: str
    host_name: str
    vip: str
    internal_address: str
    network: str | None
    subnet: str | None
    size: str
    thumbprint: str
    location: str
    disks: dict[str, int]
    endpoints: tuple[Endpoint, ...]
    conflict: tuple[str, ...]
    role: str


class ConsoleView(NamedTuple):
    """What an administrator sees, once connected; ``last_order``: ISO 8601, None without any order.

    ``disks``: name -> bytes. ``application``: "answering", "starting", "damaged" or "none"; ``orders``, ``invoices``:
    rows in the database on the VM's own disk.
    """

    machine: str
    host_name: str
    user: str
    internal_address: str
    vip: str
    disks: dict[str, int]
    application: str
    orders: int
    invoices: int
    last_order: str | None


def _machines(world: World) -> dict[str, MachineView]:
    found = [machine for machine in world.all(Machine) if machine.side in (AZURE, TEST)]
    return {machine.label: machine_view(world, machine) for machine in found}


def _page(world: World, name: str) -> MachinePage:
    machine = network.in_azure(world, name)
    vm = hosted.of(world, machine)
    service = world.find(CloudService, vm.service)
    return MachinePage(
        name=machine.label,
        state=machine.state,
        dns_name=service.dns_name if service is not None else "-",
        host_name=vm.host,
        vip=service.vip if service is not None else "-",
        internal_address=vm.address or "-",
        network=vm.network or None,
        subnet=vm.subnet or None,
        size=instance_title(sizes.named(machine.size)),
        thumbprint="-",
        location=vm.region or "-",
        disks=machine_view(world, machine).disks,
        endpoints=tuple(vm.endpoints),
        conflict=network.conflict(world, vm.host),
        role=vm.role,
    )


def _console_view(world: World, found: Console) -> ConsoleView:
    zone = inventory.site_of(world).offset_min
    return ConsoleView(
        machine=found.machine,
        host_name=found.host,
        user=found.user,
        internal_address=found.address,
        vip=found.vip,
        disks=found.disks,
        application=found.application,
        orders=found.orders,
        invoices=found.invoices,
        last_order=units.show_instant(found.last, zone) if found.last else None,
    )


class MachinesDoor:
    """The VMs in Azure."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def _do(self, command: str, work: Callable[[World], object], /, **arguments: Any) -> None:
        def done(world: World) -> None:
            work(world)

        self._lab.command(f"azure.{command}", arguments, done)

    def _on(self, command: str, name: str, work: Callable[[World, Machine], object], **arguments: Any) -> None:
        def done(world: World) -> None:
            subscription.require(world)
            work(world, network.in_azure(world, name))

        self._do(command, done, name=name, **arguments)

    @property
    def machines(self) -> dict[str, MachineView]:
        """VMs in Azure by name, test VMs among them."""
        return self._lab.read(_machines)

    def machine(self, name: str) -> MachinePage:
        """The page of a VM: state, names, addresses, size, location, endpoints; 900010 when there is none."""
        return self._lab.read(lambda world: _page(world, name))

    def create_machine(
        self, name: str, *, network: str, size: str = "S", role: str | None = DOMAIN_CONTROLLER
    ) -> MachinePage:
        """Make a VM that is always on, apart from Site Recovery: a second domain controller with DNS (rule 3.1-4).

        ``role``: "domain-controller" or None. 70044 the name, 900809 it is taken, 900010 the network, 900240 the size,
        28031 the quota, 28020 and 161018 the subnet.
        """

        def work(world: World) -> None:
            subscription.require(world)
            azurevms.create(world, name, network, size, role or "")

        self._do("create_machine", work, name=name, network=network, size=size, role=role)
        return self.machine(name)

    def add_endpoint(
        self, machine: str, name: str, public_port: int, private_port: int, protocol: str = "tcp"
    ) -> tuple[Endpoint, ...]:
        """Let a port of the public address lead to a port of a VM (rule 3.3-3); all its endpoints.

        900627 a port that is none, 900545 the protocol, 900950 the public port is taken by this VM or another at the
        same address, 900951 the name, 900952 too many.
        """

        def work(world: World, vm: Machine) -> None:
            hosting.add_endpoint(world, vm, name, public_port, private_port, protocol)

        ports = {"public_port": public_port, "private_port": private_port, "protocol": protocol}
        self._on("add_endpoint", machine, work, endpoint=name, **ports)
        return self.machine(machine).endpoints

    def remove_endpoint(self, machine: str, name: str) -> None:
        """Take an endpoint away; 900953 when there is none of that name."""
        work = lambda world, vm: hosting.remove_endpoint(world, vm, name)  # noqa: E731
        self._on("remove_endpoint", machine, work, endpoint=name)

    def set_network_level_authentication(self, machine: str, required: bool) -> None:
        """Whether the guest's Remote Desktop demands authentication at network level (rule 3.3-4)."""
        work = lambda world, vm: guestremote.change(world, vm, authentication=required)  # noqa: E731
        self._on("set_network_level_authentication", machine, work, required=required)

    def connect(self, machine: str, user: str = "COMPUTER\\Administrator", *, client: str = "internet") -> ConsoleView:
        r"""Connect by Remote Desktop or SSH as ``COMPUTER\Administrator`` or an account of the domain.

        ``client``: "internet", "site" (by name over the VPN, where the VM's network has one), a VM of the site, or
        "azure:NAME". Refused with the reason: 900956 no endpoint, 900957 not enabled in the guest, 900958 its firewall,
        900959 the VPN is down, 900960 the DNS still names the old address, 900961 off, 900963 network-level
        authentication, 900964 no domain controller in reach, 900962 any other (as :meth:`Lab.reach`).
        """

        def work(world: World) -> ConsoleView:
            return _console_view(world, console.connect(world, machine, user, client))

        arguments = {"machine": machine, "user": user, "client": client}
        return self._lab.command("azure.connect", arguments, work)
