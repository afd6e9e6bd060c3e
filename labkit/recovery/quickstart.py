"""The steps of a deployment on a vault's Quick Start, in their order, each done or not (rule 2.5-3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from labkit.azure import services
from labkit.azure.services import StorageAccount, VirtualNetwork
from labkit.azure.subscription import Subscription
from labkit.engine import resources
from labkit.engine.names import unknown
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.recovery import agents
from labkit.recovery.item import ProtectedItem
from labkit.recovery.plans import RecoveryPlan
from labkit.recovery.providers import Provider
from labkit.recovery.vault import Cloud, NetworkMapping
from labkit.recovery.vaults import SITE_RECOVERY, Vault
from labkit.site import clouds as vmmclouds
from labkit.site.clouds import VmmCloud
from labkit.site.vmm import Vmm

BEFORE = "before"


class Step(NamedTuple):
    """A step: its name, its title, what it is for, and whether it is ``done``."""

    name: str
    title: str
    text: str
    done: bool


def _vaults(world: World) -> list[Vault]:
    return [vault for vault in world.all(Vault) if vault.kind == SITE_RECOVERY]


def _signed_up(world: World) -> bool:
    return any(True for _found in world.all(Subscription))


def _storage(world: World) -> bool:
    regions = {vault.region for vault in _vaults(world)}
    return any(a.region in regions and a.redundancy in services.GEO_REDUNDANT for a in world.all(StorageAccount))


def _network(world: World) -> bool:
    regions = {vault.region for vault in _vaults(world)}
    return any(network.region in regions for network in world.all(VirtualNetwork))


def _registered(world: World) -> bool:
    return any(provider.vault for provider in world.all(Provider))


def _agents(world: World) -> bool:
    """Every host of a cloud in the vault has the agent."""
    clouds = [found for cloud in world.all(Cloud) if (found := world.find(VmmCloud, cloud.id)) is not None]
    hosts = [host for cloud in clouds for host in vmmclouds.hosts(world, cloud)]
    return bool(hosts) and all(agents.works(host) for host in hosts)


_DONE: dict[str, Callable[[World], bool]] = {
    "subscription": _signed_up,
    "vmm": lambda world: any(True for _found in world.all(Vmm)),
    "cloud": lambda world: any(True for _found in world.all(VmmCloud)),
    "vault": lambda world: bool(_vaults(world)),
    "storage": _storage,
    "network": _network,
    "server": _registered,
    "agents": _agents,
    "protection": lambda world: any(cloud.configured for cloud in world.all(Cloud)),
    "pair": lambda world: any(cloud.pair is not None for cloud in world.all(Cloud)),
    "mapping": lambda world: any(True for _found in world.all(NetworkMapping)),
    "vms": lambda world: any(True for _found in world.all(ProtectedItem)),
    "plan": lambda world: any(True for _found in world.all(RecoveryPlan)),
}


def steps(world: World, setup: str) -> list[Step]:
    """The steps of a deployment ("azure", "sites"), or those "before" there is a vault; none where it opens no steps.

    900010 for another name.
    """
    tables = resources.yaml("azure", "setups.yml")
    known = {BEFORE: tables[BEFORE], **{row["name"]: row.get("steps", ()) for row in tables["setups"]}}
    if setup not in known:
        raise unknown("deployment", setup, list(known))
    rows = tables["steps"]
    return [Step(name, _(rows[name]["title"]), _(rows[name]["text"]), _DONE[name](world)) for name in known[setup]]
