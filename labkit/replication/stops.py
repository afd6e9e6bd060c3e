"""What interrupts or ends replication: a pause, a failure, a resynchronisation that is required, its end.

An attempt to send that fails is repeated 1, 2, 4, 8, 10 and then every 30 minutes later, or not at all if a person is
needed first (facts.md 1.9). Meanwhile the change log grows, and is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.disks import record
from labkit.engine import resources
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.world import Entity, World, entity
from labkit.guest.machine import Machine
from labkit.replication import alerts, changelog, line
from labkit.replication.relation import REPLICATING, RESYNC, RESYNCHRONISING, STOPPED, Relation, announce
from labkit.site import inventory, servers
from labkit.site.servers import Server

NETWORK, PROXY = "network", "proxy"
NETWORK, SUBSCRIPTION = "network", "subscription"
PRIMARY, REPLICA = "primary", "replica"


@entity("obstacle")
class Obstacle(Entity):
    """Something in the way of sending, or of snapshots, of one VM or of all (``vm`` empty); ``id`` is REASON/VM."""

    reason: str
    vm: str


@entity("service-off")
class ServiceOff(Entity):
    """Azure takes and gives nothing: its subscription is suspended. A person brings it back, not the next attempt."""


def reasons(group: str) -> list[str]:
    """The errors that are ``retried``, those that are ``final``, or that let snapshots fail (``windows``/``linux``)."""
    found: dict[str, Any] = resources.yaml("replication.yml")["errors"]
    return list(found[group])


def blocked(world: World, relation: Relation) -> str:
    """What is in the way of sending now; "" for nothing. What needs a person comes first."""
    if relation.direction in (line.UP, line.DOWN) and world.any(ServiceOff):
        return SUBSCRIPTION
    if world.any(Obstacle):
        found = [o.reason for o in world.all(Obstacle) if o.vm in ("", relation.vm)]
        for reason in (*reasons("final"), *reasons("retried")):
            if reason in found:
                return reason
    if not world.get(line.Line, relation.direction).connected:
        return NETWORK
    if relation.direction in (line.UP, line.DOWN) and not _gets_out(world, relation):
        return PROXY
    return NETWORK if _off(world, relation) else ""


def _off(world: World, relation: Relation) -> bool:
    """Whether what it is replicated to has no power: the site, or the host at the other site."""
    if relation.direction == line.LAN_BACK:
        return inventory.state(world).dark
    host = world.find(Server, relation.there) if relation.direction == line.LAN else None
    return host is not None and not host.running


def _host(world: World, relation: Relation) -> Server | None:
    return world.find(Server, inventory.host_of(world, relation.vm))


def _gets_out(world: World, relation: Relation) -> bool:
    """Whether the agent on the VM's host gets out to the internet (rule 2.6-6)."""
    host = _host(world, relation)
    return host is None or servers.reaches(host, host.agent_proxy)


def refused(world: World, relation: Relation, error: str) -> dict[str, str]:
    """Beside an error of the proxy: which one the agent has, and which one lets its host out; else nothing."""
    host = _host(world, relation) if error == PROXY else None
    return servers.refused(host, host.agent_proxy) if host is not None else {}


def dark(world: World, relation: Relation) -> bool:
    """Whether the host that would send has no power; it goes on when that is back."""
    return relation.direction != line.LAN_BACK and inventory.state(world).dark


def no_snapshot(world: World, relation: Relation, machine: Machine) -> str:
    """What lets a snapshot of a guest fail now; "" for nothing."""
    known = reasons("windows" if machine.windows else "linux")
    return next((o.reason for o in world.all(Obstacle) if o.vm == relation.vm and o.reason in known), "")


# --- failures ---------------------------------------------------------------------------------------------------------


def fail(world: World, relation: Relation, error: str) -> None:
    """An attempt to send has failed: what was under way is given up, the next attempt is planned if there is one."""
    halt(world, relation)
    relation.failed += 1
    relation.error = error
    wait = 0 if error in (SUBSCRIPTION, *reasons("final")) else _wait(relation.failed)
    if wait:
        relation.retry = world.after(wait, "retry", relation.id, priority=30)
    more = refused(world, relation, error)
    world.fact("replication.failed", relation.id, reason=error, attempt=relation.failed, next=wait, **more)
    alerts.look(world, relation)
    if relation.state == REPLICATING:
        watch_log(world, relation)


