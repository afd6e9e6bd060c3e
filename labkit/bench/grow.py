"""``--grow``: how cost grows with the number of VMs, the size of their disks, the hours that pass, and what is written.

Along each axis one thing changes, all else is as in :data:`BASE`. Each load is played in a process of its own
(``grow_work``), round after round, so that what else the computer does falls on all of them; the medians count. Memory
is the peak of that process less that of one that has only started.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from labkit.engine import units
from labkit.site import sitefile
from labkit.site.model import Churn, Cloud, Disk, Line, SiteFile, Vm

ROUNDS = 3
_GB = 1 << 30
_HOT_GB = 2  # what is written falls into as much of a disk of any size


class Load(NamedTuple):
    """So many ``vms`` with one disk of ``disk`` GB, each written to at ``churn`` kB/s, for ``hours`` at 30 s."""

    vms: int = 20
    disk: int = 40
    hours: int = 12
    churn: int = 1_000


class Spent(NamedTuple):
    """What a load took: ``cycles`` in ``seconds``, ``created`` seconds before that, bytes of file and memory."""

    cycles: float
    seconds: float
    created: float
    file: float
    memory: float


class Grown(NamedTuple):
    """One point of one axis: its load (disk in bytes, churn in bytes/s), and medians.

    ``memory``, ``file``: bytes; ``created``: seconds from nothing to all VMs replicating.
    """

    axis: str
    vms: int
    disk: int
    hours: int
    churn: int
    cycles_per_s: float
    created: float
    file: float
    file_per_vm_day: float
    memory: float
    memory_per_vm: float


BASE = Load()
AXES: dict[str, tuple[int, ...]] = {
    "vms": (5, 20, 50, 100, 200),
    "disk": (20, 40, 100, 400, 1_000),
    "hours": (3, 6, 12, 24, 48),
    "churn": (100, 500, 1_000, 4_000, 16_000),
}


def site(load: Load) -> SiteFile:
    """The site of a load; its line is wide enough for all of them."""
    churn = Churn(load.churn * 1_000, 65_536, _HOT_GB * 1_000 // load.disk)
    disk = Disk("os", load.disk * _GB, _HOT_GB * _GB, None, churn, application=False)
    vms = tuple(
        Vm(f"VM{n:04}", "Windows Server 2012 R2", "HV01", 1, _GB, _GB, True, (disk,), None, invoices=False)
        for n in range(load.vms)
    )
    cloud = Cloud("Bench", 30 * units.SECOND, 24, 0)
    return msgspec.structs.replace(sitefile.read("contoso"), site="bench", vms=vms, line=Line(10**10, 0), cloud=cloud)


def run(
    axes: dict[str, tuple[int, ...]] | None = None,
    *,
    base: Load = BASE,
    rounds: int = ROUNDS,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> list[Grown]:
    """All points, axis by axis; ``tell(done, total)`` is called after each of the runs."""
    points = [(axis, base._replace(**{axis: value})) for axis, values in (axes or AXES).items() for value in values]
    loads = list(dict.fromkeys(load for _, load in points))
    found: dict[Load, list[Spent]] = {load: [] for load in loads}
    for done in range(rounds * len(loads)):
        load = loads[done % len(loads)]
        bare = _work().memory
        spent = _work(load)
        found[load].append(spent._replace(memory=max(0.0, spent.memory - bare)))
        tell(done + 1, rounds * len(loads))
    return [_grown(axis, load, found[load]) for axis, load in points]


def _work(load: Load | None = None) -> Spent:
    """Play a load in a process of its own; without one the process only starts."""
    command = [sys.executable, "-m", "labkit.bench.grow_work", *map(str, load or ())]
    done = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8")
    return Spent(**json.loads(done.stdout))


def _grown(axis: str, load: Load, spent: Sequence[Spent]) -> Grown:
    file, memory = (statistics.median(getattr(one, name) for one in spent) for name in ("file", "memory"))
    return Grown(
        axis=axis,
        vms=load.vms,
        disk=load.disk * _GB,
        hours=load.hours,
        churn=load.churn * 1_000,
        cycles_per_s=statistics.median(one.cycles / one.seconds for one in spent),
        created=statistics.median(one.created for one in spent),
        file=file,
        file_per_vm_day=file / load.vms / load.hours * 24,
        memory=memory,
        memory_per_vm=memory / load.vms,
    )
