"""Where a notebook begins: ``start``, ``resume``, and going from one lab to another."""

from __future__ import annotations

import tempfile
from pathlib import Path

from labkit.course import catalogue, checks, desk, stages, telling
from labkit.course.desk import Desk
from labkit.course.model import Lesson
from labkit.engine.errors import LabError
from labkit.engine.names import unknown
from labkit.engine.texts import gettext as _
from labkit.lab import Lab, open_or_create


class Present:
    """What this process works on: the lesson and its lab; a class, so that it can be asked for by whoever needs it."""

    lesson: Lesson | None = None
    lab: Lab | None = None


def start(name: str) -> Lab:
    """The lab that stands at the beginning of a lesson: the learner's own if it does, else a new one beside it.

    ``name``: the lesson's slug. What there was is kept under its name, and named. Where nobody watches (papermill,
    nbval, nbconvert) the lab is new and temporary. 900010 for a name that is none.
    """
    lesson, at = catalogue.lesson(name), desk.here()
    path = at.lab(lesson.track)
    lab, why = _own(path, lesson) if path.exists() else (None, "")
    if lab is None:
        made = _new(at, lesson)
        lab, path = open_or_create(made), made
    at.use(lesson.track, path)
    _take(lab, lesson)
    at.note("begin", lesson=lesson.slug, file=path.name)
    telling.tell(at)
    print(_headline(lesson))
    print(_("Lab: {file}, {now}").format(file=path.name, now=lab.now))
    if why:
        print(why)
    return lab


def _headline(lesson: Lesson) -> str:
    title = f"{lesson.number} {_(lesson.title)}".strip()
    return title if _(lesson.title) == lesson.heading else f"{title} ({lesson.heading})"


def _own(path: Path, lesson: Lesson) -> tuple[Lab | None, str]:
    """The learner's lab if it stands at the beginning; else None and why, with the lab's name."""
    kept = _("{file} is kept as it is: {why} To go on with it: course.resume(file={quoted})")
    try:
        lab = open_or_create(path)
        lacks, done = stages.missing(lab, lesson), stages.done_already(lab, lesson)
    except LabError as error:
        return None, kept.format(file=path.name, why=error.message, quoted=repr(path.name))
    if lacks is None and done is None:
        return lab, ""
    if done is not None:
        why = _("the step '{step}' of this notebook is done there.").format(step=done.slug)
    else:
        assert lacks is not None
        why = _("this notebook begins with another state (expected: {expected}; seen: {seen}).").format(
            expected=lacks.expected, seen=lacks.seen
        )
    return None, kept.format(file=path.name, why=why, quoted=repr(path.name))


def _new(at: Desk, lesson: Lesson) -> Path:
    """A new lab at the lesson's beginning, under the next free name."""
    with tempfile.TemporaryDirectory(prefix=".labkit-", dir=at.folder, ignore_cleanup_errors=True) as folder:
        made = Path(folder) / "new.lab"
        stages.new(made, lesson.slug).close()
        return at.place(made, lesson.track)


def _take(lab: Lab, lesson: Lesson) -> None:
    Present.lesson, Present.lab = lesson, lab
    telling.listen(lab)


def resume(name: str | None = None, *, file: str | None = None) -> Lab:
    """The present lab as it stands, of a lesson (default: the one begun last), or another of the course's labs.

    ``file``: the name of a lab in the learner's folder, which becomes the present one. 901100 when no lesson was begun,
    900010 for a file that is not there.
    """
    at = desk.here()
    begun = [event["lesson"] for event in at.events() if event["event"] == "begin"]
    if name is None and not begun:
        raise LabError(901100)
    lesson = catalogue.lesson(name or begun[-1])
    path = at.lab(lesson.track)
    if file is not None:
        known = {path.name: path for path in at.files()}
        if file not in known:
            raise unknown("lab", file, known)
        path = known[file]
        at.use(lesson.track, path)
    if not path.exists():
        raise LabError(901100)
    lab = open_or_create(path)
    _take(lab, lesson)
    print(_("Lab: {file}, {now}").format(file=path.name, now=lab.now))
    return lab


def present() -> tuple[Lesson, Lab]:
    """The lesson and the lab this process works on; after a restart of the Jupyter kernel those begun last. 901100."""
    if Present.lab is None or Present.lab.closed or Present.lesson is None:
        resume()
    assert Present.lesson is not None
    assert Present.lab is not None
    return Present.lesson, Present.lab


def checkpoint(name: str) -> Path:
    """Keep the present lab as it is under a name, beside it. 901101, 901102."""
    _lesson, lab = present()
    path = desk.here().checkpoint(name)
    if path.exists():
        raise LabError(901102, found=name)
    return lab.copy(path)


def checkpoints() -> list[str]:
    """Names of the checkpoints of this learner."""
    return desk.here().checkpoints()


def go_back(name: str) -> Lab:
    """A new lab that stands where a checkpoint was made; it becomes the present one, the other is kept. 900010."""
    lesson, _lab = present()
    at = desk.here()
    path = at.checkpoint(name)
    if not path.exists():
        raise unknown("checkpoint", name, at.checkpoints())
    with tempfile.TemporaryDirectory(prefix=".labkit-", dir=at.folder, ignore_cleanup_errors=True) as folder:
        from labkit.lab import open as open_lab

        with open_lab(path, read_only=True) as kept:
            kept.copy(Path(folder) / "new.lab")
        target = at.place(Path(folder) / "new.lab", lesson.track)
    at.use(lesson.track, target)
    lab = open_or_create(target)
    _take(lab, lesson)
    print(_("Lab: {file}, {now}").format(file=target.name, now=lab.now))
    return lab


__all__ = ["Present", "checkpoint", "checkpoints", "checks", "go_back", "present", "resume", "start"]
