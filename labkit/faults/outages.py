"""What a trainer can break at the site and on the line, and how it is mended.

Symptoms: while the line is lost, RPO climbs and nothing arrives; when the site is lost, its guests are dead as after a
power failure, and VMM cannot be reached.
"""

from __future__ import annotations

from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.faults import host
from labkit.recovery import network
from labkit.replication import alerts, line, stops
from labkit.site import inventory


def _wake(world: World) -> None:
    """Jobs that wait for the line or the site look again."""
    for job in world.all(JobRecord):
        jobs.resume(world, job)


def lose_line(world: World, names: tuple[str, ...] = line.AZURE) -> None:
    """Pull the plug between site and Azure, or the replica site: transfers under way fail (facts.md 1.9)."""
    line.set_connected(world, False, names)
    stops.interrupt(world)
    alerts.look_at_all(world)
    _wake(world)


def restore_line(world: World, names: tuple[str, ...] = line.AZURE) -> None:
    """Put the plug back; replication goes on at its next attempt, or when somebody resumes it."""
    line.set_connected(world, True, names)
    network.renew(world)
    alerts.look_at_all(world)
    _wake(world)


def lose_site(world: World) -> None:
    """The whole site loses power at this instant; 900530 when it is lost already."""
    site = inventory.state(world)
    if site.lost_at:
        raise LabError(900530)
    site.lost_at = world.now
    world.fact("site.lost", "site")
    host.power_failure(world)
    _wake(world)


def restore_site(world: World) -> None:
    """Power is back: VMs start that ran before and are not active in Azure, replication goes on; else 900531."""
    site = inventory.state(world)
    if not site.lost_at:
        raise LabError(900531)
    site.lost_at, site.hosts_down = 0, False
    world.fact("site.restored", "site")
    host.power_back(world)
    network.renew(world)
