"""Taking a VMM server out of the vault, and the provider and agents off their servers (rule 4.3-1).

The portal's dialog "Confirm Removal" asks for a reason. A server that is reached is cleaned up (UnregisterDra); one
that is not is only forgotten by the vault (PurgeDra): what it has of the registration stays on it until it is cleaned
up there, and until then it cannot be registered again.
"""

from __future__ import annotations

from typing import NamedTuple

from labkit.azure import subscription
from labkit.engine import jobs, resources, units
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.names import meant, unknown
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.recovery import components, encryption, pairing, remains, vaults
from labkit.recovery.item import ProtectedItem
from labkit.recovery.providers import Provider
from labkit.recovery.remains import LeftRegistration
from labkit.recovery.vault import Cloud, NetworkMapping, busy, free, involved, networks
from labkit.recovery.vaults import Vault
from labkit.site import servers, vmm
from labkit.site.clouds import VmmCloud
from labkit.site.vms import VmSettings


class Reason(NamedTuple):
    """A reason that can be chosen: its name, and how the dialog says it."""

    name: str
    title: str


def reasons() -> list[Reason]:
    """The reasons of the dialog in its order, in the language of the session; the first one is chosen there."""
    rows = [Reason(**row) for row in resources.yaml("azure", "unregister-reasons.yml")["reasons"]]
    return [row._replace(title=_(row.title)) for row in rows]


def _reason(name: str | None) -> str:
    """A reason by its name, by default the one that is chosen already; 900937 with those there are."""
    known = [reason.name for reason in reasons()]
    if name is None:
        return known[0]
    if name not in known:
        raise LabError(900937, found=name, choices=", ".join(known), meant=meant(name, known))
    return name


def reached(world: World, server: str) -> bool:
    """Whether the vault reaches VMM on a registered server now."""
    try:
        components.ready(world, server)
    except LabError:
        return False
    return True


def start(world: World, name: str, reason: str | None = None) -> JobRecord:
    """Take a VMM server out of the vault: UnregisterDra, or PurgeDra while it is not reached.

    900937 for the reason. 900518 while a cloud of it is configured; of a server that is not reached, whose clouds
    nobody can release, 900938 while a VM in them is protected (rule 4.1-1).
    """
    subscription.require(world)
    vault, why = vaults.of(world, name), _reason(reason)
    if name not in vault.servers:
        raise unknown("server", name, vault.servers)
    ours = [cloud for cloud in world.all(Cloud) if cloud.server == name]
    involved(world, ("server", name), *(("cloud", cloud.id) for cloud in ours))
    if not reached(world, name):
        busy(world, name)
        paired = {cloud.id for cloud in ours} | {cloud.recovers for cloud in ours}
        kept = [item.id for item in world.all(ProtectedItem) if item.cloud in paired]
        if kept:
            raise LabError(900938, server=name, vms=", ".join(kept))
        return jobs.start(world, "PurgeDra", name, reason=why)
    free(world, name)
    configured = [
        cloud.id if cloud.configured else cloud.recovers for cloud in ours if cloud.configured or cloud.recovers
    ]
    if configured:
        raise LabError(900518, server=name, clouds=", ".join(configured))
    return jobs.start(world, "UnregisterDra", name, reason=why)


@jobs.check("UnregisterDra")
def _check(world: World, job: JobRecord) -> None:
    if not reached(world, job.target):
        raise LabError(900525, what=job.target)


@jobs.ending("UnregisterDra")
def _unregistered(world: World, job: JobRecord) -> None:
    if job.state == jobs.SUCCEEDED:
        _forget(world, job)
        _clear(world, job.target)


@jobs.ending("PurgeDra")
def _purged(world: World, job: JobRecord) -> None:
    if job.state == jobs.SUCCEEDED:
        _forget(world, job)
        world.add(LeftRegistration(job.target))


def _forget(world: World, job: JobRecord) -> None:
    """The vault has nothing of the server any more: no clouds, no mappings."""
    found = components.find(world, job.target)
    world.get(Vault, found.vault).servers.remove(found.id)
    found.vault = ""
    for cloud in [cloud for cloud in world.all(Cloud) if cloud.server == found.id]:
        protected = world.find(Cloud, cloud.recovers)
        if protected is not None:
            protected.configured, protected.pair = False, None
        pairing.released(world, cloud)
        encryption.end(world, cloud.id)
        world.remove(cloud)
    left = networks(world)
    for mapping in world.all(NetworkMapping):
        if mapping.server == found.id or mapping.id.partition("/")[0] not in left:
            world.remove(mapping)
    world.fact(
        "server.unregistered", found.id, reason=job.data.get("reason", ""), purged=int(job.scenario == "PurgeDra")
    )


def _clear(world: World, server: str) -> None:
    """VMM's own settings of the registration go: no cloud is synchronised any more."""
    components.find(world, server).all_clouds = False
    for cloud in world.all(VmmCloud):
        cloud.sends = cloud.sends and cloud.server != server


def clean_up(world: World, name: str) -> None:
    """Run the clean-up script on a VMM server that was removed while not reached; 900939 when nothing is left."""
    server = vmm.at_work(world, vmm.find(world, name).id).id
    found = world.find(LeftRegistration, server)
    if found is None:
        raise LabError(900939, server=server)
    world.remove(found)
    _clear(world, server)
    world.fact("registration.cleared", server)


# --- provider and agents ----------------------------------------------------------------------------------------------


def uninstall_provider(world: World, name: str) -> None:
    """Take the provider off a VMM server. 900830: it is not there; 900940 registered; 900933 not cleaned up."""
    server = servers.running(world, name).id
    found: Provider = components.find(world, server)
    busy(world, server)
    if found.vault:
        raise LabError(900940, server=server, vault=found.vault)
    remains.require_clean_server(world, server)
    components.close(world, server)
    world.remove(found)
    world.fact("provider.removed", server)


def uninstall_agent(world: World, name: str) -> None:
    """Take the agent off a host. 900840: it is not there; 900942 while a VM on the host is protected to Azure."""
    server = servers.running(world, name)
    if not server.agent:
        raise LabError(900840, server=server.id)
    here = [settings.id for settings in world.all(VmSettings) if settings.host == server.id]
    kept = [vm for vm in here if (item := world.find(ProtectedItem, vm)) is not None and not item.to]
    if kept:
        raise LabError(900942, server=server.id, vms=", ".join(kept))
    server.free += units.size(servers.software()["agent"][server.agent]["program"])
    server.agent, server.agent_proxy = "", None
    world.fact("agent.removed", server.id)
