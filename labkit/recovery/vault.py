"""What the vault knows: clouds and their settings, network mappings; and deleting it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from labkit.azure import services, subscription
from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.names import unknown
from labkit.engine.world import Entity, World, entity
from labkit.recovery import item as items
from labkit.recovery import providers
from labkit.recovery.vaults import SITE_RECOVERY, Vault, the_vault
from labkit.site.clouds import VmmCloud, members
from labkit.site.fabric import LogicalNetwork
from labkit.site.servers import Server
from labkit.site.vmm import Vmm

REMOVED = "removed"
AT_ONCE = -1


class Pair(msgspec.Struct, frozen=True):
    """How a cloud is protected to another one (rule 2.7-11): ``points`` by number, ``ratio`` per mille on the wire."""

    target: str
    points: int
    ratio: int
    authentication: str
    port: int
    offline: bool
    export_path: str
    import_path: str
    delete_replica: bool


@entity("cloud")
class Cloud(Entity):
    """A VMM cloud in the vault and the protection set for it (rules 2.7-4 to 2.7-7); times in ms and hours.

    ``initial_start``: minutes of the host's day at which initial replication begins, ``AT_ONCE`` for at once. ``pair``:
    protected to another cloud instead of Azure; ``recovers``: the cloud that is protected to this one.
    """

    server: str
    configured: bool = False
    frequency: int = 0
    retention: int = 0
    app_consistent: int = 0
    storage: str = ""
    initial_start: int = AT_ONCE
    encrypted: bool = False
    pair: Pair | None = None
    recovers: str = ""


@entity("mapping")
class NetworkMapping(Entity):
    """A logical network mapped to a virtual network in Azure, or to a network of another VMM ``server``.

    ``id``: the network's name, and with a server NAME/SERVER.
    """

    target: str
    server: str = ""


def get(world: World, name: str) -> Cloud:
    """A cloud in the vault; 900846 for one that VMM has and the vault has not, 900010 when there is none."""
    found = world.find(Cloud, name)
    if found is None and world.find(VmmCloud, name) is not None:
        raise LabError(900846, cloud=name)
    return found or world.get(Cloud, name)


def rows(world: World) -> list[tuple[str, str, str, str, int, str, str]]:
    """The clouds as the portal lists them (rule 1.2-2): name, role, state, server (FQDN), VMs, target, its cloud."""
    found = []
    for cloud in world.all(Cloud):
        server = world.get(Server, cloud.server).fqdn
        role = "protected" if cloud.configured else "recovery" if cloud.recovers else ""
        other = world.find(Cloud, cloud.recovers or (cloud.pair.target if cloud.pair else ""))
        target = "Microsoft Azure" if cloud.configured else ""
        if other is not None:
            target = world.get(Server, other.server).fqdn
        state = "configured" if role else ""
        count = len(members(world, cloud.id))
        found.append((cloud.id, role, state, server, count, target, other.id if other is not None else ""))
    return found


def managers(world: World, name: str) -> tuple[str, ...]:
    """The VMM servers that a job on a cloud needs: its own, and its partner's; of a server's name itself."""
    cloud = world.find(Cloud, name)
    if cloud is None:
        return (name,) if world.find(Vmm, name) is not None else ()
    partner = world.find(Cloud, cloud.pair.target) if cloud.pair is not None else None
    return (cloud.server,) if partner is None else (cloud.server, partner.server)


def reach(world: World, target: str, *names: str) -> None:
    """Refuse what needs VMM on these servers, by default those of a cloud, while one cannot be reached.

    900686 where it is the provider's proxy that does not let it out, else 900525.
    """
    needed, unreached = names or managers(world, target), LabError(900525, what=target)
    if not items.site_reachable(world, *needed):
        for name in needed:
            providers.require_proxy(world, name, unreached)
        raise unreached


def free(world: World, target: str, *names: str) -> None:
    """Refuse a second job on a target (532), and any while VMM cannot be reached (900525) or Azure used (9008xx)."""
    subscription.require(world)
    reach(world, target, *names)
    busy(world, target)


def busy(world: World, target: str) -> None:
    """Refuse a second job on a target (532)."""
    job = jobs.of_target(world, target)
    if job is not None:
        raise LabError(532, vm=target, operation="-", job=job.id, scenario=job.scenario, task=job.task.name)


def involved(world: World, *things: tuple[str, str], by: tuple[str, ...] = ()) -> None:
    """Refuse (532) while a job works with one of these: ("cloud", NAME), ("server", NAME) or ("vault", NAME).

    ``by``: only jobs of these scenarios count; () for all that touch clouds, servers and vaults.
    """
    for job in world.all(JobRecord):
        if job.running and (not by or job.scenario in by) and set(things) & _touched(world, job):
            target = next(iter(set(things) & _touched(world, job)))[1]
            raise LabError(532, vm=target, operation="-", job=job.id, scenario=job.scenario, task=job.task.name)


def _touched(world: World, job: JobRecord) -> set[tuple[str, str]]:
    """The clouds, servers and vaults a job works with."""
    names: list[str] = []
    found: set[tuple[str, str]] = set()
    if job.scenario in ("AssociateProtectionProfile", "DissociateProtectionProfile", "UpdateProtectionProfile"):
        cloud = world.find(Cloud, job.target)
        pair = job.data.get("pair") or {}
        names = [job.target, pair.get("target") or (cloud.pair.target if cloud and cloud.pair else "")]
    elif job.scenario in ("RegisterDra", "UnregisterDra", "PurgeDra"):
        found = {("server", job.target), ("vault", str(job.data.get("vault", "")))}
        names = [cloud.id for cloud in world.all(Cloud) if cloud.server == job.target]
    elif job.scenario == "DeleteVault":
        found = {("vault", job.target)}
    clouds = [cloud for name in names if (cloud := world.find(Cloud, name)) is not None]
    found |= {("cloud", cloud.id) for cloud in clouds}
    if job.scenario not in ("RegisterDra", "UnregisterDra", "PurgeDra"):
        found |= {("server", cloud.server) for cloud in clouds}
    return found


# --- networks ---------------------------------------------------------------------------------------------------------


def networks(world: World, server: str = "") -> list[str]:
    """The logical networks of the clouds in the vault, which can be mapped; of one VMM server or of all."""
    found = (world.find(VmmCloud, cloud.id) for cloud in world.all(Cloud) if server in ("", cloud.server))
    return sorted({name for cloud in found if cloud is not None for name in cloud.networks})


def map_network(world: World, source: str, target: str, server: str = "") -> JobRecord:
    """Map a logical network to a virtual network, or to one of another VMM ``server`` (rule 2.7-9).

    900854: no cloud in the vault has it.
    """
    if not the_vault(world).servers:
        raise LabError(900517)
    ours = networks(world)
    if source not in ours:
        if any(network.name == source for network in world.all(LogicalNetwork)):
            raise LabError(900854, network=source)
        raise unknown("logical network", source, ours)
    free(world, source, *_mapped_by(world, source, server))
    if server:
        theirs = networks(world, server)
        if target not in theirs:
            raise unknown("logical network", target, theirs)
    else:
        services.check_network(world, target, the_vault(world).region)
    return jobs.start(world, "NetworkMapping", source, to=target, server=server)


def _mapped_by(world: World, source: str, server: str) -> tuple[str, ...]:
    """The VMM servers that a mapping needs: the first one that has the network, and the target's."""
    have = [name for name in the_vault(world).servers if name != server and source in networks(world, name)]
    return tuple(dict.fromkeys((*have[:1], *([server] if world.find(Vmm, server) is not None else ()))))


