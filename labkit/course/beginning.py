"""Where a notebook begins: ``start``, ``resume``, and going from one lab to another."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from labkit.course import catalogue, checks, desk, record, stages, telling
from labkit.course.desk import Desk
from labkit.course.model import Lesson, Track
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

    ``file``: the name of a lab in the learner's folder, which becomes the present one. Of one that was handed out it is
    said what the lesson would expect of it. 901100 when no lesson was begun, 900010 for a file that is not there,
    901109 for a lab of lessons that share another one.
    """
    at = desk.here()
    lesson = catalogue.lesson(name) if name is not None else _begun(at)
    if lesson is None:
        raise LabError(901100)
    path = at.lab(lesson.track) if file is None else _file(at, file, lesson)
    if not path.exists():
        raise LabError(901100)
    lab = open_or_create(path)
    if file is not None:
        at.use(lesson.track, path)
    _take(lab, lesson)
    print(_("Lab: {file}, {now}").format(file=path.name, now=lab.now))
    if file is not None and at.track(path) is None:
        _say_what_does_not_fit(lab, lesson)
    return lab


def _begun(at: Desk, track: Track | None = None) -> Lesson | None:
    """The lesson begun last (of a track) that this labkit has."""
    begun = [record.known(str(event.get("lesson", ""))) for event in at.events() if event["event"] == "begin"]
    return next((one for one in reversed(begun) if one is not None and track in (None, one.track)), None)


def _file(at: Desk, name: str, lesson: Lesson) -> Path:
    known = {path.name: path for path in at.files()}
    if name not in known:
        raise unknown("lab", name, known)
    other = _lesson_elsewhere(at, known[name], lesson)
    if other is not None:
        line = f'lab = course.resume("{other.slug}", file="{name}")'
        raise LabError(901109, path=name, lesson=lesson.name, other=other.name, line=line)
    return known[name]


def _lesson_elsewhere(at: Desk, path: Path, lesson: Lesson) -> Lesson | None:
    """The lesson to go to for a lab of another track; None for a lab of this one's, or one handed out."""
    track = at.track(path)
    if track in (None, lesson.track):
        return None
    return _begun(at, track) or next(one for one in catalogue.all_lessons() if one.track == track)


def _say_what_does_not_fit(lab: Lab, lesson: Lesson) -> None:
    """Of a lab that was handed out: it is taken as it is, but whoever took the wrong one should know."""
    site = next((json.loads(row["arguments"]).get("site") for row in lab.journal if row["command"] == "create"), None)
    if site is not None and site != lesson.track.site:
        text = _("This lab has the site '{found}'; the lesson {lesson} is about '{site}'.")
        print(text.format(found=site, lesson=lesson.name, site=lesson.track.site))
    elif (lacks := stages.missing(lab, lesson)) is not None and stages.done_already(lab, lesson) is None:
        text = _("The lesson {lesson} begins with another state (expected: {expected}; seen: {seen}).")
        print(text.format(lesson=lesson.name, expected=lacks.expected, seen=lacks.seen))


def present() -> tuple[Lesson, Lab]:
    """The lesson and the lab this process works on; after a restart of the Jupyter kernel those begun last. 901100."""
    if Present.lab is None or Present.lab.closed or Present.lesson is None:
        resume()
    assert Present.lesson is not None
    assert Present.lab is not None
    return Present.lesson, Present.lab


def checkpoint(name: str) -> Path:
    """Keep the present lab as it is under a name, beside it. 901101, 901102."""
    lesson, lab = present()
    at = desk.here()
    path = at.checkpoint(name)
    if path.exists():
        raise LabError(901102, found=name)
    lab.copy(path)
    at.note("checkpoint", track=lesson.track.name, lesson=lesson.slug, file=path.name)
    return path


def checkpoints() -> list[str]:
    """Names of the checkpoints of this learner."""
    return desk.here().checkpoints()


def go_back(name: str) -> Lab:
    """A new lab that stands where a checkpoint was made; it becomes the present one, the other is kept.

    900010 for a name that is none, 901109 for a checkpoint of lessons that share another lab.
    """
    lesson, _lab = present()
    at = desk.here()
    path = at.checkpoint(name)
    if not path.exists():
        raise unknown("checkpoint", name, at.checkpoints())
    other = _lesson_elsewhere(at, path, lesson)
    if other is not None:
        line = f'course.resume("{other.slug}"); lab = course.go_back("{name}")'
        raise LabError(901109, path=path.name, lesson=lesson.name, other=other.name, line=line)
    with tempfile.TemporaryDirectory(prefix=".labkit-", dir=at.folder, ignore_cleanup_errors=True) as folder:
        from labkit.lab import open as open_lab

        with open_lab(path, read_only=True) as kept:
            kept.copy(Path(folder) / "new.lab")
        target = at.place(Path(folder) / "new.lab", lesson.track)
    at.use(lesson.track, target)
    lab = open_or_create(target)
    _take(lab, lesson)
    print(_("Lab: {file}, {now}").format(file=target.name, now=lab.now))
    if at.track(path) is None:
        _say_what_does_not_fit(lab, lesson)
    return lab


__all__ = ["Present", "checkpoint", "checkpoints", "checks", "go_back", "present", "resume", "start"]
