"""A Jupyter kernel for an unattended notebook: folders of its own, and nothing of the person's configuration.

Works without HOME, in a read-only working folder, and whatever kernels are installed: the kernel's specification is
written beside the lab and starts this very Python.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labkit.engine import texts
from labkit.engine.errors import LabError

NAME = "python3"
PACKAGES = ("papermill", "ipykernel", "nbformat", "jinja2", "matplotlib")
_START_SECONDS = 120


def require() -> None:
    """900614 when a package of the extra "drills" is missing; asked before anything is made."""
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise LabError(900614, package=package)


@contextmanager
def own_jupyter(folder: Path) -> Iterator[None]:
    """The environment with Jupyter's, IPython's and matplotlib's folders below ``folder``; put back at the end."""
    changed = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTER_PATH": folder / "data",
        "IPYTHONDIR": folder / "ipython",
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYTHONUTF8": "1",
        "LABKIT_LANG": texts.language(),
    }
    before = {name: os.environ.get(name) for name in changed}
    for name, value in changed.items():
        if isinstance(value, Path):
            value.mkdir(parents=True, exist_ok=True)
        os.environ[name] = str(value)
    _write_spec(folder / "data" / "kernels" / NAME)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old


def _write_spec(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    options = [
        "--HistoryManager.enabled=False",
        "--IPKernelApp.log_level=40",
        "--InteractiveShellApp.exec_PYTHONSTARTUP=False",
    ]
    spec: dict[str, Any] = {
        "argv": [
            sys.executable,
            "-Xfrozen_modules=off",
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
            *options,
        ],
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
    }
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        # The kernel plays with the labkit that started it, also when another one is installed.
        spec["env"] = {"PYTHONPATH": os.pathsep.join(filter(None, [str(checkout), os.environ.get("PYTHONPATH")]))}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def execute(notebook: Path, out: Path, parameters: dict[str, Any], folder: Path, shown: str) -> LabError | None:
    """Execute a master notebook with papermill in ``folder``; the executed one is written to ``out``, in every ending.

    ``shown``: the name of the master that stands in the executed notebook instead of a path of this computer. Returns
    what stopped the notebook: 900611.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    stopped: LabError | None = None
    try:
        papermill.execute_notebook(
            notebook,
            out,
            parameters=parameters,
            kernel_name=NAME,
            language="python",
            progress_bar=False,
            log_output=False,
            # All that matters is committed in the lab's file; a graceful end would cost seconds.
            shutdown_kernel="immediate",
            start_timeout=_START_SECONDS,
            cwd=folder,
        )
    except PapermillExecutionError as error:
        stopped = LabError(900611, kind=error.ename, text=_first_line(error.evalue))
    except (Exception, KeyboardInterrupt) as error:
        # Whatever papermill, nbclient or the kernel died of: the drill has failed and still leaves its evidence.
        stopped = LabError(900611, kind=type(error).__name__, text=_first_line(str(error)))
    _without_paths(out, shown, notebook)
    return stopped


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0][:300]


def _without_paths(out: Path, shown: str, notebook: Path) -> None:
    """Take this computer's paths out of the executed notebook; without one, the master stands in for it."""
    source = out if out.is_file() else notebook
    content = json.loads(source.read_text("utf-8"))
    told = content["metadata"].get("papermill", {})
    told.update({key: name for key, name in (("input_path", shown), ("output_path", out.name)) if key in told})
    out.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
