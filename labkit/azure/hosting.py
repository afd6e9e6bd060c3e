"""Where a VM in Azure stands: cores, cloud service and public address, subnet and internal address, endpoints.

Addresses are given out in order, the lowest free one first, and are free again when the VM is deleted. Azure keeps the
first four addresses and the last one of a subnet to itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

from labkit.azure import services
from labkit.azure.hosted import AzureVm, CloudService, Endpoint, of
from labkit.azure.services import GATEWAY, VirtualNetwork
from labkit.azure.sizes import named
from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest.machine import AZURE, TEST, Machine

RDP, SSH = 3389, 22
_KEPT = 4
_PUBLIC = ("203.0.113.0/24", "198.51.100.0/24")  # for documentation (RFC 5737): nobody on the internet has them
_INTERNAL = "100.72.0.0/16"  # where VMs stand that are on no virtual network
PROTOCOLS = ("tcp", "udp")
_LABEL = 63  # RFC 1035
_NO_LABEL = re.compile(r"[^A-Za-z0-9-]+")


def require_quotas(world: World, cores: int, cloud_services: int) -> None:
    """Refuse (900814) so much more; VMs that were made and are about to start count as running ones do."""
    about_to = [found for found in _machines(world) if not found.run and not found.stopped_at]
    services.claim(world, "cores", sum(named(found.size).cores for found in about_to) + cores)
    services.claim(world, "cloud_services", cloud_services)


def there(world: World, shared: str) -> bool:
    """Whether there is a cloud service to join (see :func:`place`)."""
    return bool(shared) and any(found.shared == shared for found in world.all(CloudService))


def claim(world: World, vm: str, size: str, shared: str = "") -> None:
    """Refuse a VM that the quota of cores has no room for: 28031, and for one cloud service too many likewise (F-7).

    ``shared``: as in :func:`place`.
    """
    try:
        require_quotas(world, named(size).cores, 0 if there(world, shared) else 1)
    except LabError as error:
        raise LabError(28031, **{**error.details, "vm": vm, "size": size}) from None


def _machines(world: World) -> list[Machine]:
    return [machine for machine in world.all(Machine) if machine.side in (AZURE, TEST)]


# --- the virtual network ----------------------------------------------------------------------------------------------


def subnet_of(world: World, vm: str, network: str, like: str) -> str:
    """The subnet a VM gets: the one called as its network at the site is, else the first; 28020 when there is none."""
    subnets = [name for name in world.get(VirtualNetwork, network).subnets if name != GATEWAY]
    if not subnets:
        raise LabError(28020, vm=vm, network=network, subnet=like)
    return like if like in subnets else subnets[0]


def free_address(world: World, vm: str, network: str, subnet: str) -> str:
    """The lowest free internal address; 161018 when the subnet has none left. ``network`` "": the internal one."""
    space = IPv4Network(world.get(VirtualNetwork, network).subnets[subnet] if network else _INTERNAL)
    taken = {found.address for found in world.all(AzureVm) if found.network == network}
    first, last = int(space.network_address) + _KEPT, int(space.broadcast_address)
    found = _lowest((str(space[number - first + _KEPT]) for number in range(first, last)), taken)
    if found is None:
        raise LabError(161018, vm=vm, network=network, subnet=subnet, space=str(space))
    return found


def _lowest(addresses: Iterable[str], taken: set[str]) -> str | None:
    return next((address for address in addresses if address not in taken), None)


def require_place(world: World, vm: str, network: str, like: str) -> None:
    """Whether a VM could be put on a network now: 28020, 161018."""
    free_address(world, vm, network, subnet_of(world, vm, network, like) if network else "")


# --- a VM comes and goes ----------------------------------------------------------------------------------------------


def place(
    world: World, machine: Machine, *, region: str, network: str, like: str, service: str, shared: str, host: str
) -> AzureVm:
    """Give a new VM its cloud service and addresses; 28020, 161018.

    ``like``: what the subnet should be called. ``service``: the name wanted for the cloud service; one that is taken
    gets a number. With ``shared`` the VM joins the one that was made with the same words.
    """
    subnet = subnet_of(world, machine.label, network, like) if network else ""
    address = free_address(world, machine.label, network, subnet)
    at = _service(world, dns_label(service), shared)
    return world.add(AzureVm(machine.id, at.id, region, address, network, subnet, host))


def dns_label(name: str) -> str:
    """What of a name can be part of an address: letters, digits, hyphens between them, 63 at most; "plan" for none."""
    return _NO_LABEL.sub("-", name)[:_LABEL].strip("-") or "plan"


def _service(world: World, wanted: str, shared: str) -> CloudService:
    there = {found.id.casefold(): found for found in world.all(CloudService)}
    joined = next((found for found in there.values() if shared and found.shared == shared), None)
    if joined is not None:
        return joined
    name, number = wanted, 1
    while name.casefold() in there:
        number += 1
        name = f"{wanted}-{number}"
    taken = {found.vip for found in there.values()}
    vip = _lowest((str(host) for space in _PUBLIC for host in IPv4Network(space).hosts()), taken)
    assert vip is not None  # the quota of cloud services ends long before these two ranges do
    return world.add(CloudService(name, vip, shared))


def remove(world: World, machine: Machine) -> None:
    """A VM is deleted: its addresses are free again, and its cloud service goes with the last VM in it."""
    found = world.find(AzureVm, machine.id)
    if found is None:
        return
    world.remove(found)
    if not any(other.service == found.service for other in world.all(AzureVm)):
        world.remove(world.get(CloudService, found.service))


# --- endpoints --------------------------------------------------------------------------------------------------------


def in_service(world: World, service: str) -> Iterator[tuple[AzureVm, Endpoint]]:
    """The endpoints of a cloud service, with the VM each leads to."""
    for found in world.all(AzureVm):
        if found.service == service:
            for endpoint in found.endpoints:
                yield found, endpoint


def add_endpoint(
    world: World, machine: Machine, name: str, public_port: int, private_port: int, protocol: str = "tcp"
) -> None:
    """Let a port of the public address lead to a port of a VM (rule 3.3-3).

    900627 for a port that is none, 900545 for the protocol, 900950 when the public port is taken in the cloud service,
    900951 when the VM has an endpoint of that name, 900952 when the cloud service has as many as it can.
    """
    for port in (public_port, private_port):
        if type(port) is not int or not 1 <= port <= 65_535:
            raise LabError(900627, found=port)
    if protocol not in PROTOCOLS:
        raise LabError(900545, found=protocol, choices=", ".join(PROTOCOLS))
    vm = of(world, machine)
    there = list(in_service(world, vm.service))
    for other, endpoint in there:
        if (endpoint.public_port, endpoint.protocol) == (public_port, protocol):
            owner = world.get(Machine, other.id).label
            raise LabError(900950, port=public_port, vm=machine.label, other=owner, endpoint=endpoint.name)
    if name in [endpoint.name for endpoint in vm.endpoints]:
        raise LabError(900951, vm=machine.label, endpoint=name)
    most = int(resources.yaml("azure", "quotas.yml")["quotas"]["endpoints_per_cloud_service"]["default"])
    if len(there) >= most:
        raise LabError(900952, service=vm.service, most=most)
    vm.endpoints.append(Endpoint(str(name), public_port, private_port, protocol))
    world.fact("endpoint.added", machine.id, name=str(name), public=public_port, private=private_port)


def remove_endpoint(world: World, machine: Machine, name: str) -> None:
    """Take an endpoint away; 900953 when the VM has none of that name."""
    vm = of(world, machine)
    kept = [endpoint for endpoint in vm.endpoints if endpoint.name != name]
    if len(kept) == len(vm.endpoints):
        raise LabError(900953, vm=machine.label, endpoint=name, choices=", ".join(e.name for e in kept) or "-")
    vm.endpoints[:] = kept
    world.fact("endpoint.removed", machine.id, name=str(name))


def remote_port(machine: Machine) -> int:
    """The port an administrator connects to: Remote Desktop of Windows, SSH of others (rule 2.4-5)."""
    return RDP if machine.windows else SSH
