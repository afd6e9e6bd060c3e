"""Running checks on a lab, and the marks that troubles and answers leave in its journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from labkit.course import answers
from labkit.course.model import Check, Seen, Step
from labkit.engine.errors import LabError, listed
from labkit.engine.texts import gettext as _
from labkit.lab import Lab

TROUBLE, ANSWER = "course.trouble", "course.answer"


def run(lab: Lab, check: Check) -> Iterator[Seen]:
    """What a check sees, up to the first thing that does not hold; what the lab refuses to tell is such a thing."""
    looks = check(lab)
    while True:
        try:
            seen = next(looks)
        except StopIteration:
            return
        except LabError as error:
            yield Seen(False, _("the lab can tell"), error.message, error.action)
            return
        yield seen
        if not seen.ok:
            return


def look(lab: Lab, step: Step) -> list[Seen]:
    """What the check of a step sees in a lab; of an exercise first whether something was broken, of a question the
    answer given last.
    """
    if step.answer is not None:
        return [_answered(lab, step)]
    if step.optional and step.trouble is not None and not marks(lab, TROUBLE, step.slug):
        command = f'course.trouble("{step.slug}")'
        return [Seen(False, _("something is broken first"), _("nothing was broken yet"), command)]
    assert step.check is not None
    return list(run(lab, step.check))


def holds(lab: Lab, step: Step) -> bool:
    """Whether a step is done in a lab."""
    return all(seen.ok for seen in look(lab, step))


def mark(lab: Lab, command: str, step: Step, **more: Any) -> None:
    """Leave an entry in the lab's journal; nothing happens in its world."""
    lab.command(command, {"step": step.slug, **more}, lambda world: None)


def marks(lab: Lab, command: str, slug: str) -> list[dict[str, Any]]:
    """The entries that were left for a step, oldest first."""
    found = [json.loads(entry["arguments"]) for entry in lab.journal if entry["command"] == command]
    return [entry for entry in found if entry.get("step") == slug]


def wanted(step: Step, lab: Lab) -> object:
    """The right answer to a question."""
    assert step.answer is not None
    return answers.shown(step.answer(lab))


def _answered(lab: Lab, step: Step) -> Seen:
    given = marks(lab, ANSWER, step.slug)
    where = f'course.answer("{step.slug}", ...)'
    if not given:
        return Seen(False, _("an answer"), _("no answer yet"), where)
    assert step.answer is not None
    last = given[-1]["answer"]
    try:
        ok = answers.right(last, step.answer(lab))
    except LabError as error:
        return Seen(False, _("the lab can tell"), error.message, error.action)
    shown = listed(map(str, last)) if isinstance(last, list) else str(last)
    how = _("the right answer (a figure, or a name as the screen shows it)")
    return Seen(ok, _("the right answer") if ok else how, shown, where)
