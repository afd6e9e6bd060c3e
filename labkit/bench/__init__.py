"""Benchmarks: labkit and a reference measured in turn in one run; only ratios mean something."""

from __future__ import annotations

from labkit.bench.rows import Row
from labkit.engine.errors import LabError

NAMES = ("cycles", "export", "portal")

__all__ = ["NAMES", "Row", "run"]


def run(name: str | None = None) -> list[Row]:
    """Run one benchmark or all; the row with the goal comes first. 900705 for an unknown name."""
    if name is not None and name not in NAMES:
        raise LabError(900705, found=name, choices=", ".join(NAMES))
    from labkit.bench import cycles, export, portal

    parts = {"cycles": cycles, "export": export, "portal": portal}
    chosen = [part for known, part in parts.items() if name in (None, known)]
    for part in chosen:  # what one of them lacks is said before minutes are spent on the others
        part.check()
    return [row for part in chosen for row in part.run()]
