"""Labs that stand where a lesson begins: the solutions of the lessons before it, one after the other.

``labkit.lab`` knows five stages; each lesson's slug is one more. A stage is made out of the one before it and kept in
``LABKIT_HOME/cache`` under the digest of labkit's code and data, so that a class that begins together waits once, and
what is kept is never stale.
"""

from __future__ import annotations

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
        made = _kept(lesson) if seed == _SEED else None
        if made is None:
            made = _made(lesson, Path(folder), seed)
        with open_lab(_copied(made, Path(folder) / "stage.lab"), read_only=True) as lab:
            lab.copy(target)
    return open_lab(target)


def _copied(made: Path, target: Path) -> Path:
    """A plain copy of a closed lab: opened where it is kept, it would get files beside it."""
    if made != target:
        shutil.copyfile(made, target)
    return target


def _made(lesson: Lesson, folder: Path, seed: int) -> Path:
    """A lesson's stage, made in a folder: what solutions write beside the lab has done its work when it is made."""
    path = folder / "stage.lab"
    if lesson.after is None:
        lab, acts = create(path, lesson.track.site, seed, lesson.track.stage, surface="course"), list[Act]()
    else:
        former = catalogue.lesson(lesson.after)
        kept = _kept(former) if seed == _SEED else None
        lab = open_lab(_copied(kept or _made(former, folder, seed), path), surface="course")
        acts = [act for step in former.steps for act in lasting(step)]
    with lab:
        for act in [*acts, *([lesson.opening] if lesson.opening is not None else [])]:
            act(lab)
    return path


def _kept(lesson: Lesson) -> Path | None:
    """A lesson's stage out of the cache, made first if it is not there; None where nothing can be kept."""
    folder = host.home() / "cache" / f"stages-{_digest()}"
    path = folder / f"{lesson.slug}.lab"
    if path.exists():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="labkit-stage-", ignore_cleanup_errors=True) as work:
            made = _made(lesson, Path(work), _SEED)
            # Whole under another name first: who finds it finds all of it. Two that make it make the same.
            beside = folder / f".{uuid.uuid4().hex}.part"
            shutil.copyfile(made, beside)
        try:
            beside.replace(path)
        except OSError:  # Windows: another process has it open, so it is there
            beside.unlink(missing_ok=True)
    except OSError:
        return None
    _tidy(folder)
    return path if path.exists() else None


@functools.cache
def _digest() -> str:
    """Of all that a stage depends on: labkit's code, and its data."""
    found = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    files = sorted(package.rglob("*.py")) + sorted(resources.data().rglob("*.yml"))
    for file in files:
        found.update(file.name.encode() + file.read_bytes())
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
