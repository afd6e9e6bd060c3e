"""What Azure keeps of a VM beside its disks: cloud service, addresses, endpoints (rules 3.3-3, 3.4-5)."""

from __future__ import annotations

import msgspec

from labkit.engine.world import Entity, World, entity
from labkit.guest.machine import Machine

DOMAIN = "cloudapp.net"
DOMAIN_CONTROLLER = "domain-controller"


class Endpoint(msgspec.Struct, frozen=True):
    """A port of the public address that leads to a port of one VM."""

    name: str
    public_port: int
    private_port: int
    protocol: str = "tcp"


@entity("cloud-service")
class CloudService(Entity):
    """One or more VMs behind one public address (``vip``); ``id`` is the first part of its DNS name.

    ``shared``: whose VMs may join it; "" for nobody's.
    """

    vip: str
    shared: str = ""

    @property
    def dns_name(self) -> str:
        """The name the internet knows it by: ``SHOP-test.cloudapp.net``."""
        return f"{self.id}.{DOMAIN}"


@entity("azure-vm")
class AzureVm(Entity):
    """``id`` is that of the :class:`Machine`. ``network`` "": on no virtual network, but on Azure's internal one.

    ``host``: the name its guest has; ``role``: "domain-controller" or "". ``unbootable``: blocks of the boot region
    that hold what the site never wrote there; a VM with any does not start.
    """

    service: str
    region: str
    address: str
    network: str = ""
    subnet: str = ""
    host: str = ""
    role: str = ""
    endpoints: list[Endpoint] = msgspec.field(default_factory=list)
    unbootable: list[int] = msgspec.field(default_factory=list)


def of(world: World, machine: Machine) -> AzureVm:
    """What Azure keeps of a VM; of one that a lab had before this was known, nothing but its names."""
    found = world.find(AzureVm, machine.id)
    return found if found is not None else AzureVm(machine.id, "", "", "", host=machine.name)


def host_name(world: World, machine: Machine) -> str:
    """The name the guest calls itself: a VM that was made from another one's disks has that one's."""
    found = world.find(AzureVm, machine.id)
    return found.host if found is not None and found.host else machine.name
