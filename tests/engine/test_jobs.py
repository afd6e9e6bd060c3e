"""Jobs: tasks of every outcome, in a toy of a world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labkit import LabError
from labkit.engine import jobs, resources
from labkit.engine.jobs import DONE, EVENT, OPERATOR, SKIPPED, JobRecord, Outcome, Until
from labkit.engine.session import Session
from labkit.engine.world import World
from tests.engine import toys

LENGTHS = (("first", 10_000), ("wait", 5_000), ("word", 1_000), ("last", 2_000))


@jobs.task("Toy", "first")
def _first(world: World, job: JobRecord) -> Outcome:
    calls = int(job.data.get("calls", 0)) + 1
    job.data["calls"] = calls
    if job.data["way"] == "fail":
        raise LabError(900502, vm="a", odd=[1, 2], allowed=("EnableProtection",))
    return Until(world.now + 3_000) if calls < 3 else SKIPPED


@jobs.task("Toy", "wait")
def _wait(world: World, job: JobRecord) -> Outcome:
    return DONE if "event" in world.get(toys.Counter, "a").seen else EVENT


@jobs.task("Toy", "word")
def _word(world: World, job: JobRecord) -> Outcome:
    return DONE if jobs.answered(job) else OPERATOR


@jobs.ending("Toy")
def _ended(world: World, job: JobRecord) -> None:
    world.get(toys.Counter, "a").seen.append(f"ended {job.state}")


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A toy lab whose table of timings knows the toy's job."""
    real = resources.yaml
    rows = [{"task": name, "ms": ms, "title": name} for name, ms in LENGTHS]
    monkeypatch.setattr(resources, "yaml", lambda *parts: {"Toy": rows} if parts == ("timings.yml",) else real(*parts))
    jobs.timings.cache_clear()
    made = toys.new(tmp_path / "a.lab")
    yield made
    made.close()
    jobs.timings.cache_clear()


def begin(session: Session, way: str) -> None:
    session.command("start", {}, lambda world: jobs.start(world, "Toy", "a", way=way) and None)


def look(session: Session) -> tuple[str, list[str]]:
    with session.reading() as world:
        job = world.get(JobRecord, "job-0001")
        return job.state, [task.state for task in job.tasks]


def advance(session: Session, ms: int) -> None:
    with session.reading() as world:
        target = world.now + ms
    with session.playing():
        session.advance(target)


@pytest.mark.promise(3)
def test_a_job_goes_its_way_across_sessions(session: Session) -> None:
    """Until, skipped, event, operator, done: each step in its time, the file being all that is kept in between."""
    begin(session, "well")
    advance(session, 15_999)  # first: asked at 10, 13 and 16 seconds
    assert look(session) == ("InProgress", ["InProgress", "NotStarted", "NotStarted", "NotStarted"])
    advance(session, 1)
    assert look(session)[1][0] == "Skipped"
    again = Session.open(session.store.path, "other")
    advance(again, 3_600_000)  # wait: nobody calls
    assert look(session) == ("InProgress", ["Skipped", "InProgress", "NotStarted", "NotStarted"])
    again.command("event", {}, _event)
    for _ in range(3):  # being told twice changes nothing
        again.command("resume", {}, lambda world: jobs.resume(world, world.get(JobRecord, "job-0001")))
    advance(session, 1_000)
    assert look(session) == ("Suspended", ["Skipped", "Succeeded", "Suspended", "NotStarted"])
    advance(again, 3_600_000)
    again.command("answer", {}, lambda world: jobs.answer(world, world.get(JobRecord, "job-0001"), "checked"))
    with pytest.raises(LabError) as refused:
        again.command("answer", {}, lambda world: jobs.answer(world, world.get(JobRecord, "job-0001"), "twice"))
    assert refused.value.code == 900020
    advance(session, 2_000)
    assert look(session) == ("Succeeded", ["Skipped", "Succeeded", "Succeeded", "Succeeded"])
    with session.reading() as world:
        job = world.get(JobRecord, "job-0001")
        assert job.tasks[2].note == "checked"
        assert [task.ended - task.started for task in job.tasks[::3]] == [16_000, 2_000]
    assert toys.counter(session).seen == ["event", "ended Succeeded"]
    again.close()


def _event(world: World) -> None:
    world.get(toys.Counter, "a").seen.append("event")
    jobs.resume(world, world.get(JobRecord, "job-0001"))


def test_resume_of_a_job_that_does_not_wait_changes_nothing(session: Session) -> None:
    """A task that takes its time is not cut short by news it does not wait for."""
    begin(session, "well")
    session.command("resume", {}, lambda world: jobs.resume(world, world.get(JobRecord, "job-0001")))
    advance(session, 15_999)
    assert look(session)[1][0] == "InProgress"
    assert toys.counter(session).seen == []


def test_a_failing_task_fails_its_job(session: Session) -> None:
    """The error is kept with what JSON can hold, later tasks never start, the ending runs once, no timer is left."""
    begin(session, "fail")
    advance(session, 100_000)
    assert look(session) == ("Failed", ["Failed", "NotStarted", "NotStarted", "NotStarted"])
    with session.reading() as world:
        job = world.get(JobRecord, "job-0001")
        assert job.error == {"code": 900502, "details": {"vm": "a"}, "allowed": ["EnableProtection"]}
        assert not job.running
        assert [timer for timer in world.timers.rows() if timer.kind == "job.ask"] == []
    assert toys.counter(session).seen == ["ended Failed"]


def test_a_waiting_job_has_no_timer(session: Session) -> None:
    """A job that waits for an event or for a person costs nothing while time passes."""
    begin(session, "well")
    advance(session, 60_000)
    with session.reading() as world:
        assert world.get(JobRecord, "job-0001").waits_for_event
        assert [timer.kind for timer in world.timers.rows()] == ["toy.tick"]
