"""Where a notebook runs: before a person's eyes or unattended, and which folder is the learner's."""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from pathlib import Path

from labkit.course import catalogue
from labkit.engine import host
from labkit.engine.errors import LabError
from labkit.engine.texts import LANGUAGES

# Programs that run notebooks without anybody looking; each starts the Jupyter kernel itself. A kernel is one, too.
_RUNNERS = {"papermill", "pytest", "py.test", "nbconvert", "jupyter-nbconvert", "ipykernel_launcher", "labkit"}


def attended() -> bool:
    """Whether a person runs this, and keeps the lab.

    ``LABKIT_COURSE``: "own" or "new" says so. Otherwise a Jupyter kernel is attended when a Jupyter server started it
    for a session, or an editor did; every other process (a terminal) is.
    """
    said = os.environ.get("LABKIT_COURSE")
    if said in ("own", "new"):
        return said == "own"
    if "ipykernel" not in sys.modules:
        return True
    if any(name.startswith(("VSCODE_", "SPYDER", "SPY_")) for name in os.environ):
        return True
    # A kernel that papermill starts inside a session inherits its variable: who started it decides.
    # The program's name is among the first words: python, -m or a path, the module.
    started = {Path(word).stem for word in host.parent_command()[:3]}
    return "JPY_SESSION_NAME" in os.environ and not started & _RUNNERS


def folder() -> Path:
    """Where the learner's labs lie: beside the folders ``en`` and ``ja`` of the notebooks, else where one is.

    A folder that cannot be written to, or where no clock can play (network, synchronised), is passed over for
    ``LABKIT_HOME``. 901110 when neither can be written to.
    """
    found, home = _beside(Path.cwd()), host.home()
    refused = _refusal(str(found))
    if not refused and host.folder_kind(found) == "local":
        return found
    if host.folder_kind(home) == "local" and not _refusal(str(home)):
        return home
    if refused:
        raise LabError(901110, folder=found, found=refused)
    return found  # the clock says itself why it cannot play there


def _beside(here: Path) -> Path:
    """The parent of a language's folder that one is in, or just below; else the folder itself.

    Only of a folder that has notebooks of the course, and of no home: somebody may be called Ja.
    """
    for path in (here, here.parent):
        if path.name in LANGUAGES and not _is_home(path) and _has_notebooks(path):
            return path.parent
    return here


def _is_home(path: Path) -> bool:
    try:
        return path == Path.home()
    except RuntimeError:  # there is none
        return False


def _has_notebooks(path: Path) -> bool:
    names = tuple(lesson.name for lesson in catalogue.all_lessons())
    try:
        return any(one.suffix == ".ipynb" and one.name.startswith(names) for one in path.iterdir())
    except OSError:
        return False


@functools.cache
def _refusal(place: str) -> str:
    """Why a folder, made if need be, cannot be written to; "" when it can. Found out once: labs do not move about."""
    try:
        Path(place).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(prefix=".labkit-", dir=place):
            return ""
    except OSError as error:
        return error.strerror or str(error)
