"""Alerts: facts that tell when the health of a VM's replication changes, or a snapshot has failed (facts.md 1.6, 7).

An operator is told by a hook command (``labkit.lab.hooks``) or reads them as facts of kind ``alert``.
"""

from __future__ import annotations

from labkit.engine.world import World
from labkit.replication import line, statistics
from labkit.replication.relation import STOPPED, Relation

_EVERY = 300_000  # health by the rules of 2012 is counted from many facts: for a cycle that was late not each time


def look(world: World, relation: Relation, *, urgent: bool = True) -> None:
    """Tell if health is another than was told last. Not ``urgent``: unless one was just now."""
    if relation.direction == line.DOWN:
        return  # a failback, which nobody watches
    if not urgent and statistics.counts(world) and world.now < relation.looked + _EVERY:
        return
    relation.looked = world.now
    health, reasons = statistics.judged(world, relation)
    if health != relation.told:
        relation.told = health
        tell(world, relation, *reasons)


def look_at_all(world: World) -> None:
    """Something that concerns all VMs has happened."""
    for relation in world.all(Relation):
        if relation.state != STOPPED:
            look(world, relation)


def tell(world: World, relation: Relation, *reasons: str) -> None:
    """An alert with the health as it was told last, and why."""
    world.fact("alert", relation.id, health=relation.told, reasons=", ".join(reasons))
