"""Pictures of a report, drawn as SVG by hand: where each VM worked and which jobs ran; how recovery time was spent.

Colours are CSS variables of the page, so that one picture suits light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from labkit.engine import units
from labkit.engine.texts import gettext as _
from labkit.views.charts import STEPS, together
from labkit.views.events import Mark

WIDTH, LEFT, RIGHT = 960, 118, 12
_LANE, _TOP = 44, 30


class Span(NamedTuple):
    """Something that lasted, in ms; ``style`` is a class of the page's style sheet."""

    begin: int
    end: int
    style: str
    title: str


class Lane(NamedTuple):
    """A row of the time line: where a VM worked (``band``), and jobs above it."""

    name: str
    band: list[Span]
    jobs: list[Span]


class Part(NamedTuple):
    """One stretch of a recovery: its title and length in ms."""

    title: str
    ms: int


def service(facts: Sequence[dict[str, Any]], names: Sequence[str], until: int) -> dict[str, list[Span]]:
    """When each VM gave its service, and where: spans of the styles ``site`` and ``azure``, by VM."""
    found: dict[str, list[Span]] = {name: [] for name in names}
    up: dict[str, int] = {}
    applications = {str(fact["entity"]) for fact in facts if fact["kind"] == "application.answers"}
    start = facts[0]["at"] if facts else 0
    for fact in facts:
        entity, at = str(fact["entity"]), int(fact["at"])
        side, _slash, vm = entity.partition("/")
        if vm not in found or side not in ("site", "azure"):
            continue
        # A lab begins with running VMs, whose guests are up at once; a VM without an application works when it is up.
        first = fact["kind"] == "vm.started" and at == start
        ready = fact["kind"] == ("application.answers" if entity in applications else "guest.up")
        if first or ready:
            up.setdefault(entity, at)
        elif fact["kind"] == "vm.stopped" and entity in up:
            found[vm].append(_served(side, up.pop(entity), at))
    for entity, since in up.items():
        side, _slash, vm = entity.partition("/")
        found[vm].append(_served(side, since, until))
    return found


def _served(side: str, begin: int, end: int) -> Span:
    where = _("works at the site") if side == "site" else _("works in Azure")
    return Span(begin, end, side, f"{where}: {units.show_duration(end - begin)}")


def time_line(lanes: Sequence[Lane], begin: int, end: int, marks: Sequence[Mark], offset_min: int) -> str:
    """The whole drill: one lane per VM, events as numbered lines, virtual time of the site's zone below."""
    height = _TOP + _LANE * len(lanes) + 26
    scale = (WIDTH - LEFT - RIGHT) / max(1, end - begin)

    def x(at: int) -> float:
        return round(LEFT + (at - begin) * scale, 2)

    parts = [_open(height, _("Time line of the drill"))]
    parts += _axis(begin, end, height, offset_min, x)
    parts += _numbers(sorted(marks), (end - begin) // 60, height, x)
    for row, lane in enumerate(lanes):
        top = _TOP + row * _LANE
        parts.append(f'<text class="name" x="{LEFT - 10}" y="{top + 27}">{escape(lane.name)}</text>')
        parts += [_bar(span, x, top + 2, 8) for span in lane.jobs]
        if lane.band:
            parts.append(
                f'<rect class="down" x="{LEFT}" y="{top + 15}" width="{WIDTH - LEFT - RIGHT}" height="16" rx="2"/>'
            )
        parts += [_bar(span, x, top + 15, 16) for span in lane.band]
    return "".join([*parts, "</svg>"])


def _open(height: int, label: str) -> str:
    return (
        f'<svg class="drawn" role="img" aria-label="{escape(label)}" viewBox="0 0 {WIDTH} {height}" '
        'xmlns="http://www.w3.org/2000/svg">'
    )


def _bar(span: Span, x: Any, top: int, height: int) -> str:
    left = x(span.begin)
    width = max(1.6, round(x(span.end) - left, 2))
    return (
        f'<rect class="{span.style}" x="{left}" y="{top}" width="{width}" height="{height}" rx="1.5">'
        f"<title>{escape(span.title)}</title></rect>"
    )


def _numbers(marks: Sequence[Mark], near: int, height: int, x: Any) -> list[str]:
    parts = []
    for first, last in together(marks, near):
        at = x(marks[first].at)
        title = "; ".join(mark.text for mark in marks[first : last + 1])
        number = str(first + 1) if first == last else f"{first + 1}-{last + 1}"
        parts.append(f'<line class="mark" x1="{at}" x2="{at}" y1="18" y2="{height - 24}"/>')
        parts.append(f'<g><title>{escape(title)}</title><text class="number" x="{at}" y="13">{number}</text></g>')
    return parts


def _axis(begin: int, end: int, height: int, offset_min: int, x: Any) -> list[str]:
    step = next((step for step in STEPS if (end - begin) / step <= 10), STEPS[-1])
    shift = offset_min * 60_000
    first = -(-(begin + shift) // step) * step - shift
    parts = []
    for at in range(first, end + 1, step):
        text = units.show_instant(at, offset_min)
        shown = text[5:10] if text[11:16] == "00:00" else text[11:16]
        parts.append(f'<line class="grid" x1="{x(at)}" x2="{x(at)}" y1="18" y2="{height - 24}"/>')
        parts.append(f'<text class="tick" x="{x(at)}" y="{height - 8}">{shown}</text>')
    return parts


def stretches(vms: dict[str, list[Part]]) -> list[dict[str, Any]]:
    """A table of the parts: each title once, in order, with its length (ms) for each VM, None where it has none."""
    titles = list(dict.fromkeys(part.title for parts in vms.values() for part in parts))
    return [
        {
            "title": title,
            "lengths": [next((part.ms for part in parts if part.title == title), None) for parts in vms.values()],
        }
        for title in titles
    ]


def recovery(vms: dict[str, list[Part]]) -> str:
    """How the time from outage or trigger to an answering application was spent, one bar per VM on one scale."""
    longest = max((sum(part.ms for part in parts) for parts in vms.values()), default=1) or 1
    scale = (WIDTH - LEFT - 110) / longest
    height = 8 + 34 * len(vms)
    order = [row["title"] for row in stretches(vms)]
    drawn = [_open(height, _("How the recovery time was spent"))]
    for row, (vm, parts) in enumerate(vms.items()):
        top, left = 6 + 34 * row, float(LEFT)
        drawn.append(f'<text class="name" x="{LEFT - 10}" y="{top + 16}">{escape(vm)}</text>')
        for part in parts:
            number = order.index(part.title)
            width = part.ms * scale
            title = f"{part.title}: {units.show_duration(part.ms)}"
            drawn.append(
                f'<rect class="part part-{number % 8}" x="{left:.2f}" y="{top}" width="{max(0.0, width - 1):.2f}" '
                f'height="22"><title>{escape(title)}</title></rect>'
            )
            left += width
        total = units.show_duration(sum(part.ms for part in parts))
        drawn.append(f'<text class="total" x="{left + 8:.2f}" y="{top + 16}">{total}</text>')
    return "".join([*drawn, "</svg>"])
