"""``lab``: JupyterLab with copies of the notebooks, in the person's language; the masters are never written."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from labkit.engine import host, resources
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.texts import language

START = {"en": "00-start-here.ipynb", "ja": "00-start-here.ja.ipynb"}


def copy_missing(folder: Path) -> list[Path]:
    """Copy the notebooks that are not in the folder yet; returns the new ones."""
    made = []
    masters = resources.notebooks()
    for master in sorted(masters.rglob("*.ipynb")):
        if ".ipynb_checkpoints" in master.parts:
            continue
        target = folder / master.relative_to(masters)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(master, target)
            made.append(target)
    return made


def _config_path() -> list[str]:
    """Where JupyterLab finds labkit's defaults: no questions to the network, menus in the person's language.

    Settings are defaults only: what somebody has set in JupyterLab stays. One server extension that comes with labkit's
    own tools is switched off for this server.
    """
    own = [resources.data("jupyter", name) for name in ("all", language())]
    return [*filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")]), *(str(path) for path in own if path.is_dir())]


def lab(options: argparse.Namespace) -> int:
    """Copy what is missing and start JupyterLab there."""
    folder = options.folder or host.home()
    if importlib.util.find_spec("jupyterlab") is None:
        raise LabError(900703)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = copy_missing(folder)
    except OSError as error:
        raise LabError(900704, folder=folder, found=str(error)) from None
    print(_("Notebooks and labs: {folder} ({count} notebooks are new)").format(folder=folder, count=len(made)))
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(map(str, _config_path()))
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    if (folder / START[language()]).exists():
        command.append(f"--LabApp.default_url=/lab/tree/{START[language()]}")
    if host.is_root():
        command.append("--allow-root")  # containers; Jupyter refuses the superuser otherwise
    if options.no_browser:
        command.append("--no-browser")
    return host.hand_over(command)
