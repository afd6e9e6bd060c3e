"""Protection of a cloud to Azure: configure, change, release (rules 2.7-1 to 2.7-10, 4.2-1).

What the portal's page sees is refused at once; what only provider, VMM and hosts know fails the job.
"""

from __future__ import annotations

from typing import Any

from labkit.azure import services
from labkit.engine import jobs, units
from labkit.engine.errors import LabError
from labkit.engine.jobs import DONE, JobRecord, Outcome
from labkit.engine.world import World
from labkit.recovery import encryption, fabricchecks
from labkit.recovery.item import ProtectedItem
from labkit.recovery.vault import AT_ONCE, Cloud, free, get
from labkit.recovery.vaults import the_vault
from labkit.replication import cycles
from labkit.replication import relation as replication
from labkit.site import clouds, inventory

JOB = "AssociateProtectionProfile"


def configure_protection(world: World, name: str, settings: dict[str, Any]) -> JobRecord:
    """Set a cloud's protection; ``settings``: frequency (ms), retention (h), app_consistent (h), storage (name).

    ``encrypt``: on only if the certificate was made (900567, rule 2.7-3). 900828, 900829 for a storage account of
    another region, or that is not geo-redundant (rule 2.5-5).
    """
    cloud = get(world, name)
    free(world, name)
    if cloud.configured:
        raise LabError(900513, cloud=name)
    checked = check_settings(world, settings)
    services.check_storage(world, settings["storage"], the_vault(world).region)
    if settings.get("encrypt"):
        encryption.require_certificate(world, cloud.server)
        encryption.begin(world, cloud.id, cloud.server)  # with the certificate there is at the click
    return jobs.start(world, JOB, name, **checked)


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
    cloud = get(world, name)
    if not cloud.configured:
        raise LabError(900515, cloud=name)
    free(world, name)
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


@jobs.task(JOB, "CloudPairingPrerequisitesCheck")
def _prerequisites(world: World, job: JobRecord) -> Outcome:
    cloud = clouds.get(world, job.target)
    fabricchecks.check_versions(world, cloud, to_azure=True)
    fabricchecks.check_hosts(world, cloud)
    fabricchecks.check_systems(world, cloud)
    return DONE


@jobs.task(JOB, "CloudPairingPrepareSite")
def _prepare(world: World, job: JobRecord) -> Outcome:
    fabricchecks.make_brokers(world, clouds.get(world, job.target))
    return DONE


@jobs.ending(JOB)
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
    cloud = get(world, name)
    free(world, name)
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
