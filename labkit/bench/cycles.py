"""``cycles``: 20 VMs of 40 GB at 30 s for 24 h over a shared 1 Gbit/s line, durable, against the reference model.

The reference (``reference_cycles.py``, SimPy and NumPy) keeps nothing on disk; it runs in a process of its own before
and after labkit's, and the median of the ratios counts.
"""

from __future__ import annotations

import importlib.util
import itertools
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from labkit.bench.rows import Row
from labkit.engine import pace, units
from labkit.engine.errors import LabError
from labkit.lab import Lab, create
from labkit.lab import open as open_lab
from labkit.lab.views import Item
from labkit.replication.relation import Relation
from labkit.site import sitefile
from labkit.site.model import Churn, Cloud, Disk, Line, SiteFile, Vm

VMS, HOURS, FREQUENCY, ROUNDS = 20, 24, 30 * units.SECOND, 3
_GB = 1 << 30


def site(*, applications: int = 0) -> SiteFile:
    """The benchmark's site; the first ``applications`` VMs have a data disk with the order application."""
    vms = []
    for number in range(VMS):
        disks = [Disk("os", 40 * _GB, 2 * _GB, None, Churn(1_000_000, 65_536, 50), application=False)]
        orders = None
        if number < applications:
            disks.append(Disk("data", 20 * _GB, 0, None, None, application=True))
            orders = 8_640
        name = f"VM{number:02}"
        vm = Vm(name, "Windows Server 2012 R2", "HV01", 1, _GB, _GB, True, tuple(disks), orders, invoices=False)
        vms.append(vm)
    found = sitefile.read("contoso")
    cloud = Cloud("Bench", FREQUENCY, 24, 0)
    return msgspec.structs.replace(found, site="bench", vms=tuple(vms), line=Line(10**9, 0), cloud=cloud)


def _cycles(lab: Lab) -> int:
    return lab.read(lambda world: sum(relation.cycles for relation in world.all(Relation)))


def measure(*, applications: int = 0) -> tuple[float, float, int, float]:
    """Cycles/s, VM-slots/s, bytes of the file, and seconds to open it, of one run of 24 h."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.lab"
        with create(path, site=site(applications=applications), seed=7, stage="protected") as lab:
            before, start = _cycles(lab), pace.ticks()
            lab.run(f"{HOURS}h")
            seconds = pace.ticks() - start
            count = _cycles(lab) - before
        size, start = path.stat().st_size, pace.ticks()
        with open_lab(path) as lab:
            assert all(isinstance(item, Item) for item in lab.vault.items.values())
            opened = pace.ticks() - start
    return count / seconds, VMS * HOURS * units.HOUR // FREQUENCY / seconds, size, opened


def check() -> None:
    """900706 without SimPy."""
    if importlib.util.find_spec("simpy") is None:
        raise LabError(900706, package="simpy")


def reference() -> float:
    """Cycles/s of the reference, in a process of its own; errors: :func:`check`."""
    check()
    script = Path(__file__).with_name("reference_cycles.py")
    done = subprocess.run(
        [sys.executable, str(script), str(VMS), str(HOURS)],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    return float(re.split(r"\s+", done.stdout.strip())[-1])


def run() -> list[Row]:
    """The rows: cycles with ratio, VM-slots, the same with the order application on two VMs, file and opening."""
    references = [reference()]
    plain, busy = [], []
    for _ in range(ROUNDS):
        plain.append(measure())
        busy.append(measure(applications=2))
        references.append(reference())
    around = [(a + b) / 2 for a, b in itertools.pairwise(references)]
    ratio = statistics.median(p[0] / r for p, r in zip(plain, around, strict=True))
    ratio_busy = statistics.median(b[0] / r for b, r in zip(busy, around, strict=True))
    middle = statistics.median(references)
    return [
        Row("cycles", _middle(plain, 0), "cycles/s", middle, ratio),
        Row("cycles, 2 order applications", _middle(busy, 0), "cycles/s", middle, ratio_busy),
        Row("VM-slots", _middle(plain, 1), "slots/s"),
        Row("lab file", _middle(plain, 2), "bytes"),
        Row("open", _middle(plain, 3), "s"),
    ]


def _middle(runs: list[tuple[float, float, int, float]], column: int) -> float:
    return float(statistics.median(found[column] for found in runs))
