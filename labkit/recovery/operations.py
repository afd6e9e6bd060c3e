"""The operations on a protected item, for whichever target it has: Azure, or another cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.recovery import failback, failover, plans, sitefailover
from labkit.recovery.commit import commit as commit_of
from labkit.recovery.item import ProtectedItem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def test_failover(
    world: World, item: ProtectedItem, network: str | None, number: int | str | None, private: RSAPrivateKey | None
) -> JobRecord:
    """Errors as of :func:`failover.test_failover` and :func:`sitefailover.test_failover`; so with the others."""
    if item.to:
        return sitefailover.test_failover(world, item, network, number)
    return failover.test_failover(world, item, network, number, private)


def planned(
    world: World, item: ProtectedItem, private: RSAPrivateKey | None, number: int | str | None = None
) -> JobRecord:
    """Shut down, send the rest, start on the other side; 900897 for an earlier point site to site."""
    if not item.to:
        return failover.planned(world, item, private, number)
    if number not in (None, failover.LATEST):
        raise LabError(900897, vm=item.id)
    return sitefailover.planned(world, item)


def unplanned(
    world: World,
    item: ProtectedItem,
    *,
    synchronise: bool,
    private: RSAPrivateKey | None,
    number: int | str | None = None,
    straight: int | None = None,
) -> JobRecord:
    """Start on the other side from the newest recovery point, and then perhaps from an earlier one.

    ``straight``: from an earlier one at once, for a recovery plan.
    """
    if item.to:
        return sitefailover.unplanned(world, item, synchronise=synchronise, number=number, straight=straight)
    return failover.unplanned(world, item, synchronise=synchronise, private=private, number=number, straight=straight)


def change_point(
    world: World, item: ProtectedItem, number: int | str | None, private: RSAPrivateKey | None
) -> JobRecord:
    """Another recovery point, before commit."""
    if item.to:
        return sitefailover.change_point(world, item, number)
    return failover.change_point(world, item, number, private)


def commit(world: World, item: ProtectedItem) -> JobRecord:
    """Make a failover (to Azure: or failback) final."""
    return sitefailover.commit(world, item) if item.to else commit_of(world, item)


def reverse(world: World, item: ProtectedItem) -> JobRecord:
    """Reverse replicate."""
    return sitefailover.reverse(world, item) if item.to else failback.reverse(world, item)


def cancellable(world: World, job: JobRecord) -> None:
    """Refuse a job that is not given up: only a planned failover is, before the VM is made on the other side.

    900911 it has ended, 900912 it waits for a word, such as a test that is looked at; 900996 for any other.
    """
    if not job.running:
        raise LabError(900911, job=job.id, state=job.state)
    names = [task.name for task in job.tasks]
    early = job.scenario == "PlannedFailover" and job.step <= names.index("VmPrepareForFailover")
    if early or job.scenario == plans.SCENARIOS[plans.PLANNED]:
        return
    if job.state == jobs.SUSPENDED:
        item = None if job.scenario in plans.SCENARIOS.values() else world.find(ProtectedItem, job.target)
        word = item.plan if item is not None and item.plan else job.id  # of a plan's VMs the plan's job takes it
        raise LabError(900912, job=job.id, scenario=job.scenario, word=word)
    raise LabError(900996, job=job.id, scenario=job.scenario, state=job.state)


def cancel(world: World, job: JobRecord) -> JobRecord:
    """Give up a planned failover that waits for the site: the VM goes on as before, an unplanned one is possible.

    Errors of :func:`cancellable`.
    """
    cancellable(world, job)
    jobs.fail(world, job, LabError(900997, job=job.id))
    return job
