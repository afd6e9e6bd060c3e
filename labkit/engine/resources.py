"""Files that ship with labkit: ``data/`` and ``notebooks/``, from a checkout or from the wheel.

The wheel carries them inside the package (``labkit/_data``, ``labkit/_notebooks``); a checkout has them beside it.
Masters are never written.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parents[1]


def _folder(name: str) -> Path:
    inside = _PACKAGE / f"_{name}"
    return inside if inside.is_dir() else _PACKAGE.parent / name


def data(*parts: str) -> Path:
    """Path of a file below ``data/``."""
    return _folder("data").joinpath(*parts)


def notebooks(*parts: str) -> Path:
    """Path of a file below ``notebooks/``."""
    return _folder("notebooks").joinpath(*parts)


@functools.cache
def yaml(*parts: str) -> Any:
    """A YAML file below ``data/``, read once; treat the result as read-only."""
    import yaml as reader

    loader = getattr(reader, "CSafeLoader", reader.SafeLoader)
    return reader.load(data(*parts).read_text("utf-8"), Loader=loader)
