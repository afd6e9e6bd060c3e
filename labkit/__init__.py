"""labkit: an offline disaster-recovery lab for Jupyter, with virtual time and real bytes.

>>> import labkit                                                              # doctest: +SKIP
>>> lab = labkit.create("contoso.lab", site="contoso", stage="protected")      # doctest: +SKIP
>>> lab.run("6h")                                                              # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import Any

from labkit.engine.errors import LabError
from labkit.engine.texts import set_language
from labkit.lab import Lab, create, open, open_or_create  # noqa: A004 - labkit.open is the name people look for
from labkit.recovery.readiness import assess as readiness

__all__ = ["Lab", "LabError", "__version__", "create", "open", "open_or_create", "readiness", "set_language"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """``labkit.portal`` and ``labkit.views`` without an import of their own; loaded when first asked for."""
    if name in ("portal", "views"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
