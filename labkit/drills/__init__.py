"""Unattended drills: notebooks played without a screen, with parameters, objectives, and evidence.

>>> from labkit import drills
>>> [drill.name for drill in drills.catalogue()]
['life-cycle', 'planned', 'unplanned']
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.drills.listing import Drill, catalogue, describe

if TYPE_CHECKING:
    from labkit.drills.play import Play
    from labkit.drills.runner import Done

__all__ = ["Drill", "begin", "catalogue", "describe", "run", "summary"]


def begin(name: str, **parameters: Any) -> Play:
    """For a drill's notebook: make its lab; see :func:`labkit.drills.play.begin`."""
    from labkit.drills.play import begin as begin_play

    return begin_play(name, **parameters)


def run(
    name: str,
    parameters: dict[str, str] | None = None,
    *,
    site: str | Path | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
) -> Done:
    """Play a drill without a screen and leave its evidence in ``out``; see :func:`labkit.drills.runner.run_drill`."""
    from labkit.drills.runner import run_drill

    return run_drill(name, parameters or {}, site=site, seed=seed, out=out)


def summary(done: Done) -> list[str]:
    """What a finished drill showed, a line each, in the language of the session; the last line names the report."""
    from labkit.drills.runner import summary as lines

    return lines(done)
