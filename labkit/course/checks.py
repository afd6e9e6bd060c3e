"""Running checks on a lab, and the marks that troubles and answers leave in its journal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from labkit.course.model import Check, Seen, Step
from labkit.engine.errors import LabError, listed
from labkit.engine.texts import gettext as _
from labkit.lab import Lab

TROUBLE, ANSWER = "course.trouble", "course.answer"
_CLOSE = 0.01  # an answer in figures is right within a hundredth: nobody counts the last digit


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


def plain(answer: object) -> object:
    """An answer without what does not count: case and spaces of texts, the order of lists.

    >>> plain(["MYBSD01", " mywsv01 "]), plain("Yes"), plain(3)
    (['mybsd01', 'mywsv01'], 'yes', 3)
    """
    if isinstance(answer, str):
        return " ".join(answer.split()).casefold()
    if isinstance(answer, bool) or answer is None:
        return str(answer).casefold()
    if isinstance(answer, list | tuple | set):
        return sorted(map(str, map(plain, answer)))
    return answer


def right(given: object, wanted: object) -> bool:
    """Whether an answer is the right one; one name stands for a list of one, a frozenset for several right answers.

    None is what a lab cannot tell yet: nothing is right then.
    """
    if wanted is None:
        return False
    if isinstance(wanted, frozenset):
        return any(right(given, one) for one in wanted)
    one, two = plain(given), plain(wanted)
    if isinstance(one, str) and isinstance(two, int | float) and re.fullmatch(r"-?\d[\d,]*(\.\d+)?", one):
        one = float(one.replace(",", ""))  # a number in quotes is the number
    if isinstance(one, int | float) and isinstance(two, int | float):
        return abs(one - two) <= _CLOSE * abs(two)
    if isinstance(two, list) and not isinstance(one, list):
        one = [str(one)]
    return one == two


def wanted(step: Step, lab: Lab) -> object:
    """The right answer to a question, one of several."""
    assert step.answer is not None
    found = step.answer(lab)
    return sorted(found, key=str)[-1] if isinstance(found, frozenset) else found


def _answered(lab: Lab, step: Step) -> Seen:
    given = marks(lab, ANSWER, step.slug)
    where = f'course.answer("{step.slug}", ...)'
    if not given:
        return Seen(False, _("an answer"), _("no answer yet"), where)
    assert step.answer is not None
    last = given[-1]["answer"]
    try:
        ok = right(last, step.answer(lab))
    except LabError as error:
        return Seen(False, _("the lab can tell"), error.message, error.action)
    shown = listed(map(str, last)) if isinstance(last, list) else str(last)
    return Seen(ok, _("the right answer"), shown, where)
