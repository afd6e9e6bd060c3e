"""What joins the site and Azure: the site-to-site VPN, the site's name server, domain controllers (rules 3.1-3, 3.1-4).

The lab's addresses at the site: VMs from 192.168.1.1 on, in the order they were made. The domain controller is the
site's DNS server. Every guest enters its own name there when it starts (dynamic DNS), if it reaches the server.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from labkit.azure import compute, hosted
from labkit.azure.hosted import DOMAIN_CONTROLLER, AzureVm
from labkit.azure.services import VirtualNetwork
from labkit.engine.errors import LabError
from labkit.engine.names import unknown
from labkit.engine.world import Entity, World, entity
from labkit.guest import machine as guests
from labkit.guest.machine import AZURE, RUNNING, SITE, TEST, Machine
from labkit.replication import line
from labkit.replication.line import Line
from labkit.site import inventory, servers

VPN, DNS = "vpn", "dns"
SIDES = (SITE, AZURE, TEST)
_FIRST = int(IPv4Address("192.168.1.0"))


@entity("outage")
class Outage(Entity):
    """What a trainer has broken: ``id`` is "vpn" (the tunnel is down) or "dns" (updates of names are not taken)."""


@entity("dns-record")
class DnsRecord(Entity):
    """Which machine entered a host name last, and with which address; without one it is the site's VM."""

    machine: str
    address: str


# --- the VPN ----------------------------------------------------------------------------------------------------------


def has_vpn(world: World, network: str) -> bool:
    """Whether a virtual network has a site-to-site VPN."""
    found = world.find(VirtualNetwork, network) if network else None
    return found is not None and bool(found.vpn)


def vpn_up(world: World, network: str) -> bool:
    """Whether that VPN carries anything now: it goes over the line to Azure, and ends at the site."""
    if not has_vpn(world, network) or world.find(Outage, VPN) is not None:
        return False
    return connected(world) and not inventory.state(world).lost_at


def connected(world: World) -> bool:
    """Whether the site's line to the internet is there."""
    return world.get(Line, line.UP).connected


def lose(world: World, what: str) -> None:
    """The VPN goes down, or the DNS takes no updates any more; 900954 when that is so already."""
    if world.find(Outage, what) is not None:
        raise LabError(900954, found=what)
    world.add(Outage(what))
    world.fact("fault", "site", fault=what)


def mend(world: World, what: str) -> None:
    """It works again, and guests that have not entered their names do so; 900955 when it was not broken."""
    found = world.find(Outage, what)
    if found is None:
        raise LabError(900955, found=what)
    world.remove(found)
    world.fact("mended", "site", reason=what)
    renew(world)


# --- machines and where they stand ------------------------------------------------------------------------------------


def in_azure(world: World, name: str) -> Machine:
    """A VM in Azure by the name it is listed under; 900010 when there is none."""
    there = {found.label: found for found in world.all(Machine) if found.side in (AZURE, TEST)}
    if name not in there:
        raise unknown("VM", name, there)
    return there[name]


def address_of(world: World, machine: Machine) -> str:
    """A machine's address on its network: the site's, or the one the virtual network gave."""
    if machine.side == SITE:
        return str(IPv4Address(_FIRST + machine.disks))
    return hosted.of(world, machine).address


def network_of(world: World, machine: Machine) -> str:
    """The virtual network a VM in Azure is on; "" for none, and at the site."""
    return "" if machine.side == SITE else hosted.of(world, machine).network


def on_corporate_network(world: World, machine: Machine) -> bool:
    """Whether a machine is on the site's network, by itself or through a VPN that is up."""
    return machine.side == SITE or vpn_up(world, network_of(world, machine))


def of_host(world: World, host: str) -> list[Machine]:
    """The machines whose guest has that host name, at the site or in Azure, whether they run or not."""
    wanted = host.casefold()
    return [m for m in world.all(Machine) if m.side in SIDES and hosted.host_name(world, m).casefold() == wanted]


def conflict(world: World, host: str) -> tuple[str, ...]:
    """The machines that run under one name on the corporate network, when there are several (rule 3.5-3)."""
    found = [m.id for m in of_host(world, host) if m.run and on_corporate_network(world, m)]
    return tuple(found) if len(found) > 1 else ()


# --- names ------------------------------------------------------------------------------------------------------------


def site_server(world: World) -> bool:
    """Whether the site's domain controller, its DNS server, is there."""
    found = servers.of_role(world, servers.DOMAIN_CONTROLLER)
    return any(servers.stands(world, server) == servers.RUNNING for server in found)


def azure_server(world: World, network: str) -> bool:
    """Whether a domain controller runs in Azure on the same virtual network (rule 3.1-4)."""
    found = [vm for vm in world.all(AzureVm) if network and vm.role == DOMAIN_CONTROLLER and vm.network == network]
    return any(world.get(Machine, vm.id).state == RUNNING for vm in found)


def controller_in_reach(world: World, machine: Machine) -> bool:
    """Whether a machine reaches a domain controller, which is a DNS server, too: beside it, or over the VPN."""
    if machine.side == SITE:
        return site_server(world)
    network = network_of(world, machine)
    return azure_server(world, network) or (vpn_up(world, network) and site_server(world))


def lookup(world: World, host: str) -> tuple[str, str] | None:
    """What the site's DNS says of a host name: the machine that entered it, and its address; None: no such name."""
    found = world.find(DnsRecord, host.casefold())
    if found is not None:
        return found.machine, found.address
    ours = [machine for machine in of_host(world, host) if machine.side == SITE]
    return (ours[0].id, address_of(world, ours[0])) if ours else None


def register(world: World, machine: Machine) -> None:
    """A guest enters its name in the site's DNS, if it reaches it and updates are taken."""
    if machine.side not in SIDES or world.find(Outage, DNS) is not None:
        return
    if not site_server(world) or not on_corporate_network(world, machine):
        return
    name = hosted.host_name(world, machine).casefold()
    found = world.find(DnsRecord, name)
    if found is not None:
        found.machine, found.address = machine.id, address_of(world, machine)
    elif machine.side != SITE:  # of the site's own the DNS knows without
        world.add(DnsRecord(name, machine.id, address_of(world, machine)))


def renew(world: World) -> None:
    """Guests that run, and whose name stands for a machine that does not, enter it again."""
    for machine in sorted(world.all(Machine), key=lambda found: (found.up_at, found.id)):
        if machine.state != RUNNING or machine.side not in SIDES:
            continue
        named = lookup(world, hosted.host_name(world, machine))
        other = world.find(Machine, named[0]) if named is not None else None
        if other is None or other.state != RUNNING:
            register(world, machine)


guests.WHEN_UP.append(register)
compute.WHEN_DELETED.append(renew)
