"""Going on with a lab where it stands: what the first cell of a notebook does, however often it is run."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

from labkit.lab.door import Lab, create, open_lab

_opened: weakref.WeakValueDictionary[Path, Lab] = weakref.WeakValueDictionary()
_files: weakref.WeakKeyDictionary[Lab, tuple[int, int]] = weakref.WeakKeyDictionary()


def open_or_create(path: str | Path, **made: Any) -> Lab:
    """The lab of this file: the one this process has open already, else the file opened, else a new lab.

    ``made``: as of :func:`labkit.create` (``site``, ``seed``, ``stage``), for a new one only. Errors: those of both.
    """
    key = Path(path).resolve()
    found = _opened.get(key)
    if found is not None and not found.closed:
        if key.exists() and _file(key) == _files.get(found):
            return found
        found.close()  # its file was deleted, to begin anew, perhaps by another notebook
    lab = open_lab(path) if key.exists() else create(path, **made)
    _opened[key], _files[lab] = lab, _file(key)
    return lab


def _file(path: Path) -> tuple[int, int]:
    """Which file stands under a name."""
    found = path.stat()
    return found.st_dev, found.st_ino
