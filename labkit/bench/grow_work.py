"""One load of ``labkit bench --grow`` in a process of its own: VMS DISK HOURS CHURN, or nothing for a bare start.

Prints what it took as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from labkit.bench.grow import Load, Spent, site
from labkit.engine import host, pace
from labkit.engine.world import World
from labkit.lab import create
from labkit.replication.relation import Relation


def play(load: Load, folder: Path) -> Spent:
    """Make the lab, let its hours pass, and say what that took; ``memory`` is that of the whole process."""
    path, begun = folder / "grow.lab", pace.ticks()
    with create(path, site=site(load), seed=7, stage="protected") as lab:
        start, before = pace.ticks(), lab.read(_cycles)
        lab.run(f"{load.hours}h")
        seconds = pace.ticks() - start
        cycles = lab.read(_cycles) - before
    return Spent(cycles, seconds, start - begun, path.stat().st_size, host.peak_memory())


def _cycles(world: World) -> int:
    return sum(relation.cycles for relation in world.all(Relation))


def main(arguments: list[str]) -> None:
    """Do it and print what it took."""
    np.zeros(1)  # NumPy is there in a bare start too
    if arguments:
        with tempfile.TemporaryDirectory(prefix="labkit-bench-") as name:
            spent = play(Load(*map(int, arguments)), Path(name))
    else:
        spent = Spent(0, 0, 0, 0, host.peak_memory())
    print(json.dumps(spent._asdict()))


if __name__ == "__main__":
    main(sys.argv[1:])
