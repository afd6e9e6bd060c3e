"""The vault: registration of the VMM server, protection of the cloud, network mapping, and taking it all down.

Requirements of STEP 1 and 2 (versions, prerequisites, keys) are taken as met by the site file until set-up is built.
"""

from __future__ import annotations

from typing import Any

from labkit.azure import services, subscription
from labkit.engine import jobs, units
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.names import unknown
from labkit.engine.world import Entity, World, entity
from labkit.recovery import encryption
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem
from labkit.recovery.vaults import Vault, the_vault
from labkit.replication import cycles
from labkit.replication import relation as replication
from labkit.site import inventory
from labkit.site.inventory import VMM, Server

REMOVED = "removed"
AT_ONCE = -1


@entity("cloud")
class Cloud(Entity):
    """A VMM cloud in the vault and the protection set for it (rules 2.7-4 to 2.7-7); times in ms and hours.

    ``initial_start``: minutes of the host's day at which initial replication begins, ``AT_ONCE`` for at once.
    """

    server: str
    configured: bool = False
    frequency: int = 0
    retention: int = 0
    app_consistent: int = 0
    storage: str = ""
    initial_start: int = AT_ONCE
    encrypted: bool = False


@entity("mapping")
class NetworkMapping(Entity):
    """A logical network of the site (``id``) mapped to a virtual network in Azure."""

    target: str


def _running(world: World, target: str) -> None:
    """Refuse a second job on a target (532), and any while VMM cannot be reached (900525) or Azure used (9008xx)."""
    subscription.require(world)
    if not items.site_reachable(world):
        raise LabError(900525, what=target)
    _busy(world, target)


def _busy(world: World, target: str) -> None:
    job = jobs.of_target(world, target)
    if job is not None:
        raise LabError(532, vm=target, operation="-", job=job.id, scenario=job.scenario, task=job.task.name)


# --- registration -----------------------------------------------------------------------------------------------------


def register_server(world: World, name: str) -> JobRecord:
    """Register a VMM server with the vault (rule 2.6-2); its clouds appear there at the end of the job."""
    vault, server = the_vault(world), world.get(Server, name)
    _running(world, name)
    if server.role != VMM:
        raise LabError(900511, server=name, role=server.role)
    if name in vault.servers:
        raise LabError(900512, server=name)
    return jobs.start(world, "RegisterDra", name)


@jobs.ending("RegisterDra")
def _registered(world: World, job: JobRecord) -> None:
    if job.state == jobs.SUCCEEDED:
        the_vault(world).servers.append(job.target)
        world.add(Cloud(inventory.site_of(world).cloud.name, job.target))


# --- the cloud --------------------------------------------------------------------------------------------------------


def configure_protection(world: World, name: str, settings: dict[str, Any]) -> JobRecord:
    """Set a cloud's protection; ``settings``: frequency (ms), retention (h), app_consistent (h), storage (name).

    ``encrypt``: on only if the certificate was made (900567, rule 2.7-3). 900828, 900829 for a storage account of
    another region, or that is not geo-redundant (rule 2.5-5).
    """
    cloud = world.get(Cloud, name)
    _running(world, name)
    if cloud.configured:
        raise LabError(900513, cloud=name)
    checked = check_settings(world, settings)
    account = services.check_storage(world, settings["storage"], the_vault(world).region)
    if settings.get("encrypt"):
        encryption.require_certificate(world, cloud.server)
        encryption.begin(world, cloud.id, cloud.server)  # with the certificate there is at the click
    account.used = True
    return jobs.start(world, "AssociateProtectionProfile", name, **checked)


def check_frequency(world: World, frequency: int) -> None:
    """Refuse a frequency that the site's hosts do not know (900514, rule 1.1-1)."""
    known = replication.frequencies(inventory.site_of(world).servers.host_os)
    if frequency not in known:
        allowed = ", ".join(units.show_duration(value) for value in known)
        raise LabError(900514, setting="frequency", found=units.show_duration(frequency), values=allowed)


