"""The chart of ``labkit bench --grow``: speed, file and memory, along each axis, on one scale each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.bench.grow import BASE, Grown
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.views import charts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".svg", ".png")
_LOGARITHMIC = ("disk", "churn")  # their values lie decades apart
_STEPS = [1, 2, 2.5, 5, 10]
_GB, _MB = 1 << 30, 1 << 20


def check(path: Path) -> None:
    """Refuse a file that no chart can be written to (900709), before minutes are spent on measuring."""
    if path.suffix.lower() not in FORMATS or not path.parent.is_dir() or path.is_dir():
        raise LabError(900709, file=path, choices=", ".join(FORMATS))


def write(points: Sequence[Grown], path: Path) -> None:
    """Draw the points into an SVG or PNG file; one that exists is replaced."""
    check(path)
    figure = draw(points)
    if path.suffix.lower() == ".svg":
        path.write_text(charts.svg_file(figure, _("How cost grows")), encoding="utf-8")
    else:
        path.write_bytes(charts.png(figure, 150))


def _values() -> dict[str, tuple[str, Callable[[Grown], float]]]:
    """What is drawn along x, by axis: its label, and its value in the unit of the label."""
    return {
        "vms": (_("VMs"), lambda point: point.vms),
        "disk": (_("size of each disk (GB)"), lambda point: point.disk / _GB),
        "hours": (_("virtual time (h)"), lambda point: point.hours),
        "churn": (_("written by each VM (MB/s)"), lambda point: point.churn / 1e6),
    }


def _measures() -> list[tuple[str, Callable[[Grown], float]]]:
    """What is drawn along y, row by row."""
    return [
        (_("speed\n(1,000 cycles/s)"), lambda point: point.cycles_per_s / 1_000),
        (_("lab file (MB)"), lambda point: point.file / _MB),
        (_("memory above a\nbare start (MB)"), lambda point: point.memory / _MB),
    ]


def draw(points: Sequence[Grown]) -> Figure:
    """A figure that belongs to no window: a column for each axis, a row for each measure."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    axes_names, measures = list(dict.fromkeys(point.axis for point in points)), _measures()
    with rc_context(charts.style()):
        figure = Figure(figsize=(9.6, 5.8), layout="constrained")
        grid = figure.subplots(len(measures), len(axes_names), sharex="col", sharey="row", squeeze=False)
        for column, name in enumerate(axes_names):
            label, place = _values()[name]
            those = [point for point in points if point.axis == name]
            for row, (_measure, height) in enumerate(measures):
                pairs = [(place(point), height(point)) for point in those]
                _panel(grid[row][column], pairs, charts.SERIES[row], name)
            grid[-1][column].set_xlabel(label)
        for row, (measure, height) in enumerate(measures):  # one scale for the whole row, from nothing on
            grid[row][0].set_ylabel(measure, labelpad=8)
            grid[row][0].set_ylim(0, 1.1 * max(height(point) for point in points))
        figure.align_ylabels()
        text = _("Each column changes one thing of: {vms} VMs with a disk of {disk} GB, {hours} h, {churn:g} MB/s each")
        values = {**BASE._asdict(), "churn": BASE.churn / 1_000}
        figure.suptitle(text.format(**values), fontsize=9.5, color=charts.INK)
        return figure


def _panel(axes: Axes, pairs: list[tuple[float, float]], colour: str, name: str) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, MultipleLocator, NullLocator

    axes.plot([x for x, _y in pairs], [y for _x, y in pairs], color=colour, linewidth=1.6, marker="o", markersize=4.5)
    axes.margins(x=0.08)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=_STEPS))
    axes.grid(axis="y", linewidth=0.7)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    number: Any = FuncFormatter(lambda value, _position: f"{value:,.10g}")
    axes.yaxis.set_major_formatter(number)
    if name in _LOGARITHMIC:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator([x for x, _y in pairs]))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(
            MultipleLocator(12) if name == "hours" else MaxNLocator(4, steps=_STEPS, integer=True)
        )
    axes.xaxis.set_major_formatter(number)
