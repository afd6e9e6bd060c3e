"""Still charts of churn, recovery points, jobs and cost, drawn with matplotlib from what the live ones are told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from labkit.azure.billing import COMPONENTS
from labkit.engine import units
from labkit.engine.texts import gettext as _
from labkit.engine.units import HOUR, MINUTE
from labkit.views import charts, churn, costs, titles
from labkit.views.charts import FAINT, INK, SERIES, TARGET
from labkit.views.churn import Churn, Column
from labkit.views.costs import Days
from labkit.views.jobs import JobRow
from labkit.views.lines import Step
from labkit.views.points import KINDS, Points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WRITTEN, WAITING = SERIES[0], SERIES[3]
MARKERS = dict(zip(KINDS, (("o", SERIES[0]), ("D", SERIES[1]), ("s", SERIES[2])), strict=True))
STATES = {
    "Succeeded": "#1a7f4b",
    "InProgress": SERIES[0],
    "Suspended": SERIES[4],
    "Failed": TARGET,
    "Skipped": "#d8dee4",
    "CompletedWithErrors": "#1a7f4b",
}
MOST_JOBS, _NAME, _LETTERS = 30, 46, 72


def _figure(size: tuple[float, float]) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def _nothing(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=FAINT, wrap=True)


def _short(text: str, most: int = _NAME) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


# --- churn against line ----------------------------------------------------------------------------------------------


def churn_chart(
    found: Churn,
    now: int,
    *,
    pending: int | None = None,
    offset_min: int = 0,
    size: tuple[float, float] = (9.6, 4.4),
) -> Figure:
    """What all VMs wrote against what the line carries, above; below what was written and had not arrived.

    From the first step of the line until ``now`` (ms); ``pending``: bytes yet to be replicated now.
    """
    from matplotlib import rc_context

    with rc_context(charts.style()):
        figure = _figure(size)
        above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1]})
        begin = min(found.steps[0].at if found.steps else now, now - HOUR)
        columns = churn.columns(found, begin, found.known) if found.known is not None else []
        _written(above, columns, found.steps, now, offset_min)
        _waiting(below, columns, pending, now, offset_min)
        for axes in (above, below):
            charts.plain(axes)
            axes.set_ylim(bottom=0)
        above.set_xlim(*(_at(at, offset_min) for at in (begin, now)))
        charts.over_time(below, now - begin, offset_min)
        if not columns:
            _nothing(above, _("No log has crossed the line yet. Churn is told by the logs that replication applies."))
        return figure


def _at(ms: int, offset_min: int) -> Any:
    return charts.instant(ms, offset_min)


def rate_of(column: Column) -> float:
    """Bits a second that were written in a column."""
    return column.written * 8 / (column.length * 60)


def mean(steps: Sequence[Step], begin: int, end: int) -> float:
    """Bits a second that the line carries on average between two instants (ms)."""
    ends = [step.at for step in steps[1:]] + [max(end, steps[-1].at if steps else end)]
    parts = (
        max(0, min(end, until) - max(begin, step.at)) * step.bits for step, until in zip(steps, ends, strict=False)
    )
    return sum(parts) / max(1, end - begin)


def _written(axes: Axes, columns: list[Column], steps: list[Step], now: int, offset_min: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    edges = [_at(column.begin * MINUTE, offset_min) for column in columns]
    ends = [_at((column.begin + column.length) * MINUTE, offset_min) for column in columns]
    rates = [rate_of(column) for column in columns]
    handles: list[Any] = []
    if columns:
        axes.fill_between([*edges, ends[-1]], [*rates, rates[-1]], step="post", color=WRITTEN, alpha=0.22, linewidth=0)
        handles += axes.step([*edges, ends[-1]], [*rates, rates[-1]], where="post", color=WRITTEN, linewidth=1.3)
    over = [
        (edge, rate, line)
        for column, edge, rate in zip(columns, edges, rates, strict=True)
        if rate > (line := mean(steps, column.begin * MINUTE, (column.begin + column.length) * MINUTE))
    ]
    names = [_("written, all VMs")] if columns else []
    if over:
        width = timedelta(minutes=columns[0].length)
        bottoms = [line for _edge, _rate, line in over]
        heights = [rate - line for _edge, rate, line in over]
        axes.bar(
            [edge for edge, _rate, _line in over], heights, width=width, bottom=bottoms, align="edge",  # type: ignore[arg-type]
            facecolor="none", edgecolor=TARGET, hatch="////", linewidth=0,
        )  # fmt: skip
        names.append(_("more than the line carries"))
        handles.append(axes.fill_between([], [], facecolor="none", edgecolor=TARGET, hatch="////", linewidth=0))
    at = [_at(step.at, offset_min) for step in steps] + [_at(now, offset_min)]
    bits = [step.bits for step in steps] + [steps[-1].bits if steps else 0]
    top = max(bits, default=0)
    most = max(rates, default=0)
    if most and top > 4 * most:  # a line far above what is written would press that flat
        axes.set_ylim(0, 4 * most)
    handles += axes.step(at, bits, where="post", color=TARGET, linewidth=1.3, linestyle=(0, (6, 3)))
    above = " ↑" if most and bits[-1] > 4 * most else ""
    names.append(_("line {value}").format(value=units.show_bandwidth(bits[-1])) + above)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: units.show_bandwidth(value)))
    axes.legend(handles, names, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, borderaxespad=0)


def _step(high: float, most: int) -> float:
    """The step of an axis: 1, 2 or 5 times a power of ten, the least that gives at most so many."""
    ten: float = 10.0 ** math.floor(math.log10(high / most))
    return next(step * ten for step in (1, 2, 5, 10) if high / (step * ten) <= most)


def _waiting(axes: Axes, columns: list[Column], pending: int | None, now: int, offset_min: int) -> None:
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    ends = [_at((column.begin + column.length) * MINUTE, offset_min) for column in columns]
    waiting = [column.waiting for column in columns]
    (line,) = axes.plot(ends, waiting, color=WAITING, linewidth=1.3)
    handles, names = [line], [_("written and not yet arrived")]
    if pending is not None:
        handles += axes.plot([_at(now, offset_min)], [pending], "o", color=WAITING, markersize=5, clip_on=False)
        backlog = _("Size of data yet to be replicated")
        names.append(f"{backlog}: {units.show_size(pending)}")
    most = max([1024, *waiting, pending or 0])
    unit = 1024 ** int(math.log(most, 1024))
    axes.yaxis.set_major_locator(MultipleLocator(_step(most / unit, 2) * unit))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: units.show_size(round(value))))
    axes.legend(handles, names, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderaxespad=0)


# --- recovery points -------------------------------------------------------------------------------------------------


def points_chart(
    found: Points,
    now: int,
    *,
    vm: str,
    picked: int | None = None,
    offset_min: int = 0,
    size: tuple[float, float] = (9.6, 2.2),
) -> Figure:
    """The recovery points of a VM, by kind; what a failover to the ``picked`` one (an id) would lose is hatched."""
    from matplotlib import rc_context

    with rc_context(charts.style()):
        figure = _figure(size)
        axes = figure.add_subplot()
        there = [kind for kind in KINDS if any(point.kind == kind for point in found.points)]
        for number, kind in enumerate(there):
            marker, colour = MARKERS[kind]
            at = [_at(point.cut, offset_min) for point in found.points if point.kind == kind]
            axes.plot(at, [-number] * len(at), marker, color=colour, markersize=6, markeredgecolor="white")
        chosen = next((point for point in found.points if point.id == picked), None)
        if chosen is not None:
            _picked(axes, chosen, -there.index(chosen.kind), _at(chosen.cut, offset_min), _at(found.until, offset_min))
        if found.stopped:
            axes.axvline(_at(found.until, offset_min), color=TARGET, linewidth=1.2, linestyle=(0, (5, 3)))
        charts.plain(axes)
        axes.set_yticks([-number for number in range(len(there))], [titles.point(kind) for kind in there])
        axes.set_ylim(-max(1, len(there)) + 0.4, 0.6)
        begin = min([*(point.cut for point in found.points), now - HOUR])
        axes.set_xlim(_at(begin - (now - begin) // 50, offset_min), _at(now, offset_min))
        charts.over_time(axes, now - begin, offset_min)
        axes.set_title("\n".join(_points_title(found, vm, chosen, offset_min)), loc="left", fontsize=9)
        if not found.points:
            _nothing(axes, _("There is no recovery point. The first one comes when initial replication is through."))
        return figure


def _picked(axes: Axes, chosen: Any, place: int, cut: Any, until: Any) -> None:
    marker, colour = MARKERS[chosen.kind]
    axes.plot([cut], [place], marker, color=colour, markersize=10, markeredgecolor=INK)
    axes.axvspan(cut, until, facecolor="none", edgecolor=TARGET, hatch="////", alpha=0.6)


def _points_title(found: Points, vm: str, chosen: Any, offset_min: int) -> list[str]:
    text = [_("Recovery points: {vm}").format(vm=_short(vm, _LETTERS))]
    if chosen is not None:
        shown = units.show_instant(chosen.cut, offset_min)[:19].replace("T", " ")
        lost = units.show_duration(max(0, found.until - chosen.cut) // 1000 * 1000)
        text.append(
            _("Picked: {point}").format(point=f"{shown}  {titles.point(chosen.kind)}")
            + " - "
            + _("would lose the last {value}").format(value=lost)
        )
    return text


# --- jobs ------------------------------------------------------------------------------------------------------------


def job_chart(rows: Sequence[JobRow], now: int, *, offset_min: int = 0, most: int = MOST_JOBS) -> Figure:
    """Jobs as bars made of their tasks, the latest first and above; ``rows`` in that order, ``most`` are shown."""
    from matplotlib import rc_context

    shown = list(rows[:most])
    with rc_context(charts.style()):
        figure = _figure((9.6, 1.1 + 0.24 * max(4, len(shown))))
        axes = figure.add_subplot()
        begin = min([*(row.started for row in shown), now - HOUR])
        least = timedelta(milliseconds=max(1, (now - begin) // 400))
        for number, row in enumerate(shown):
            end = _bars(axes, row, -number, now, least, offset_min)
            word = f"{titles.job_state(row.state)} "
            late = now - row.started > 0 and (row.ended or now) - begin > 0.7 * (now - begin)
            place: Any = _at(row.started, offset_min) if late else end
            colour = TARGET if row.state == "Failed" else FAINT
            axes.annotate(
                word if late else f" {word}", (place, -number), ha="right" if late else "left", va="center",
                fontsize=8, color=colour,
            )  # fmt: skip
        labels = [_short(f"{row.title}  {row.target}") for row in shown]
        axes.set_yticks([-number for number in range(len(shown))], labels)
        charts.plain(axes, "x")
        axes.set_ylim(-max(4, len(shown)) + 0.4, 0.7)
        axes.set_xlim(_at(begin - (now - begin) // 8, offset_min), _at(now, offset_min))
        charts.over_time(axes, now - begin, offset_min)
        if len(rows) > most:
            axes.set_title(
                _("{first} to {last} of {count} jobs, the latest first").format(first=1, last=most, count=len(rows)),
                loc="left", fontsize=9,
            )  # fmt: skip
        if not shown:
            _nothing(axes, _("No job has run yet."))
        return figure


def _bars(axes: Axes, row: JobRow, place: int, now: int, least: timedelta, offset_min: int) -> Any:
    """The bars of a job's tasks; where the last one ends."""
    end = _at(row.started, offset_min)
    for task in row.tasks:
        if not task.started or task.state == "NotStarted":
            continue
        begin, end = _at(task.started, offset_min), _at(task.ended or now, offset_min)
        edge = "white" if end - begin > 3 * least else "none"  # an edge would hide a short one
        end = max(end, begin + least)
        hatch = "////" if task.state == "Failed" else None
        axes.barh(
            place, end - begin, left=begin, height=0.6, color=STATES.get(task.state, FAINT), edgecolor=edge,
            linewidth=0.5, hatch=hatch,
        )  # fmt: skip
    return end


