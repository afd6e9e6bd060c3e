"""Azure's services beside the vault: regions, quotas, storage accounts, networks (rules 2.5-5 to 2.5-7, F-7)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from ipaddress import IPv4Network, ip_address
from typing import Any, NamedTuple

import msgspec

from labkit.azure import subscription
from labkit.azure.hosted import CloudService
from labkit.azure.sizes import named
from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.names import meant, unknown
from labkit.engine.world import Entity, World, entity
from labkit.guest.machine import AZURE, TEST, Machine

REDUNDANCIES = ("LRS", "ZRS", "GRS", "RA-GRS")
GEO_REDUNDANT = ("GRS", "RA-GRS")
SITE_TO_SITE = "site-to-site"
GATEWAY = "GatewaySubnet"
_SPACE = "10.0.0.0/16"


@entity("storage")
class StorageAccount(Entity):
    """Where replicas are kept (rule 2.5-5); ``secondary``: the region of the other copies, "" for none.

    ``used``: a cloud's replicas were or are in it, so that VMs left in Azure may stand on it.
    """

    region: str
    redundancy: str
    secondary: str = ""
    used: bool = False


@entity("network")
class VirtualNetwork(Entity):
    """A virtual network (rule 2.5-6): subnets by name; ``vpn`` "" for one that is closed."""

    region: str
    address_space: str = ""
    subnets: dict[str, str] = msgspec.field(default_factory=dict)
    dns: list[str] = msgspec.field(default_factory=list)
    vpn: str = ""


@entity("quota")
class RaisedQuota(Entity):
    """A quota (``id``) that support has raised."""

    limit: int


# --- regions ----------------------------------------------------------------------------------------------------------


class Region(NamedTuple):
    """A region: ``pair`` is where geo-redundant storage has its other copies; whether Site Recovery is offered."""

    name: str
    pair: str
    site_recovery: bool


@functools.cache
def regions() -> dict[str, Region]:
    """All regions by name (``data/azure/regions.yml``)."""
    return {row["name"]: Region(**row) for row in resources.yaml("azure", "regions.yml")["regions"]}


def region(name: str) -> Region:
    """The region of that name; 900010 when there is none."""
    found = regions().get(name)
    if found is None:
        raise unknown("region", name, regions())
    return found


# --- quotas -----------------------------------------------------------------------------------------------------------


class Quota(NamedTuple):
    """A quota of the subscription: how much is ``used``, its ``limit`` now, and the ``maximum`` (None: unknown)."""

    used: int
    limit: int
    maximum: int | None


def _rows() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = resources.yaml("azure", "quotas.yml")["quotas"]
    return found


def cores(machines: Iterable[Machine]) -> int:
    """Cores of the VMs among these that run in Azure: a stopped one is given back, an XS counts as one."""
    return sum(named(machine.size).cores for machine in machines if machine.side in (AZURE, TEST) and machine.run)


def _used(world: World) -> dict[str, int]:
    networks = world.all(VirtualNetwork)
    return {
        "cores": cores(world.all(Machine)),
        "cloud_services": len(world.all(CloudService)),
        "virtual_networks": len(networks),
        "local_networks": sum(bool(network.vpn) for network in networks),
        "dns_servers": len({address for network in networks for address in network.dns}),
        "storage_accounts": len(world.all(StorageAccount)),
    }


def quotas(world: World) -> dict[str, Quota]:
    """Quotas of the whole subscription by name; those of one service or network are not among them."""
    used, rows = _used(world), _rows()
    return {name: Quota(count, limit(world, name), rows[name]["maximum"]) for name, count in used.items()}


def limit(world: World, name: str) -> int:
    """The limit of a quota now."""
    raised = world.find(RaisedQuota, name)
    return raised.limit if raised else int(_rows()[name]["default"])


def claim(world: World, name: str, more: int) -> None:
    """Refuse to use so much more than the quota has (900814)."""
    used, most = _used(world)[name], limit(world, name)
    if used + more > most:
        raise LabError(900814, quota=name, used=used, more=more, limit=most, maximum=_rows()[name]["maximum"])


def raise_quota(world: World, name: str, to: int) -> None:
    """Have support raise a quota (900010), to more than now and up to the maximum (900815)."""
    subscription.require(world)
    if name not in _used(world):
        raise unknown("quota", name, _used(world))
    now, most = limit(world, name), _rows()[name]["maximum"]
    if type(to) is not int or not now < to <= most:
        raise LabError(900815, quota=name, found=to, limit=now, maximum=most)
    found = world.find(RaisedQuota, name) or world.add(RaisedQuota(name, now))
    found.limit = to
    world.fact("quota.raised", name, limit=to)


# --- storage accounts -------------------------------------------------------------------------------------------------


def create_storage(world: World, name: str, where: str, redundancy: str) -> StorageAccount:
    """Make a storage account; its secondary region is the region's pair, for good, or none (LRS, ZRS)."""
    subscription.require(world)
    if not re.fullmatch(r"[a-z0-9]{3,24}", str(name)):
        raise LabError(900810, found=name)
    place = region(where)
    if redundancy not in REDUNDANCIES:
        raise LabError(900813, found=redundancy, choices=", ".join(REDUNDANCIES), meant=meant(redundancy, REDUNDANCIES))
    free(world, StorageAccount, "storage account", name)
    claim(world, "storage_accounts", 1)
    secondary = place.pair if redundancy in GEO_REDUNDANT else ""
    made = world.add(StorageAccount(name, where, redundancy, secondary))
    world.fact("storage.created", name, region=where, redundancy=redundancy)
    return made


