"""Labs that stand where a lesson begins: the solutions of the lessons before it, one after the other.

``labkit.lab`` knows five stages; each lesson's slug is one more. A stage is made out of the one before it and kept in
``LABKIT_HOME/cache`` under the digest of labkit's code and data, so that a class that begins together waits once, and
what is kept is never stale.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import shutil
import tempfile
import uuid
from pathlib import Path

from labkit.course import catalogue, checks
from labkit.course.model import Act, Check, Lesson, Seen, Step
from labkit.engine import host, resources
from labkit.engine.errors import LabError
from labkit.lab import Lab, create
from labkit.lab import open as open_lab
from labkit.lab.build import STAGES

_SEED = 1  # of the stages that are kept


def slugs() -> tuple[str, ...]:
    """The stages beside those of ``labkit.create``."""
    return tuple(lesson.slug for lesson in catalogue.all_lessons())


def lasting(step: Step) -> list[Act]:
    """What a step adds to the lessons after it: its solution, unless it is an exercise, leaves nothing, or is asked."""
    return [step.solution] if step.solution is not None and not step.optional and step.leaves else []


def new(path: str | Path, slug: str, *, site: str | None = None, seed: int = _SEED) -> Lab:
    """A new lab file at a lesson's beginning (``labkit new --stage SLUG``), opened.

    900010 for a slug that is none, 900001 for a file that exists, 901106 for another site than the lesson's.
    """
    lesson, target = catalogue.lesson(slug), Path(path)
    if site is not None and str(site) != lesson.track.site:
        stages = ", ".join(STAGES)
        raise LabError(901106, found=lesson.slug, site=lesson.track.site, other=site, choices=stages)
    with tempfile.TemporaryDirectory(prefix="labkit-stage-", ignore_cleanup_errors=True) as folder:
        made = Path(folder) / "stage.lab"
        _stage(lesson, made, seed)
        with open_lab(made, read_only=True) as lab:
            lab.copy(target)
    return open_lab(target)


def _stage(lesson: Lesson, target: Path, seed: int) -> None:
    """Put a lesson's stage into a file: a copy of the kept one, else it is made there, once, and kept if it can be."""
    kept = host.home() / "cache" / f"stages-{_digest()}" / f"{lesson.slug}.lab" if seed == _SEED else None
    if kept is not None and _fetched(kept, target):
        return
    _make(lesson, target, seed)
    if kept is not None:
        _keep(target, kept)


def _make(lesson: Lesson, target: Path, seed: int) -> None:
    """Make a lesson's stage: what solutions write beside the lab has done its work when it is made."""
    if lesson.after is None:
        lab, acts = create(target, lesson.track.site, seed, lesson.track.stage, surface="course"), list[Act]()
    else:
        former = catalogue.lesson(lesson.after)
        _stage(former, target, seed)
        lab = open_lab(target, surface="course")
        acts = [act for step in former.steps for act in lasting(step)]
    with lab:
        for act in [*acts, *([lesson.opening] if lesson.opening is not None else [])]:
            act(lab)


def _fetched(kept: Path, target: Path) -> bool:
    """Copy a kept stage, plainly: opened where it is kept, it would get files beside it. False when it is not there."""
    try:
        shutil.copyfile(kept, target)
    except OSError:  # none yet, or another version of labkit tidies it away at this moment
        target.unlink(missing_ok=True)
        return False
    return True


def _keep(made: Path, kept: Path) -> None:
    """Keep a stage for the next time; where that cannot be, it is made again then."""
    beside = kept.with_name(f".{uuid.uuid4().hex}.part")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Whole under another name first: who finds it finds all of it. Two that make it make the same.
        shutil.copyfile(made, beside)
        beside.replace(kept)
    except OSError:  # on Windows also: another process has it open, so it is there
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        return
    _tidy(kept.parent)


@functools.cache
def _digest() -> str:
    """Of all that a stage depends on: labkit's code, and its data."""
    found = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    for folder, kind in ((package, "*.py"), (resources.data(), "*.yml")):
        for file in sorted(folder.rglob(kind)):
            content = file.read_bytes()
            found.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:16]


def _tidy(folder: Path) -> None:
    """Stages of other versions of labkit go."""
    for other in folder.parent.glob("stages-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def missing(lab: Lab, lesson: Lesson) -> Seen | None:
    """The first thing that a lab lacks of a lesson's beginning; None when it has all of it."""
    return first_missing(lab, lesson.begins)


def first_missing(lab: Lab, check: Check) -> Seen | None:
    """The first thing a check saw that does not hold."""
    return next((seen for seen in checks.run(lab, check) if not seen.ok), None)


def done_already(lab: Lab, lesson: Lesson) -> Step | None:
    """The first step of a lesson that is done in a lab; None at its beginning."""
    return next((step for step in lesson.steps if checks.holds(lab, step)), None)