def _wait(failed: int) -> int:
    """Time (ms) until the next attempt after so many that failed; the last of the schedule repeats."""
    schedule: list[int] = resources.yaml("replication.yml")["retry_ms"]
    return schedule[min(failed, len(schedule)) - 1]


def interrupt(world: World) -> None:
    """Something has come in the way: transfers under way that it concerns fail now."""
    for relation in world.all(Relation):
        if line.under_way(world, relation.id) and (error := blocked(world, relation)):
            fail(world, relation, error)


def arrived(world: World, relation: Relation) -> None:
    """A transfer has arrived: sending works."""
    if relation.failed:
        relation.failed, relation.error = 0, ""
        alerts.look(world, relation)


# --- the log while nothing is sent ------------------------------------------------------------------------------------


def watch_log(world: World, relation: Relation) -> None:
    """Nothing can be sent: a log that has grown too large ends in a resynchronisation (facts.md 1.8)."""
    alerts.look(world, relation, urgent=False)
    source = record.set_of(world, relation.source)
    relation.logged = changelog.count(world, source, relation.cut, relation.logged)
    if relation.direction != line.DOWN and relation.logged[2] > changelog.limit(source):
        require(world, relation, "log full")
    else:
        wait = int(resources.yaml("replication.yml")["log_check_ms"])
        relation.timer = world.after(wait, "log.check", relation.id, priority=30)


@on("log.check")
def _check_log(world: World, timer: Timer) -> None:
    watch_log(world, world.get(Relation, timer.entity))


# --- halting ----------------------------------------------------------------------------------------------------------


def halt(world: World, relation: Relation) -> None:
    """Transfers under way are gone; a log that was under way is swapped again later, as a whole."""
    world.timers.cancel(relation.timer)
    world.timers.cancel(relation.retry)
    line.cancel(world, relation.id)
    if relation.flight is not None:
        relation.swapped, relation.flight, relation.late = relation.flight.after, None, False


def pause(world: World, relation: Relation, side: str = PRIMARY) -> None:
    """Send nothing until it is resumed; writes go on being logged. 900548 unless it replicates and is not paused.

    ``side``: who does not want it, the ``primary`` (the host) or the ``replica``; health differs (facts.md 1.6).
    """
    if relation.state not in (REPLICATING, RESYNCHRONISING) or relation.paused or relation.final:
        raise LabError(900548, vm=relation.id)
    halt(world, relation)
    relation.paused, relation.failed, relation.error = True, 0, ""
    relation.paused_at = side
    world.fact("replication.paused", relation.id, side=side)
    alerts.look(world, relation)
    if relation.state == REPLICATING:
        watch_log(world, relation)


def require(world: World, relation: Relation, reason: str) -> None:
    """Resynchronisation is required: nothing is sent or logged any more (facts.md 1.8); ``reason`` is told."""
    if relation.state not in (REPLICATING, RESYNCHRONISING):
        return
    halt(world, relation)
    drop_staging(world, relation)
    relation.state, relation.reason, relation.paused, relation.final = RESYNC, reason, False, False
    relation.failed, relation.error = 0, ""
    world.fact("resync.required", relation.id, reason=reason)
    alerts.look(world, relation)
    for waiter in WHEN_REQUIRED:
        waiter(world, relation)
    announce(world, relation)


# What schedules the resynchronisation (the layer of it is above this one).
WHEN_REQUIRED: list[Callable[[World, Relation], None]] = []


def drop_staging(world: World, relation: Relation) -> None:
    """Forget what a resynchronisation has brought over so far."""
    if relation.staging:
        record.delete(world, record.set_of(world, relation.staging))
        relation.staging = 0


def stop(world: World, relation: Relation) -> None:
    """End replication: transfers under way are gone, the replica stays as it is."""
    world.timers.cancel(relation.timer)
    world.timers.cancel(relation.retry)
    line.cancel(world, relation.id)
    drop_staging(world, relation)
    relation.flight, relation.paused, relation.final, relation.late = None, False, False, False
    relation.failed, relation.error = 0, ""
    relation.state, relation.stopped = STOPPED, world.now


def remove(world: World, relation: Relation) -> None:
    """End replication and forget it."""
    stop(world, relation)
    world.remove(relation)
