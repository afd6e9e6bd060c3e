"""Still charts, drawn with matplotlib from break points: for notebooks (a figure), reports (SVG), files (PNG).

Colours are those of Okabe and Ito. An SVG for a page takes its ink, grid and colours from CSS variables, so that one
picture suits light and dark (``--ink``, ``--faint``, ``--grid``, ``--series-1`` ...).
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal

from labkit.engine.texts import gettext as _
from labkit.engine.units import show_duration
from labkit.views.events import Mark
from labkit.views.rpo import BreakPoint, Curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe-Ito without its yellow and black, which do not stand on white and on dark.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
INK, FAINT, GRID, TARGET = "#1f2328", "#59636e", "#d8dee4", "#b3261e"
FONTS = ("Noto Sans CJK JP", "Noto Sans JP", "Yu Gothic", "Meiryo", "MS Gothic", "Hiragino Sans", "IPAexGothic")
MOST_POINTS, MOST_NAMED = 3_000, 12
DASHES: tuple[Any, ...] = ("solid", (0, (7, 3)), (0, (2, 3)), (0, (9, 3, 2, 3)))
STEPS = tuple(60_000 * minutes for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080))


def rpo_chart(
    curves: Curves,
    *,
    target: int | None = None,
    marks: Sequence[Mark] = (),
    offset_min: int = 0,
    size: tuple[float, float] = (9.6, 3.6),
) -> Figure:
    """RPO over virtual time: one line per VM, the target (ms) dashed, events as numbered lines.

    ``offset_min``: the zone of the time axis. Returns a figure that belongs to no window.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(style()):
        figure = Figure(figsize=size, layout="constrained")
        axes: Axes = figure.add_subplot()
        lines: dict[str, Any] = {}
        for number, (name, points) in enumerate(sorted(curves.items())):
            times, values = _line(thin(points), offset_min)
            dashes = DASHES[number // len(SERIES) % len(DASHES)]
            (lines[name],) = axes.plot(
                times, values, color=SERIES[number % len(SERIES)], linewidth=1.4, linestyle=dashes
            )
        rows = [(lines[name], title(name)) for name in _named(curves)]
        if target is not None:
            label = _("target {value}").format(value=show_duration(target))
            rows.append((axes.axhline(target / 1000, color=TARGET, linewidth=1.2, linestyle=(0, (5, 3))), label))
        _mark(axes, marks, offset_min)
        _label(axes, curves, offset_min)
        if len(curves) > MOST_NAMED:
            more = _("and {count} more").format(count=len(curves) - MOST_NAMED)
            rows.append((axes.plot([], [], linestyle="none")[0], more))
        handles, labels = [row[0] for row in rows], [row[1] for row in rows]
        axes.legend(
            handles, labels, loc="upper left", bbox_to_anchor=(0, -0.16), ncols=5, frameon=False, borderaxespad=0
        )
        return figure


def _named(curves: Curves) -> list[str]:
    """The curves that a legend has room for, by name: all, or those that are highest at their end."""
    names = sorted(curves)
    if len(names) <= MOST_NAMED:
        return names
    last = {name: next((point.rpo for point in reversed(curves[name]) if point.rpo is not None), 0) for name in names}
    return sorted(sorted(names, key=lambda name: -last[name])[:MOST_NAMED])


def style() -> Any:
    """Settings of all charts: fonts that have the language's letters, quiet axes."""
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    return {
        "font.family": [*(name for name in FONTS if name in known), "DejaVu Sans"],
        "font.size": 9,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": GRID,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "grid.color": GRID,
        "axes.unicode_minus": False,
        "text.parse_math": False,  # a VM may be called "$x$"
    }


def title(name: str) -> str:
    """What a curve is called: the VM, and whether it is the way back."""
    vm = name.removeprefix("failback/")
    return _("{vm}, failback").format(vm=vm) if vm != name else vm


def thin(points: Sequence[BreakPoint], most: int = MOST_POINTS) -> list[BreakPoint]:
    """At most about ``most`` points, in their order: of each stretch of time the lowest and the highest.

    Every end of a curve stays, and the first and the last point, from which a live curve goes on.
    """
    if len(points) <= most:
        return list(points)
    begin, end, count = points[0].at, points[-1].at + 1, max(1, most // 2)
    kept = {0, len(points) - 1}
    stretch, low, high, least, greatest = -1, 0, 0, 0, 0
    for number, (at, rpo) in enumerate(points):
        if rpo is None:
            kept.add(number)
            continue
        place = (at - begin) * count // (end - begin)
        if place != stretch:  # they are in order of time: the stretch before is over
            kept.update((low, high))
            stretch, low, high, least, greatest = place, number, number, rpo, rpo
        elif rpo < least:
            low, least = number, rpo
        elif rpo > greatest:
            high, greatest = number, rpo
    kept.update((low, high))
    return [points[number] for number in sorted(kept)]


def instant(ms: int, offset_min: int) -> datetime:
    """The wall clock of the site, without a zone: matplotlib shows it as it stands."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms, minutes=offset_min)).replace(tzinfo=None)


def _line(points: Sequence[BreakPoint], offset_min: int) -> tuple[list[Any], list[float]]:
    values = [float("nan") if point.rpo is None else point.rpo / 1000 for point in points]
    return [instant(point.at, offset_min) for point in points], values


def _mark(axes: Axes, marks: Sequence[Mark], offset_min: int) -> None:
    """Numbered lines; marks that lie too close together for two numbers share one place: "2-4"."""
    ordered = sorted(marks)
    left, right = axes.get_xlim()
    for begin, end in together(ordered, round((right - left) * 86_400_000 / 60)):
        at: Any = instant(ordered[begin].at, offset_min)
        axes.axvline(at, color=FAINT, linewidth=0.9, linestyle=(0, (1, 2)))
        text = str(begin + 1) if begin == end else f"{begin + 1}-{end + 1}"
        axes.annotate(
            text, (at, 1), xycoords=("data", "axes fraction"), xytext=(0, 4), textcoords="offset points",
            ha="center", va="bottom", fontsize=8, color=FAINT,
        )  # fmt: skip


def together(marks: Sequence[Mark], near: int) -> list[tuple[int, int]]:
    """First and last number (from 0) of marks that follow one another within ``near`` ms of the first."""
    groups: list[tuple[int, int]] = []
    for number, mark in enumerate(marks):
        if groups and mark.at - marks[groups[-1][0]].at < near:
            groups[-1] = (groups[-1][0], number)
        else:
            groups.append((number, number))
    return groups


def _label(axes: Axes, curves: Curves, offset_min: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    plain(axes)
    top = axes.get_ylim()[1]
    axes.yaxis.set_major_locator(MaxNLocator(5) if top < 60 else _nice(top))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: show_duration(round(value * 1000))))
    spans = [point.at for points in curves.values() for point in points]
    over_time(axes, max(spans) - min(spans) if spans else 0, offset_min)
    axes.set_ylabel("RPO", labelpad=10)


def plain(axes: Axes, grid: Literal["x", "y"] = "y") -> None:
    """Quiet axes: a grid one way, one edge."""
    axes.set_axisbelow(True)
    axes.grid(axis=grid, linewidth=0.7)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)


def over_time(axes: Axes, span: int, offset_min: int) -> None:
    """The axis of virtual time, days or hours by its ``span`` (ms)."""
    from matplotlib.dates import AutoDateLocator, DateFormatter

    locator: Any = AutoDateLocator
    formatter: Any = DateFormatter
    form = "%m-%d" if span > 2 * 86_400_000 else "%H:%M" if span > 8 * 60_000 else "%H:%M:%S"
    axes.xaxis.set_major_locator(locator(minticks=4, maxticks=9))
    axes.xaxis.set_major_formatter(formatter(form))
    zone = timezone(timedelta(minutes=offset_min))
    axes.set_xlabel(_("virtual time ({zone})").format(zone=str(zone)), loc="right")


def _nice(top: float) -> Any:
    from matplotlib.ticker import MultipleLocator

    step = next((step for step in STEPS if top * 1000 / step <= 6), STEPS[-1])
    return MultipleLocator(step / 1000)


# --- out -------------------------------------------------------------------------------------------------------------


def svg(figure: Figure, title: str) -> str:
    """The figure as an ``<svg>`` element for a page: texts as texts, colours as CSS variables, no metadata.

    ``title`` is read by screen readers. Holds no address but namespaces of w3.org.
    """
    from matplotlib import rc_context

    out = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "labkit", "savefig.transparent": True}):
        figure.savefig(out, format="svg", metadata=nothing, transparent=True)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    for number, colour in enumerate(SERIES, 1):
        text = text.replace(colour, f"var(--series-{number}, {colour})")
    for name, colour in (("ink", INK), ("faint", FAINT), ("grid", GRID), ("bad", TARGET)):
        text = text.replace(colour, f"var(--{name}, {colour})")
    # The page's own fonts, and no style sheet that would reach beyond the picture.
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    text = re.sub(r" <defs>\s*<style.*?</style>\s*</defs>\n", "", text, flags=re.DOTALL)
    text = re.sub(r"(<svg [^>]*?)\s(?:width|height)=\"[^\"]*\"", r"\1", text)
    text = re.sub(r"(<svg [^>]*?)\s(?:width|height)=\"[^\"]*\"", r"\1", text)
    head = f'<svg role="img" aria-label="{_escaped(title)}" style="stroke-linejoin: round" '
    return text.replace("<svg ", head, 1).rstrip()


def svg_file(figure: Figure, title: str) -> str:
    """The figure as an SVG file that stands for itself: a light ground, letters as shapes, no metadata.

    ``title`` is read by screen readers. Holds no address but namespaces of w3.org.
    """
    from matplotlib import rc_context

    out = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "labkit"}):
        figure.savefig(out, format="svg", metadata=nothing, facecolor="white")
    text = out.getvalue()
    return text[text.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{_escaped(title)}" ', 1)


def _escaped(title: str) -> str:
    return title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def png(figure: Figure, dpi: int = 120) -> bytes:
    """The figure as a PNG file without metadata."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()