@jobs.check("NetworkMapping")
def _mapping_reached(world: World, job: JobRecord) -> None:
    reach(world, job.target, *_mapped_by(world, job.target, job.data.get("server", "")))


@jobs.ending("NetworkMapping")
def _mapped(world: World, job: JobRecord) -> None:
    if job.state == jobs.SUCCEEDED:
        server = job.data.get("server", "")
        name = f"{job.target}/{server}" if server else job.target
        found = world.find(NetworkMapping, name)
        if found is not None:
            world.remove(found)
        world.add(NetworkMapping(name, job.data["to"], server))
        world.fact("network.mapped", job.target, to=job.data["to"], **({"server": server} if server else {}))


# --- the end ----------------------------------------------------------------------------------------------------------


def delete_vault(world: World, name: str | None = None) -> JobRecord:
    """Delete a vault of either kind, by default :func:`the_vault`; only when it is empty (rule 4.4-1)."""
    subscription.require(world)
    vault = the_vault(world) if name is None else world.get(Vault, name)
    involved(world, ("vault", vault.id))
    if vault.servers:
        raise LabError(900519, vault=vault.id, servers=", ".join(vault.servers))
    return jobs.start(world, "DeleteVault", vault.id)


# What else goes with the last Site Recovery vault.
WHEN_DELETED: list[Callable[[World], None]] = []


@jobs.ending("DeleteVault")
def _deleted(world: World, job: JobRecord) -> None:
    if job.state == jobs.SUCCEEDED:
        world.remove(world.get(Vault, job.target))
        if not any(vault.kind == SITE_RECOVERY for vault in world.all(Vault)):
            for also in WHEN_DELETED:
                also(world)
        world.fact("vault.deleted", job.target)
