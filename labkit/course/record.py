"""How far a learner is: the sum of the log of a desk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from labkit.course import catalogue
from labkit.course.model import Lesson, Step
from labkit.engine.errors import LabError


class Record(msgspec.Struct):
    """What was done, tried and asked. Instants are ISO 8601 of the learner's computer, "" for never.

    ``lesson``: the one begun last. ``since``: when the learner came to the step that is next. ``tries``: checks of that
    step that did not hold. ``refusal``: the last one, with ``code``, ``message`` and ``at``.
    """

    lesson: str = ""
    begun: list[str] = msgspec.field(default_factory=list)
    done: dict[str, str] = msgspec.field(default_factory=dict)
    tries: dict[str, int] = msgspec.field(default_factory=dict)
    since: str = ""
    hand: str = ""
    hand_note: str = ""
    name: str = ""
    refusal: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def step(self) -> str:
        """The first step of the lesson that is not done; "" when all are, or nothing was begun."""
        found = known(self.lesson)
        return next((step.slug for step in found.steps if step.slug not in self.done), "") if found else ""


def known(slug: str) -> Lesson | None:
    """A lesson that this labkit has."""
    try:
        return catalogue.lesson(slug) if slug else None
    except LabError:
        return None


def steps_done(record: Record, lesson: Lesson) -> list[Step]:
    """The steps of a lesson that are done."""
    return [step for step in lesson.steps if step.slug in record.done]


def fold(events: Iterable[dict[str, Any]]) -> Record:
    """The sum of a log."""
    record = Record()
    for event in events:
        _take(record, event)
    return record


def _take(record: Record, event: dict[str, Any]) -> None:
    kind, at, step = event["event"], str(event.get("at", "")), str(event.get("step", ""))
    if kind == "begin":
        record.lesson, record.since = str(event.get("lesson", "")), at
        if record.lesson not in record.begun:
            record.begun.append(record.lesson)
    elif kind == "check" and event.get("ok"):
        if step not in record.done:
            record.done[step], record.since = at, at
    elif kind == "check":
        record.tries[step] = record.tries.get(step, 0) + 1
    elif kind == "refused":
        code = event.get("code")
        told = {"message": str(event.get("message", "")), "at": at}
        record.refusal = {"code": code if isinstance(code, int) else None, **told}
    elif kind == "hand":
        record.hand, record.hand_note = (at, str(event.get("note", ""))) if event.get("up") else ("", "")
    elif kind == "name":
        record.name = str(event.get("name", ""))
