"""Protection of a cloud to Azure: configure, change, release (rules 2.7-1 to 2.7-10, 4.2-1).

What the portal's page sees is refused at once; what only provider, VMM and hosts know fails the job.
"""

from __future__ import annotations

from typing import Any

from labkit.azure import services
from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import DONE, JobRecord, Outcome
from labkit.engine.world import World
from labkit.recovery import cloudsettings, encryption, fabricchecks, pairing, vaults
from labkit.recovery.cloudsettings import JOB
from labkit.recovery.item import ProtectedItem
from labkit.recovery.vault import AT_ONCE, Cloud, free, get, involved, reach
from labkit.replication import cycles
from labkit.replication import relation as replication
from labkit.site import clouds


def configure_protection(world: World, name: str, settings: dict[str, Any]) -> JobRecord:
    """Set a cloud's protection; ``settings``: frequency (ms), retention (h), app_consistent (h), storage (name).

    ``encrypt``: on only if the certificate was made (900567, rule 2.7-3). 900828, 900829 for a storage account of
    another region, or that is not geo-redundant (rule 2.5-5).
    """
    cloud = get(world, name)
    free(world, name)
    involved(world, ("cloud", name), ("server", cloud.server))
    if cloud.configured:
        raise LabError(900513, cloud=name)
    if cloud.recovers:
        raise LabError(900892, cloud=name, partner=cloud.recovers)
    checked = cloudsettings.check_settings(world, settings, cloud.id)
    account = services.check_storage(world, settings["storage"], vaults.of(world, cloud.server).region)
    if settings.get("encrypt"):
        encryption.require_certificate(world, cloud.server)
        encryption.begin(world, cloud.id, cloud.server)  # with the certificate there is at the click
    account.used = True
    return jobs.start(world, JOB, name, **checked)


def change_protection(world: World, name: str, settings: dict[str, Any]) -> JobRecord:
    """Change what can be changed on a protected cloud (rule 2.7-10): frequency, retention, snapshots, start time.

    ``settings`` holds what changes; 900554 for the storage account, which needs the cloud released.
    """
    cloud = get(world, name)
    if not cloud.configured:
        raise LabError(900515, cloud=name)
    free(world, name)
    involved(world, ("cloud", name), ("server", cloud.server))
    if settings.get("storage", cloud.storage) != cloud.storage:
        raise LabError(900554, cloud=name, found=settings["storage"], storage=cloud.storage)
    if settings.get("encrypt", cloud.encrypted) != cloud.encrypted:
        raise LabError(900569, cloud=name)
    if cloud.pair is not None and "retention" in settings:
        raise LabError(900890, setting="retention", cloud=name)
    now = {key: getattr(cloud, key) for key in _CHANGEABLE}
    wanted = {key: value for key, value in settings.items() if key != "encrypt"}
    both = (cloud.id,) if cloud.pair is None else (cloud.id, cloud.pair.target)
    checked = cloudsettings.check_settings(world, {**now, **wanted}, *both)
    if cloud.pair is not None:
        cloudsettings.check_points(checked["app_consistent"], cloud.pair.points)
    return jobs.start(world, "UpdateProtectionProfile", name, **checked)


_CHANGEABLE = ("frequency", "retention", "app_consistent", "initial_start")


@jobs.ending("UpdateProtectionProfile")
def _changed(world: World, job: JobRecord) -> None:
    if job.state != jobs.SUCCEEDED:
        return
    cloud = world.get(Cloud, job.target)
    for key in _CHANGEABLE:
        setattr(cloud, key, job.data[key])
    world.fact("cloud.changed", cloud.id, **{key: job.data[key] for key in _CHANGEABLE})
    pairing.changed(world, cloud)
    for item in world.all(ProtectedItem):
        relation = world.find(replication.Relation, item.id)
        if item.cloud == cloud.id and relation is not None:
            cycles.change(world, relation, cloud.frequency, cloud.retention, cloud.app_consistent)


@jobs.check("UpdateProtectionProfile")
@jobs.check("DissociateProtectionProfile")
def _reached(world: World, job: JobRecord) -> None:
    reach(world, job.target)


@jobs.check(JOB)
def _prerequisites(world: World, job: JobRecord) -> None:
    """Every task finds VMM, hosts and versions as they have to be."""
    if "pair" in job.data:
        pairing.check(world, job)
        return
    cloud = clouds.get(world, job.target)
    fabricchecks.check_versions(world, cloud, to_azure=True)
    fabricchecks.check_hosts(world, cloud)
    fabricchecks.check_systems(world, cloud)


@jobs.task(JOB, "CloudPairingPrepareSite")
def _prepare(world: World, job: JobRecord) -> Outcome:
    if "pair" in job.data:
        pairing.prepare(world, job)
    else:
        fabricchecks.make_brokers(world, clouds.get(world, job.target))
    return DONE


@jobs.ending(JOB)
def _configured(world: World, job: JobRecord) -> None:
    if job.state != jobs.SUCCEEDED:
        encryption.end(world, job.target)
    elif "pair" in job.data:
        pairing.configured(world, job)
    else:
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
    involved(world, ("cloud", name), ("server", cloud.server))
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
        pairing.released(world, cloud)
        encryption.end(world, cloud.id)
        world.fact("cloud.released", job.target)
