"""Puts ``data/`` and ``notebooks/`` into the wheel, as ``labkit/_data`` and ``labkit/_notebooks``.

An editable install reads both where they stand in the checkout: copies would go stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = {"data": "labkit/_data", "notebooks": "labkit/_notebooks"}
LEFT_OUT = {".ipynb_checkpoints", "__pycache__"}


class MastersHook(BuildHookInterface[Any]):
    """Adds the masters, file by file, so that a notebook's checkpoints stay out."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it builds; ``version`` is ``"standard"`` or ``"editable"``."""
        if version == "editable":
            return
        for folder, target in FOLDERS.items():
            top = Path(self.root, folder)
            for path in sorted(path for path in top.rglob("*") if path.is_file()):
                inside = path.relative_to(top)
                if not LEFT_OUT.intersection(inside.parts):
                    build_data["force_include"][str(path)] = f"{target}/{inside.as_posix()}"
