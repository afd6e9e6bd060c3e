"""Answers to the course's questions: what people write for the right one is right, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.course import answers, catalogue, stages
from labkit.course.answers import Wanted
from labkit.engine import texts


@pytest.fixture
def japanese() -> Iterator[None]:
    texts.set_language("ja")
    yield
    texts.set_language(None)


FIGURE = Wanted(5, units=answers.MINUTES)
MONEY = Wanted(20500, units=("yen", "¥"))
NAME = Wanted("Southeast Asia", also=("Southeast Asia",))


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        *((FIGURE, given) for given in (5, 5.0, "5", " 5 min", "5 minutes", "5MINUTES")),
        *((MONEY, given) for given in ("20,500", "¥20,500", "20500 yen", 20500)),
        *((NAME, given) for given in ("southeast  asia", "Southeast Asia", "SoutheastAsia")),
        (["HV01", "HV02"], "hv02, HV01"),
        (["HV01", "HV02"], ("HV01", "hv02")),
        (["HV01"], "hv01"),
        (["OnPremise Cloud"], "onpremise cloud"),
        (["OnPremise Cloud", "Primary Cloud"], "Primary Cloud, OnPremise Cloud"),
        *((Wanted(1, units=answers.VM_DAYS), given) for given in ("1 day", "1 VM day", "1 days")),
    ],
)
def test_said_otherwise(wanted: object, given: object) -> None:
    """Case, spaces, separators, a unit beside the figure and the order of names do not count."""
    assert answers.right(given, wanted)


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        *((FIGURE, given) for given in (6, "6 min", "5 hours", "5 6", "minutes", "x5", "", None, True, "15 min")),
        (MONEY, "20,900 yen"),
        (NAME, "East Asia"),
        (["HV01", "HV02"], "HV01"),
        (["HV01"], "HV01, HV02"),
        (Wanted(None, also=("x",)), "x"),
        (None, "None"),
    ],
)
def test_not_said(wanted: object, given: object) -> None:
    """Another figure or unit, too few or too many names; while the lab cannot tell, nothing is right."""
    assert not answers.right(given, wanted)


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        *((FIGURE, given) for given in ("5 分", "5分", "５分", "５", "5 minutes")),
        *((MONEY, given) for given in ("20,500 円", "20500円", "¥20,500")),
        *((NAME, given) for given in ("東南アジア", "東南 アジア", "Southeast Asia")),
        (["HV01", "HV02"], "HV01、HV02"),
    ],
)
def test_said_in_japanese(japanese: None, wanted: object, given: object) -> None:
    """Wide figures, counters, Japanese names and separators; English goes on to be right."""
    assert answers.right(given, wanted)


def test_every_question_takes_its_own_answer(japanese: None, tmp_path: Path) -> None:
    """What the solution gives is right, also as a text and with each unit and other wording the question knows."""
    asked = 0
    for lesson in catalogue.all_lessons():
        for step in (step for step in lesson.steps if step.answer is not None):
            with stages.new(tmp_path / f"{step.slug}.lab", lesson.slug) as lab:
                for one in lesson.steps[: lesson.steps.index(step)]:
                    for act in stages.lasting(one):
                        act(lab)
                assert step.answer is not None
                wanted = step.answer(lab)
            if wanted is None or answers.shown(wanted) is None:
                continue  # what an exercise or a failover tells
            asked += 1
            value = answers.shown(wanted)
            assert answers.right(value, wanted), step.slug
            if isinstance(value, list):
                assert answers.right(", ".join(value), wanted), step.slug
            if isinstance(wanted, Wanted):
                assert all(answers.right(f"{value} {unit}", wanted) for unit in map(texts.gettext, wanted.units))
                assert all(answers.right(text, wanted) for text in (*wanted.also, *map(texts.gettext, wanted.also)))
    assert asked >= 12