def redundancy(world: World) -> str:
    """How what is stored is charged ("grs", ...): replicas are in geo-redundant accounts alone."""
    kinds = [account.redundancy for account in world.all(StorageAccount)]
    return next((kind for kind in kinds if kind in GEO_REDUNDANT), kinds[0] if kinds else "GRS").lower()


def free(world: World, kind: type[Entity], title: str, name: str) -> None:
    """Refuse a name that is taken (900809), whatever its case."""
    if any(one.id.casefold() == name.casefold() for one in world.all(kind)):
        raise LabError(900809, kind=title, name=name)


def _there(world: World, kind: type[StorageAccount | VirtualNetwork], title: str, name: str, where: str) -> Any:
    found = world.find(kind, name)
    if found is None:
        raise unknown(title, name, [thing.id for thing in world.all(kind)])
    if found.region != where:
        raise LabError(900828, kind=title, name=name, found=found.region, region=where)
    return found


def check_storage(world: World, name: str, where: str) -> StorageAccount:
    """Whether replicas of a vault in the region ``where`` can be kept in a storage account (rule 2.5-5).

    900010 when there is none of that name, 900828 in another region, 900829 when it is not geo-redundant: GRS, and
    RA-GRS, which is the same with its other copies readable.
    """
    found: StorageAccount = _there(world, StorageAccount, "storage account", name, where)
    if found.redundancy not in GEO_REDUNDANT:
        raise LabError(900829, name=name, found=found.redundancy)
    return found


def check_network(world: World, name: str, where: str) -> None:
    """Whether a network of the site can be mapped to a virtual one: it exists (900010), in the region (900828)."""
    _there(world, VirtualNetwork, "virtual network", name, where)


# --- virtual networks -------------------------------------------------------------------------------------------------


def create_network(
    world: World,
    name: str,
    where: str,
    *,
    address_space: str = _SPACE,
    subnets: dict[str, str] | None = None,
    dns: Iterable[str] = (),
    vpn: str | None = None,
) -> VirtualNetwork:
    """Make a virtual network ("Custom create").

    Without ``subnets`` there is one, Subnet-1: the whole space, or its first half beside a gateway. With a VPN the
    gateway gets the last /29 of the space. Errors: 900811 (name), 900010 (region), 900816 to 900819, 900545 (VPN),
    900809, 900814.
    """
    subscription.require(world)
    if not re.fullmatch(r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", str(name)):
        raise LabError(900811, found=name)
    region(where)
    space = _space(address_space)
    if vpn not in (None, SITE_TO_SITE):
        raise LabError(900545, found=vpn, choices=SITE_TO_SITE)
    parts = _subnets(space, subnets, gateway=vpn is not None)
    addresses = [_address(text) for text in dns]
    free(world, VirtualNetwork, "virtual network", name)
    claim(world, "virtual_networks", 1)
    claim(world, "local_networks", int(vpn is not None))
    claim(world, "dns_servers", len(set(addresses) - {a for n in world.all(VirtualNetwork) for a in n.dns}))
    shown = {part: str(network) for part, network in parts.items()}
    made = world.add(VirtualNetwork(name, where, str(space), shown, addresses, vpn or ""))
    world.fact("network.created", name, region=where, **({"vpn": vpn} if vpn else {}))
    return made


def quick_network(world: World, name: str, where: str) -> VirtualNetwork:
    """Make a closed dummy network ("Quick create"): for everything but reachability from the site (rule 2.5-6)."""
    return create_network(world, name, where)


def _space(text: str) -> IPv4Network:
    try:
        found = IPv4Network(text)
    except ValueError:
        found = None
    if found is None or not 8 <= found.prefixlen <= 28:
        raise LabError(900816, found=text, example=_SPACE)
    return found


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise LabError(900819, found=text) from None


def _subnets(space: IPv4Network, given: dict[str, str] | None, *, gateway: bool) -> dict[str, IPv4Network]:
    """The subnets: each within the space (900817), none over another (900818)."""
    default = next(space.subnets()) if gateway else space
    parts: dict[str, IPv4Network] = {}
    for name, text in ({"Subnet-1": str(default)} if given is None else given).items():
        try:
            found = IPv4Network(text)
        except ValueError:
            found = None
        if found is None or found.prefixlen > 29 or not found.subnet_of(space):
            raise LabError(900817, name=name, found=text, space=space)
        parts[name] = found
    if gateway and GATEWAY not in parts:
        parts[GATEWAY] = IPv4Network((int(space.broadcast_address) - 7, 29))
    names = list(parts)
    for number, name in enumerate(names):
        for other in names[:number]:
            if parts[name].overlaps(parts[other]):
                raise LabError(900818, name=name, found=parts[name], other=other, taken=parts[other])
    return parts
