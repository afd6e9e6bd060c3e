"""What a learner asks of a step: check, hint, solution, trouble, answer; and how far one is."""

from __future__ import annotations

from labkit.course import answers, beginning, catalogue, checks, desk, record, telling
from labkit.course.cards import Code, Result, Table, Text
from labkit.course.model import Lesson, Step, source
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.lab import Lab


def _lab(lesson: Lesson, lab: Lab | None) -> Lab:
    """The lab to look at: the one given, else the present one, if it is of the step's lesson or of one beside it."""
    if lab is not None:
        return lab
    begun, found = beginning.present()
    return found if begun.track == lesson.track else beginning.resume(lesson.slug)


def _result(lesson: Lesson, step: Step, lab: Lab) -> Result:
    seen = tuple(checks.look(lab, step))
    begun = beginning.Present.lesson
    note = ""
    if not seen[-1].ok and begun is not None and begun.slug != lesson.slug:
        text = _("this step is one of the lesson {lesson}; the lesson begun here is {begun}.")
        note = text.format(lesson=lesson.name, begun=begun.name)
    return Result(step.slug, step.title, seen, note)


def check(slug: str, *, lab: Lab | None = None) -> Result:
    """Whether a step is done in the present lab (or ``lab``): what was seen, what was expected, where to look.

    It looks at the lab, however the step was done. 900010 for a step that is none, 901100.
    """
    lesson, step = catalogue.step(slug)
    result = _result(lesson, step, _lab(lesson, lab))
    at = desk.here()
    at.note("check", step=slug, lesson=lesson.slug, ok=result.ok)
    telling.tell(at)
    return result


def todo(slug: str, *, lab: Lab | None = None) -> bool:
    """Whether a step is still to be done; for cells that do what may have been clicked in the portal already."""
    lesson, step = catalogue.step(slug)
    return not checks.holds(_lab(lesson, lab), step)


def hint(slug: str) -> Text:
    """A hint for a step, without its solution."""
    _lesson, step = catalogue.step(slug)
    desk.here().note("hint", step=slug)
    return Text(_("Hint: {title}").format(title=_(step.title)), tuple(_(step.hint).splitlines()))


def solution(slug: str) -> Code:
    """The code that does a step, to read or to copy; :func:`solve` runs it."""
    lesson, step = catalogue.step(slug)
    desk.here().note("solution", step=slug)
    title = _("Solution: {title}").format(title=_(step.title))
    if step.solution is not None:
        return Code(title, source(step.solution))
    return Code(title, f'course.answer("{slug}", {checks.wanted(step, _lab(lesson, None))!r})')


def solve(slug: str, *, lab: Lab | None = None) -> Result:
    """Do a step by its solution, unless it is done; what was broken for an exercise is broken first.

    901105 when the lab refuses it: the steps before are missing.
    """
    lesson, step = catalogue.step(slug)
    found = _lab(lesson, lab)
    if not checks.holds(found, step):
        if step.optional and not checks.marks(found, checks.TROUBLE, slug):
            trouble(slug, lab=found)
        _try(lesson, step, found, "solution")
    return check(slug, lab=found)


def _try(lesson: Lesson, step: Step, lab: Lab, what: str) -> None:
    try:
        if what == "trouble":
            assert step.trouble is not None
            step.trouble(lab)
            checks.mark(lab, checks.TROUBLE, step)
        elif step.solution is not None:
            step.solution(lab)
        else:
            checks.mark(lab, checks.ANSWER, step, answer=checks.wanted(step, lab))
    except LabError as error:
        text = f"{error.message} {error.action}".strip()
        raise LabError(901105, path=lab.path.name, step=step.slug, found=text, lesson=lesson.slug) from error


def trouble(slug: str, *, lab: Lab | None = None) -> Text:
    """Break what a step mends. 901103 for a step with nothing to break, 901105 as :func:`solve`."""
    lesson, step = catalogue.step(slug)
    if step.trouble is None:
        choices = ", ".join(one.slug for one in lesson.steps if one.trouble is not None)
        raise LabError(901103, step=slug, choices=choices or "-")
    _try(lesson, step, _lab(lesson, lab), "trouble")
    desk.here().note("trouble", step=slug)
    told = [_(text) for text in (step.symptom, step.title) if text]
    return Text(_("Something is broken now."), (*told, f'course.check("{slug}")'))


def answer(slug: str, *given: object, lab: Lab | None = None) -> Result:
    """Answer a question: a text, a figure, or several names. The answer is kept in the lab's journal. 901104."""
    lesson, step = catalogue.step(slug)
    if step.answer is None:
        raise LabError(901104, step=slug)
    found = _lab(lesson, lab)
    value = answers.plain(given[0] if len(given) == 1 else list(given))
    checks.mark(found, checks.ANSWER, step, answer=value)
    return check(slug, lab=found)


def progress(*, all: bool = False) -> Table:
    """How far this learner is: the steps that are done in each lesson begun (or in ``all``), and what is next."""
    found = record.fold(desk.here().events())
    lines = []
    for lesson in catalogue.all_lessons():
        done = [step.slug for step in record.steps_done(found, lesson)]
        following = next((step.slug for step in lesson.steps if step.slug not in done), "")
        begun = lesson.slug in found.begun or done
        if not begun and not all:
            continue
        lines.append((lesson.name, f"{len(done)}/{len(lesson.steps)}", following if begun else ""))
    heads = (_("Lesson"), _("Steps done"), _("Next step"))
    text = _("Lessons begun: {count} of {all}")
    note = text.format(count=len(found.begun), all=len(catalogue.all_lessons()))
    return Table(_("Your progress"), heads, tuple(lines), note)


def raise_hand(note: str = "") -> Text:
    """Tell the trainer that you would like some help; ``note``: what it is about."""
    return _hand(_("Your hand is raised."), up=True, note=note)


def lower_hand() -> Text:
    """Take it back."""
    return _hand(_("Your hand is down."), up=False, note="")


def _hand(text: str, *, up: bool, note: str) -> Text:
    at = desk.here()
    at.note("hand", up=up, note=note)
    telling.tell(at)
    where = telling.folder()
    return Text(text, () if where is not None else (_("No class is running here: LABKIT_CLASS is not set."),))


def call_me(name: str) -> None:
    """The name the class shows for you."""
    at = desk.here()
    at.note("name", name=name)
    telling.tell(at)