def check_settings(world: World, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, or 900514 with what is allowed (rules 2.7-4 to 2.7-6)."""
    frequency, retention, snapshots = settings["frequency"], settings["retention"], settings["app_consistent"]
    check_frequency(world, frequency)
    if not isinstance(retention, int) or not 0 <= retention <= 24:
        raise LabError(900514, setting="retention", found=retention, values="0-24 h")
    if not isinstance(snapshots, int) or not 0 <= snapshots <= 12:
        raise LabError(900514, setting="app_consistent", found=snapshots, values="0 (none), 1-12 h")
    start = settings.get("initial_start", AT_ONCE)
    if start != AT_ONCE and (not 0 <= start < 24 * 60 or start % 30):
        shown = f"{start // 60:02}:{start % 60:02}"
        raise LabError(900514, setting="initial_start", found=shown, values="00:00, 00:30, ... 23:30")
    return settings


def change_protection(world: World, name: str, settings: dict[str, Any]) -> JobRecord:
    """Change what can be changed on a protected cloud (rule 2.7-10): frequency, retention, snapshots, start time.

    ``settings`` holds what changes; 900554 for the storage account, which needs the cloud released.
    """
    cloud = world.get(Cloud, name)
    if not cloud.configured:
        raise LabError(900515, cloud=name)
    _running(world, name)
    if settings.get("storage", cloud.storage) != cloud.storage:
        raise LabError(900554, cloud=name, found=settings["storage"], storage=cloud.storage)
    if settings.get("encrypt", cloud.encrypted) != cloud.encrypted:
        raise LabError(900569, cloud=name)
    now = {key: getattr(cloud, key) for key in _CHANGEABLE}
    wanted = {key: value for key, value in settings.items() if key != "encrypt"}
    return jobs.start(world, "UpdateProtectionProfile", name, **check_settings(world, {**now, **wanted}))


_CHANGEABLE = ("frequency", "retention", "app_consistent", "initial_start")


@jobs.ending("UpdateProtectionProfile")
def _changed(world: World, job: JobRecord) -> None:
    if job.state != jobs.SUCCEEDED:
        return
    cloud = world.get(Cloud, job.target)
    for key in _CHANGEABLE:
        setattr(cloud, key, job.data[key])
    world.fact("cloud.changed", cloud.id, **{key: job.data[key] for key in _CHANGEABLE})
    for item in world.all(ProtectedItem):
        relation = world.find(replication.Relation, item.id)
        if item.cloud == cloud.id and relation is not None:
            cycles.change(world, relation, cloud.frequency, cloud.retention, cloud.app_consistent)


@jobs.ending("AssociateProtectionProfile")
def _configured(world: World, job: JobRecord) -> None:
    if job.state != jobs.SUCCEEDED:
        encryption.end(world, job.target)
    if job.state == jobs.SUCCEEDED:
        cloud = world.get(Cloud, job.target)
        cloud.configured = True
        cloud.frequency, cloud.retention = job.data["frequency"], job.data["retention"]
        cloud.app_consistent, cloud.storage = job.data["app_consistent"], job.data["storage"]
        cloud.initial_start = job.data.get("initial_start", AT_ONCE)
        cloud.encrypted = bool(job.data.get("encrypt"))
        details = {"frequency": cloud.frequency, "retention": cloud.retention, "app_consistent": cloud.app_consistent}
        world.fact("cloud.configured", cloud.id, **details)


def release_cloud(world: World, name: str) -> JobRecord:
    """Release a cloud; refused while a VM in it is protected (rule 4.2-1)."""
    cloud = world.get(Cloud, name)
    _running(world, name)
    if not cloud.configured:
        raise LabError(900515, cloud=name)
    protected = [item.id for item in world.all(ProtectedItem) if item.cloud == name]
    if protected:
        raise LabError(900516, cloud=name, vms=", ".join(protected))
    return jobs.start(world, "DissociateProtectionProfile", name)


@jobs.ending("DissociateProtectionProfile")
def _released(world: World, job: JobRecord) -> None:
    if job.state == jobs.SUCCEEDED:
        cloud = world.get(Cloud, job.target)
        cloud.configured = cloud.encrypted = False
        encryption.end(world, cloud.id)
        world.fact("cloud.released", job.target)


# --- networks ---------------------------------------------------------------------------------------------------------


def map_network(world: World, source: str, target: str) -> JobRecord:
    """Map the site's logical network to a virtual network of the vault's region (rules 2.7-9, 2.5-7)."""
    site, vault = inventory.site_of(world), the_vault(world)
    if not vault.servers:
        raise LabError(900517)
    if source != site.network:
        raise unknown("network", source, [site.network])
    _running(world, source)
    services.check_network(world, target, vault.region)
    return jobs.start(world, "NetworkMapping", source, to=target)


@jobs.ending("NetworkMapping")
def _mapped(world: World, job: JobRecord) -> None:
    if job.state == jobs.SUCCEEDED:
        found = world.find(NetworkMapping, job.target)
        if found is not None:
            world.remove(found)
        world.add(NetworkMapping(job.target, job.data["to"]))
        world.fact("network.mapped", job.target, to=job.data["to"])


# --- the end ----------------------------------------------------------------------------------------------------------


def unregister_server(world: World, name: str) -> JobRecord:
    """Take a VMM server out of the vault; refused while a cloud of it is configured (rule 4.1-1)."""
    vault = the_vault(world)
    _running(world, name)
    if name not in vault.servers:
        raise unknown("server", name, vault.servers)
    configured = [cloud.id for cloud in world.all(Cloud) if cloud.server == name and cloud.configured]
    if configured:
        raise LabError(900518, server=name, clouds=", ".join(configured))
    return jobs.start(world, "UnregisterDra", name)


@jobs.ending("UnregisterDra")
def _unregistered(world: World, job: JobRecord) -> None:
    if job.state == jobs.SUCCEEDED:
        the_vault(world).servers.remove(job.target)
        for cloud in [cloud for cloud in world.all(Cloud) if cloud.server == job.target]:
            world.remove(cloud)
        for mapping in world.all(NetworkMapping):
            world.remove(mapping)


def delete_vault(world: World, name: str | None = None) -> JobRecord:
    """Delete a vault of either kind, by default :func:`the_vault`; only when it is empty (rule 4.4-1)."""
    subscription.require(world)
    vault = the_vault(world) if name is None else world.get(Vault, name)
    _busy(world, vault.id)
    if vault.servers:
        raise LabError(900519, vault=vault.id, servers=", ".join(vault.servers))
    return jobs.start(world, "DeleteVault", vault.id)


@jobs.ending("DeleteVault")
def _deleted(world: World, job: JobRecord) -> None:
    if job.state == jobs.SUCCEEDED:
        world.remove(world.get(Vault, job.target))
        world.fact("vault.deleted", job.target)
