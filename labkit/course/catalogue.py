"""All lessons in the order of the guide, found by slug, number or the slug of a step."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from labkit.course import lessons
from labkit.course.model import Lesson, Step
from labkit.engine import resources
from labkit.engine.names import unknown


@functools.cache
def all_lessons() -> tuple[Lesson, ...]:
    """The lessons: numbered ones in the guide's order, then the groups of its FAQ."""
    names = [found.name for found in pkgutil.iter_modules(lessons.__path__)]
    found = [importlib.import_module(f"{lessons.__name__}.{name}") for name in names]
    return tuple(sorted((module.LESSON for module in found), key=_order))


def _order(lesson: Lesson) -> tuple[int, str]:
    return (0, lesson.number) if lesson.number else (1, str(_GROUPS.index(lesson.slug)))


_GROUPS = ("faq-setup", "faq-cost", "faq-details")  # as the guide's FAQ has them


def lesson(name: str) -> Lesson:
    """A lesson by its slug, number or notebook's name; 900010 with the nearest one."""
    for one in all_lessons():
        if name in (one.slug, one.number or None, one.name):
            return one
    raise unknown("lesson", name, [one.slug for one in all_lessons()])


def step(slug: str) -> tuple[Lesson, Step]:
    """A step with its lesson; 900010 with the nearest one."""
    known = {step.slug: (lesson, step) for lesson in all_lessons() for step in lesson.steps}
    if slug in known:
        return known[slug]
    raise unknown("step", slug, known)


def rules() -> tuple[str, ...]:
    """Ids of all rules that the course has to show."""
    found: dict[str, list[str]] = resources.yaml("course", "rules.yml")["rules"]
    return tuple(rule for listed in found.values() for rule in listed)
