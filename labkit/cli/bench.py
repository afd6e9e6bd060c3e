"""``bench``: ratios against a reference measured in the same run, and how cost grows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from labkit.cli.labs import print_json
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.units import show_size

if TYPE_CHECKING:
    from labkit.bench.grow import Grown


def bench(options: argparse.Namespace) -> int:
    """Measure, and print a table or JSON."""
    if options.grow:
        return _grow(options)
    if options.chart:
        raise LabError(900710)
    from labkit.bench import run

    rows = run(options.name)
    if options.json:
        print_json([row._asdict() for row in rows])
    else:
        for row in rows:
            reference = f"{row.reference:12,.0f} {row.ratio:6.2f} x" if row.reference is not None else ""
            rate = f"{row.rate:12,.0f}" if row.rate >= 10 else f"{row.rate:12.3f}"
            print(f"{row.name:28} {rate} {row.unit:12} {reference}")
    return 0


def _grow(options: argparse.Namespace) -> int:
    from labkit.bench import grow, grow_chart

    if options.chart:
        grow_chart.check(options.chart)
    points = grow.run(tell=_tell)
    if options.chart:
        grow_chart.write(points, options.chart)
    if options.json:
        print_json([point._asdict() for point in points])
    else:
        _print_grown(points)
    return 0


def _tell(done: int, total: int) -> None:
    """How far it is, on a terminal alone."""
    if sys.stderr.isatty():
        words = _("{done} of {total} measured").format(done=done, total=total)
        print(f"\r{words}", end="", file=sys.stderr, flush=True)
        if done == total:
            print(file=sys.stderr)


def _print_grown(points: Sequence[Grown]) -> None:
    titles = {
        "vms": _("By the number of VMs"),
        "disk": _("By the size of the disks"),
        "hours": _("By the hours that pass"),
        "churn": _("By what is written"),
    }
    head = (_("VMs"), _("disk"), _("time"), _("written"), _("cycles/s"), _("file"), _("/VM/day"), _("memory"), _("/VM"))
    for axis, title in titles.items():
        print(title)
        print("".join(f"{word:>11}" for word in head))
        for point in points:
            if point.axis == axis:
                print("".join(f"{word:>11}" for word in _cells(point)))


def _cells(point: Grown) -> list[str]:
    sizes = (point.file, point.file_per_vm_day, point.memory, point.memory_per_vm)
    return [
        f"{point.vms}",
        show_size(point.disk),
        f"{point.hours} h",
        f"{point.churn / 1e6:g} MB/s",
        f"{point.cycles_per_s:,.0f}",
        *(show_size(round(size)) for size in sizes),
    ]