# --- cost ------------------------------------------------------------------------------------------------------------


def cost_chart(
    days: Days,
    *,
    currency: str = "USD",
    unpriced: Sequence[str] = (),
    size: tuple[float, float] = (9.6, 3.4),
) -> Figure:
    """Cost by day, stacked by component; ``unpriced``: components that were used and that no list prices."""
    from matplotlib import rc_context
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    with rc_context({**charts.style(), "hatch.linewidth": 0.8}):
        figure = _figure(size)
        axes = figure.add_subplot()
        first, last = min(days, default=None), max(days, default=None)
        shown = [] if first is None or last is None else [first + timedelta(n) for n in range((last - first).days + 1)]
        under = [0.0] * len(shown)
        for number, name in enumerate(COMPONENTS):
            heights = [days.get(day, {}).get(name, 0.0) for day in shown]
            if any(heights):
                axes.bar(
                    range(len(shown)), heights, 0.7, bottom=under, color=SERIES[number % len(SERIES)],
                    hatch="////" if number >= len(SERIES) else None, edgecolor="white", linewidth=0,
                    label=f"{titles.component(name)}: {costs.show(sum(heights), currency)}",
                )  # fmt: skip
                under = [low + height for low, height in zip(under, heights, strict=True)]
        charts.plain(axes)
        axes.set_ylim(bottom=0)
        named = range(0, len(shown), -(-len(shown) // 10) or 1)
        axes.set_xticks(list(named), [f"{shown[number]:%m-%d}" for number in named])
        axes.set_xlim(-0.6, max(6, len(shown) - 1) + 0.6)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: costs.show(value, currency)))
        _cost_words(axes, shown, sum(under), currency, unpriced)
        return figure


def _cost_words(axes: Axes, shown: list[Any], total: float, currency: str, unpriced: Sequence[str]) -> None:
    if not shown:
        _nothing(axes, _("Nothing of Azure has been used yet."))
        return
    text = _("{first} to {last}: {value}").format(
        first=shown[0].isoformat(), last=shown[-1].isoformat(), value=costs.show(total, currency)
    )
    if unpriced:
        names = ", ".join(titles.component(name) for name in unpriced)
        text += "\n" + _("used, but in no price list: {names}").format(names=names)
    axes.set_title(text, loc="left", fontsize=9)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.1), ncols=2, frameon=False, borderaxespad=0)
