"""Benchmarks: labkit and a reference measured in turn in one run; only ratios mean something."""

from __future__ import annotations

from labkit.bench.rows import Row
from labkit.engine.errors import LabError

NAMES = ("cycles", "export")

__all__ = ["NAMES", "Row", "run"]


def run(name: str | None = None) -> list[Row]:
    """Run one benchmark or all; the row with the goal comes first. 900705 for an unknown name."""
    if name is not None and name not in NAMES:
        raise LabError(900705, found=name, choices=", ".join(NAMES))
    from labkit.bench import cycles, export

    parts = {"cycles": cycles.run, "export": export.run}
    return [row for part in NAMES if name in (None, part) for row in parts[part]()]
