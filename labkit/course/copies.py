"""Notebooks of the course: the masters that come with labkit, and fresh copies for whoever wants to begin anew."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from labkit.course import catalogue
from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.texts import LANGUAGES, language


def masters() -> dict[str, list[Path]]:
    """The notebooks of each lesson by slug, in every language there is."""
    found: dict[str, list[Path]] = {}
    for lesson in catalogue.all_lessons():
        paths = [resources.notebooks(name, f"{lesson.name}.ipynb") for name in LANGUAGES]
        if there := [path for path in paths if path.exists()]:
            found[lesson.slug] = there
    return found


def reset(slug: str, folder: Path) -> list[tuple[Path, Path | None]]:
    """Fresh copies of a lesson's notebook in a learner's folder: each, and where the learner's own has gone.

    In the languages in which the folder has it, else in the language of the session. Nothing is written over: what
    there was is kept beside it as ``NAME.mine-1.ipynb``. 900010 for a lesson that is none, 901108 without a notebook.
    """
    lesson, known = catalogue.lesson(slug), masters()
    if lesson.slug not in known:
        raise LabError(901108, lesson=lesson.slug, choices=", ".join(known) or "-")
    there = [master for master in known[lesson.slug] if _place(master, folder).exists()]
    wanted = there or [one for one in known[lesson.slug] if one.parent.name == language()] or known[lesson.slug][:1]
    return [_fresh(master, _place(master, folder)) for master in wanted]


def _place(master: Path, folder: Path) -> Path:
    return folder / master.parent.name / master.name


def _fresh(master: Path, target: Path) -> tuple[Path, Path | None]:
    kept = _free(target) if target.exists() else None
    if kept is not None:
        target.rename(kept)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.copyfile(master, beside)
    beside.replace(target)
    return target, kept


def _free(target: Path) -> Path:
    """The first name for the learner's own copy that nothing has."""
    number = 1
    while (found := target.with_name(f"{target.stem}.mine-{number}.ipynb")).exists():
        number += 1
    return found
