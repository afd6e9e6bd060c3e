"""Where a notebook runs: before a person's eyes or unattended, and which folder is the learner's."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from labkit.engine import host
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

    A folder where no clock can play (network, synchronised) is passed over for ``LABKIT_HOME``.
    """
    here = Path.cwd()
    found = next((path.parent for path in (here, *here.parents) if path.name in LANGUAGES), here)
    home = host.home()
    if host.folder_kind(found) != "local" and host.folder_kind(home) == "local":
        home.mkdir(parents=True, exist_ok=True)
        return home
    return found
