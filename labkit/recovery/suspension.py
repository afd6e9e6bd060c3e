"""What a suspended subscription stops in Site Recovery, and how it goes on with the upgrade (rules 2.2-2, 2.2-3).

Replication to and from Azure fails and is not tried again; jobs of the vault stand still at the task they are at. The
jobs of VMM itself (``by: vmm`` in ``data/states.yml``) go on, and so does replication from host to host.
"""

from __future__ import annotations

from labkit.azure import subscription, trial
from labkit.engine import jobs, resources
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.replication import resume as resuming
from labkit.replication import stops
from labkit.replication.relation import Relation


def services_off(world: World) -> bool:
    """Whether the subscription is suspended."""
    found = subscription.find(world)
    return found is not None and found.state == subscription.SUSPENDED


def of_vault(scenario: str) -> bool:
    """Whether a kind of job is the vault's, and not VMM's own."""
    row: dict[str, str] = resources.yaml("states.yml")["jobs"].get(scenario, {})
    return row.get("by") != "vmm"


def _holds(world: World, job: JobRecord) -> bool:
    return services_off(world) and of_vault(job.scenario)


def _off(world: World) -> None:
    world.add(stops.ServiceOff("azure"))
    stops.interrupt(world)


def _on(world: World) -> None:
    world.remove(world.get(stops.ServiceOff, "azure"))
    for relation in world.all(Relation):
        if relation.failed and relation.error == stops.SUBSCRIPTION:
            resuming.resume(world, relation)
    for job in world.all(JobRecord):
        jobs.resume(world, job)


jobs.HOLDS.append(_holds)
trial.WHEN_OFF.append(_off)
trial.WHEN_ON.append(_on)
