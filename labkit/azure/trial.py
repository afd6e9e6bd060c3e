"""The free trial (rules 2.2-2, 2.2-3): what is left of its credit, its end, and the upgrade to pay-as-you-go.

What was used is the bill of :mod:`labkit.azure.billing`, in yen by the rate of ``data/azure/trial.yml``. It is looked
at once a day and at the end of the month. A suspended trial has its services off: VMs in Azure are stopped, nothing is
replicated to Azure, jobs of the vault stand still. All of it is kept, and goes on with the upgrade; a credit that an
upgrade leaves is given up.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from labkit.azure import billing, services, subscription
from labkit.azure.prices import MICRO, price_list
from labkit.azure.subscription import ACTIVE, CREDIT, MONTH, PAY_AS_YOU_GO, SUSPENDED, Subscription
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import AZURE, TEST, Machine

# What else stops with the services, and goes on with them: the layers above add theirs.
WHEN_OFF: list[Callable[[World], None]] = []
WHEN_ON: list[Callable[[World], None]] = []


def used(world: World, found: Subscription) -> Fraction:
    """Yen that were used since the subscription began."""
    prices, usage = price_list(), billing.usage(world, found.offset_min, services.redundancy(world))
    bill = billing.bill_of(billing.priced(usage, prices), prices)
    return billing.in_yen(Fraction(bill.total, MICRO), prices)


def left(world: World, found: Subscription) -> int | None:
    """Whole yen that a trial has left; None where nothing is given (pay-as-you-go)."""
    if found.plan == PAY_AS_YOU_GO:
        return None
    return max(0, int(subscription.terms()["credit"] - used(world, found)))


@on(subscription.CHECK)
def _check(world: World, timer: Timer) -> None:
    found = world.get(Subscription, timer.entity)
    if world.now >= found.ends:
        _suspend(world, found, MONTH)
    elif used(world, found) >= subscription.terms()["credit"]:
        _suspend(world, found, CREDIT)
    else:
        subscription.plan_check(world, found)


def _suspend(world: World, found: Subscription, why: str) -> None:
    found.state, found.why = SUSPENDED, why
    world.fact("subscription.suspended", found.id, reason=why)
    for machine in world.all(Machine):
        if machine.side in (AZURE, TEST) and machine.run:
            found.stopped.append(machine.id)
            guests.power_off(world, machine, clean=True)
    for stop in WHEN_OFF:
        stop(world)


def upgrade(world: World) -> None:
    """Go on with pay-as-you-go, from a trial that runs or is suspended; 900808 when it is that already."""
    found = subscription.find(world)
    if found is None:
        subscription.require(world)
    assert found is not None
    if found.plan == PAY_AS_YOU_GO:
        raise LabError(900808)
    was, stopped = found.state, found.stopped
    world.timers.cancel(found.timer)
    found.plan, found.state, found.why, found.ends, found.stopped = PAY_AS_YOU_GO, ACTIVE, "", 0, []
    world.fact("subscription.upgraded", found.id)
    if was == ACTIVE:
        return
    for name in stopped:
        machine = world.find(Machine, name)
        if machine is not None and not machine.run:
            guests.power_on(world, machine)
    for start in WHEN_ON:
        start(world)
