"""Timers: their order, their life in the file, and that nothing depends on where a batch ends."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from labkit.engine.clock import Timers
from labkit.engine.session import Session
from labkit.engine.world import World
from tests.engine import toys


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=40), st.sets(st.integers(1, 40)))
def test_timers_come_by_due_priority_and_age(wanted: list[tuple[int, int]], cancelled: set[int]) -> None:
    """Whatever is added and cancelled comes in the order of (due, priority, age), cancelled ones never."""
    timers = Timers([], 1)
    added = [(due, priority, timers.add(due, "k", "e", priority)) for due, priority in wanted]
    for seq in cancelled:
        timers.cancel(seq)  # also such as never were
    came = []
    for until in (2, None):  # first those that are due by then, the others stay where they are
        while (timer := timers.take(until)) is not None:
            assert until is None or timer.due <= until
            came.append((timer.due, timer.priority, timer.seq))
    assert came == sorted(timer for timer in added if timer[2] not in cancelled)


def test_cancelling_for_an_entity_takes_its_kind_only() -> None:
    """All timers of the kind and entity go, no other."""
    timers = Timers([], 1)
    for kind, entity in (("x", "a"), ("x", "a"), ("x", "b"), ("y", "a")):
        timers.add(1, kind, entity)
    timers.cancel_for("x", "a")
    assert [(timer.kind, timer.entity) for timer in timers.rows()] == [("x", "b"), ("y", "a")]


def test_timers_live_in_the_file(tmp_path: Path) -> None:
    """Order and numbers go on after closing: equal instants come by priority, then in the order they were set."""
    path = tmp_path / "a.lab"
    first = toys.new(path)

    def plan(world: World) -> None:
        for name, priority in (("late", 90), ("one", 50), ("two", 50), ("early", 10)):
            world.after(500, "toy.note", name, priority)
        world.timers.cancel(world.after(500, "toy.note", "never"))

    first.command("plan", {}, plan)
    first.close()
    second = Session.open(path, "test")
    second.command("more", {}, lambda world: world.after(500, "toy.note", "three"))
    with second.playing():
        second.advance(1_000_500)
    assert toys.counter(second).seen == ["early", "one", "two", "three", "late"]
    second.close()


def test_time_stands_at_the_end_of_a_run(tmp_path: Path) -> None:
    """A run ends at the instant asked for, also where no timer is; a timer due at that very instant has happened."""
    session = toys.new(tmp_path / "a.lab")
    with session.playing():
        session.advance(1_001_000)
        assert toys.counter(session).ticks == 1
        session.advance(1_001_999)
        assert toys.counter(session).ticks == 1
    with session.reading() as world:
        assert world.now == 1_001_999
    session.close()


def test_a_stop_is_seen_after_the_very_step(tmp_path: Path) -> None:
    """``stop`` ends a run at the step that made it true, whatever the size of a batch."""
    for steps in (1, 3, 1_000):
        session = toys.new(tmp_path / f"{steps}.lab")
        session.batch_steps = steps
        with session.playing():
            assert session.advance(stop=lambda world: world.get(toys.Counter, "a").ticks == 10)
        assert toys.counter(session).ticks == 10
        session.close()
