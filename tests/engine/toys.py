"""A toy of a world that stands on the engine alone: an entity that counts, timers that chain, jobs of every outcome.

Registered once for all tests under names no real lab uses.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from labkit.engine.clock import Timer, on
from labkit.engine.session import Session
from labkit.engine.store import Store
from labkit.engine.world import Entity, World, entity


@entity("toy.counter")
class Counter(Entity):
    """Counts ticks, and remembers in which order timers came."""

    ticks: int = 0
    seen: list[str] = msgspec.field(default_factory=list)


@on("toy.tick")
def _tick(world: World, timer: Timer) -> None:
    counter = world.get(Counter, timer.entity)
    counter.ticks += 1
    world.fact("tick", timer.entity, ticks=counter.ticks)
    world.writes.put((counter.ticks % 5, 0, 0), f"{counter.ticks}".encode())
    world.after(1_000 + counter.ticks % 7, "toy.tick", timer.entity)


@on("toy.note")
def _note(world: World, timer: Timer) -> None:
    world.get(Counter, "a").seen.append(timer.entity)


def new(path: Path) -> Session:
    """A session on a new file in which counter ``a`` ticks about once a second."""
    session = Session(Store.create(path), "test")

    def begin(world: World) -> None:
        world.now = 1_000_000
        world.add(Counter("a"))
        world.after(1_000, "toy.tick", "a")

    session.command("begin", {}, begin)
    return session


def counter(session: Session) -> Counter:
    """The counter as the file has it, a copy."""
    with session.reading() as world:
        return msgspec.convert(msgspec.to_builtins(world.get(Counter, "a")), Counter)
