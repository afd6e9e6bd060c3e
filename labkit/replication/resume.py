"""Replication goes on from wherever it was: after a pause, at the next attempt, when the hosts have power again."""

from __future__ import annotations

from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.replication import alerts, cycles, initial, line, resync
from labkit.replication.relation import INITIAL, REPLICATING, RESYNC, RESYNCHRONISING, Relation


def resume(world: World, relation: Relation) -> None:
    """Send again after a pause, or try again at once after a failure; 900549 unless it waits for one of the two."""
    waits = relation.failed and not line.under_way(world, relation.id)
    if not relation.paused and not waits:
        raise LabError(900549, vm=relation.id)
    relation.paused = False
    world.timers.cancel(relation.timer)
    world.timers.cancel(relation.retry)
    world.fact("replication.resumed", relation.id)
    go_on(world, relation)
    alerts.look(world, relation)


def go_on(world: World, relation: Relation) -> None:
    """The piece, chunk or log that could not be sent is sent now; if it cannot be, that is the next failure."""
    if relation.state == INITIAL:
        initial.go_on(world, relation)
    elif relation.state == RESYNC:
        resync.schedule(world, relation)
    elif relation.state == RESYNCHRONISING:
        resync.read(world, relation)
    elif relation.state == REPLICATING:
        cycles.go_on(world, relation)


@on("retry")
def _retry(world: World, timer: Timer) -> None:
    relation = world.get(Relation, timer.entity)
    world.timers.cancel(relation.timer)
    go_on(world, relation)
