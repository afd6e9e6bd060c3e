"""Every lesson: its beginning, its checks before and after, its troubles, and its solutions run as they are shown."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.course import answers, catalogue, checks, stages
from labkit.course.model import Lesson, Step, source
from labkit.engine.errors import LabError
from labkit.lab import Lab

LESSONS = catalogue.all_lessons()
STEPS = [(lesson, step) for lesson in LESSONS for step in lesson.steps]
SLUGS = Path(__file__).with_name("slugs.txt")


def _chains() -> list[list[Lesson]]:
    """Lessons that one lab can go through: each after the one before it, in the same track."""
    chains: list[list[Lesson]] = []
    for lesson in LESSONS:
        before = next((chain for chain in chains if chain[-1].slug == lesson.after), None)
        if before is None or lesson.opening is not None or lesson.track != before[-1].track:
            chains.append([lesson])
        else:
            before.append(lesson)
    return chains


def _do(lab: Lab, step: Step) -> None:
    """Run what is shown as the solution, in a namespace with nothing but the lab."""
    if step.solution is not None:
        exec(source(step.solution), {"lab": lab})
    else:
        checks.mark(lab, checks.ANSWER, step, answer=answers.plain(checks.wanted(step, lab)))


def _live_through(lab: Lab, lesson: Lesson) -> None:
    assert (stages.missing(lab, lesson), stages.done_already(lab, lesson)) == (None, None), lesson.slug
    for step in lesson.steps:
        assert not checks.holds(lab, step), f"{step.slug} holds before it is done"
        if step.trouble is not None:
            step.trouble(lab)
            checks.mark(lab, checks.TROUBLE, step)
            assert not checks.holds(lab, step), f"{step.slug} holds although something is broken"
        _do(lab, step)
        seen = checks.look(lab, step)
        assert all(one.ok for one in seen), (step.slug, seen[-1])


@pytest.mark.parametrize("chain", _chains(), ids=lambda chain: chain[0].slug)
def test_a_learner_who_does_everything(chain: list[Lesson], stage: Callable[[str], Lab]) -> None:
    """One lab through all lessons of a chain, every trouble included: each lesson finds its beginning, every check
    fails before its step and while something is broken, and the solution as it is shown satisfies it. The lab is sound.
    """
    with stage(chain[0].slug) as lab:
        for lesson in chain:
            _live_through(lab, lesson)
        assert lab.verify() == []


def test_every_stage_stands_at_its_beginning(stage: Callable[[str], Lab]) -> None:
    """A stage, made of the solutions before it and of no trouble, has all its lesson begins with and no step done."""
    for lesson in LESSONS:
        with stage(lesson.slug) as lab:
            assert (stages.missing(lab, lesson), stages.done_already(lab, lesson)) == (None, None), lesson.slug


def test_stages_are_the_same_with_and_without_what_is_kept(
    stage: Callable[[str], Lab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage out of the cache has the facts of one made from nothing; a home that cannot be written to is no"
    " hindrance."""
    with stage("two-solutions") as lab:
        kept = lab.events_digest
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    monkeypatch.setenv("LABKIT_HOME", str(blocked))
    with stage("two-solutions") as lab:
        assert lab.events_digest == kept
    assert blocked.read_text() == ""


def test_a_solution_needs_nothing_but_the_lab() -> None:
    """A solution uses no name of its module, so that it runs in any notebook that has a lab; a question has none."""
    assert len(STEPS) > 100
    for _lesson, step in STEPS:
        assert (step.check is None) == (step.solution is None) == (step.answer is not None), step.slug
        if step.solution is None:
            continue
        code: Any = getattr(step.solution, "__code__")  # noqa: B009 - a function, which the type does not tell
        names = getattr(step.solution, "__globals__")  # noqa: B009
        strange = [name for name in code.co_names if name in names and not hasattr(builtins, name)]
        assert (strange, code.co_varnames[0], code.co_argcount) == ([], "lab", 1), step.slug
        compile(source(step.solution), step.slug, "exec")


def test_every_lesson_has_something_to_break() -> None:
    """Each lesson has at least one trouble, and each optional step is one."""
    assert [lesson.slug for lesson in LESSONS if not any(step.trouble for step in lesson.steps)] == []
    assert [step.slug for _lesson, step in STEPS if step.optional and step.trouble is None] == []


def test_slugs_are_stable() -> None:
    """Slugs of lessons and steps are unique, and every one that was ever given is still there."""
    known = [lesson.slug for lesson in LESSONS] + [step.slug for _lesson, step in STEPS]
    assert len(set(known)) == len(known)
    given = set(SLUGS.read_text("utf-8").split())
    assert given <= set(known), f"gone: {given - set(known)}"
    assert set(known) <= given, f"write it down in {SLUGS.name}: {set(known) - given}"


def test_the_course_has_every_section_and_every_rule() -> None:
    """A lesson for each numbered section and each group of the guide's FAQ; together they are to show every rule."""
    sections = [*(f"1.{n}" for n in range(1, 5)), *(f"2.{n}" for n in range(1, 10))]
    sections += [*(f"3.{n}" for n in range(1, 7)), *(f"4.{n}" for n in range(1, 5))]
    assert [lesson.number for lesson in LESSONS] == [*sections, "", "", ""]
    shown = {rule for lesson in LESSONS for rule in lesson.rules}
    assert (set(catalogue.rules()) - shown, shown - set(catalogue.rules())) == (set(), set())
    assert len(catalogue.rules()) == 136
    assert all(5 <= lesson.minutes <= 15 for lesson in LESSONS)


def test_names_are_found_and_guessed() -> None:
    """A lesson is found by slug, number and file name; what is misspelt is answered with the nearest."""
    for name in ("test-failover", "3.3", "3.3-test-failover"):
        assert catalogue.lesson(name).slug == "test-failover"
    with pytest.raises(LabError, match="test-failover"):
        catalogue.lesson("test-failver")
    with pytest.raises(LabError, match="start-test"):
        catalogue.step("start-tests")


@pytest.mark.parametrize(
    "slug", ["evaluation-site", "azure-services", "enable-protection", "failback", "delete-services"]
)
def test_any_step_can_be_asked_of_any_lab(slug: str, stage: Callable[[str], Lab]) -> None:
    """Opened out of order, at an early lab or a late one: every check and every beginning of the track says what it
    sees, answers that were given included; none stumbles.
    """
    with stage(slug) as lab:
        for lesson, step in STEPS:
            if lesson.track != catalogue.lesson(slug).track:
                continue
            if step.answer is not None:
                checks.mark(lab, checks.ANSWER, step, answer="x")
            if step.trouble is not None:
                checks.mark(lab, checks.TROUBLE, step)
            assert checks.look(lab, step)[-1].expected
            assert stages.missing(lab, lesson) is None or stages.missing(lab, lesson).expected  # type: ignore[union-attr]
