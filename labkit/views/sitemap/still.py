"""A site map as a still: an ``<svg>`` for a page or a file, and a matplotlib figure where only a PNG can be shown."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from labkit.views import charts
from labkit.views.sitemap.layout import WIDE, Layout, Point, layout
from labkit.views.sitemap.lettering import SIDE_TITLE, TEXT, TITLE, Text, texts
from labkit.views.sitemap.model import BACK, FORWARD, FRAME, PILL, SIDE, Link, Map, Thing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "good": "#1a7f4b", "busy": "#0b63a5", "warn": "#8a5a00", "bad": "#b3261e", "off": "#59636e", "plain": "#59636e",
    "ink": "#1f2328", "faint": "#59636e", "grid": "#d8dee4", "paper": "#ffffff", "raised": "#f3f5f7",
}  # fmt: skip
DARK = {
    "good": "#6fd3a0", "busy": "#7cc0f5", "warn": "#f0b93d", "bad": "#ff8a80", "off": "#9aa5b1", "plain": "#9aa5b1",
    "ink": "#e6e9ec", "faint": "#9aa5b1", "grid": "#3a4550", "paper": "#181e25", "raised": "#212a33",
}  # fmt: skip
_FONTS = "system-ui, 'Segoe UI', 'Noto Sans CJK JP', 'Yu Gothic UI', Meiryo, sans-serif"
_GROUNDS = (SIDE, FRAME)  # drawn below the links, and tiles above them
NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
_SIZES = {"title": TITLE, "word": TEXT, "extra": TEXT}


def svg(found: Map, title: str = "", *, form: str = WIDE) -> str:
    """A map as an ``<svg>`` element for a page; colours are CSS variables (``--ink``, ``--good`` ...).

    ``title`` is read by screen readers, by default the map's summary. Holds no address but a namespace of w3.org.
    """
    placed = layout(found, form)
    return _element(_body(found, placed), placed.width, placed.height, title or found.said)


def svg_file(found: Map, title: str = "", *, form: str = WIDE) -> str:
    """A map as an SVG file that stands for itself, on light ground or dark as its reader prefers."""
    return standalone(svg(found, title, form=form))


def standalone(element: str) -> str:
    """An element of :func:`svg` as a file: it brings both sets of colours along."""
    light, dark = (";".join(f"--{name}:{value}" for name, value in of.items()) for of in (COLOURS, DARK))
    style = f"<style>svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}</style>"
    head, _sep, rest = element.partition(">")
    return f"{head}>{style}{rest}\n"


def beside(parts: list[tuple[Map, str]], title: str) -> str:
    """Several maps beside each other in one element, each under its heading, in the narrow form."""
    gap, head, left, height, drawn = 24, 30, 0, 0, []
    for found, heading in parts:
        placed = layout(found, "narrow")
        words = _text(Text(8, 20, heading, "title"), 14, "ink")
        drawn.append(f'<g transform="translate({left} 0)">{words}<g transform="translate(0 {head})">')
        drawn.append(_body(found, placed) + "</g></g>")
        left, height = left + placed.width + gap, max(height, placed.height + head)
    return _element("".join(drawn), left - gap, height, title)


def _element(body: str, width: int, height: int, title: str) -> str:
    head = f'<svg {NAMESPACE} role="img" viewBox="0 0 {width} {height}"'
    ground = f'<rect width="{width}" height="{height}" fill="{_colour("paper")}"/>'
    return f'{head} aria-label="{escape(title)}" font-family="{_FONTS}">{ground}{body}</svg>'


def _colour(name: str) -> str:
    return f"var(--{name}, {COLOURS[name]})"


def _body(found: Map, placed: Layout) -> str:
    grounds = sorted((thing for thing in found.things if thing.shape in _GROUNDS), key=lambda one: one.shape != SIDE)
    drawn = [_thing(thing, placed) for thing in grounds]
    drawn += [_link(link, placed.ways[link.id]) for link in found.links]
    drawn += [_thing(thing, placed) for thing in found.things if thing.shape not in _GROUNDS]
    return "".join(drawn)


def _thing(thing: Thing, placed: Layout) -> str:
    box, tone = placed.boxes[thing.id], _colour(thing.tone)
    told = f"<title>{escape(thing.told)}</title>"
    lines = "".join(_text(line, size_of(thing, line), colour_of(thing, line)) for line in texts(thing))
    if thing.id.startswith("note/"):
        return f'<g transform="translate({box.x} {box.y})">{told}{lines}</g>'
    fill = {SIDE: "raised", FRAME: "paper"}.get(thing.shape, "paper")
    edge = tone if thing.shape == PILL else _colour("grid")
    corner = {SIDE: 8, PILL: 12}.get(thing.shape, 4)
    shape = f'<rect width="{box.w}" height="{box.h}" rx="{corner}" fill="{_colour(fill)}" stroke="{edge}"/>'
    if thing.shape not in (SIDE, FRAME, PILL):
        shape += f'<rect width="5" height="{box.h}" rx="2" fill="{tone}"/>'
    return f'<g transform="translate({box.x} {box.y})">{told}{shape}{lines}</g>'


def _text(line: Text, size: int, colour: str) -> str:
    weight = ' font-weight="600"' if line.role in ("title", "word") else ""
    place = f'x="{line.x}" y="{line.y}" font-size="{size}"{weight}'
    return f'<text {place} fill="{_colour(colour)}">{escape(line.text)}</text>'


def size_of(thing: Thing, line: Text) -> int:
    """The size (px) of a line's letters."""
    return SIDE_TITLE if thing.shape == SIDE and line.role == "title" else _SIZES[line.role]


def colour_of(thing: Thing, line: Text) -> str:
    """The name of a line's colour: a state has its tone."""
    return {"title": "ink", "word": thing.tone}.get(line.role, "faint")


def stroke(link: Link) -> tuple[float, str]:
    """Width and dashes of a link's line."""
    if link.kind == "registered":
        return 1.2, "2 3"
    if link.kind == "reach":
        return 2.4, "6 4" if link.tone == "bad" else ""
    return (3.0, "") if link.kind == "line" else (2.0, "")


def heads(link: Link, way: list[Point]) -> list[tuple[Point, float]]:
    """Where a link has arrow heads, and their directions (degrees): at what is reached, and where traffic goes."""
    found = []
    if (link.kind == "reach" and link.tone != "bad") or link.moves & FORWARD:
        found.append((way[-1], _angle(way[-2], way[-1])))
    if link.moves & BACK:
        found.append((way[0], _angle(way[1], way[0])))
    return found


def _angle(start: Point, end: Point) -> float:
    return round(math.degrees(math.atan2(end[1] - start[1], end[0] - start[0])), 1)


def _link(link: Link, way: list[Point]) -> str:
    width, dashes = stroke(link)
    corners = " ".join(f"{x},{y}" for x, y in way)
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    tone = _colour(link.tone)
    drawn = f'<polyline points="{corners}" fill="none" stroke="{tone}" stroke-width="{width}"{dash}/>'
    if link.moves:
        drawn += f'<polyline points="{corners}" fill="none" stroke="{_colour("paper")}" stroke-dasharray="4 8"/>'
    for (x, y), angle in heads(link, way):
        drawn += f'<path d="M-9 -5L0 0L-9 5Z" fill="{tone}" transform="translate({x} {y}) rotate({angle})"/>'
    return f"<g><title>{escape(link.word)}</title>{drawn}</g>"


# --- matplotlib -------------------------------------------------------------------------------------------------------


def figure(found: Map, form: str = WIDE) -> Figure:
    """The same picture, drawn by matplotlib; a figure that belongs to no window."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    placed = layout(found, form)
    with rc_context(charts.style()):
        made = Figure(figsize=(placed.width / 100, placed.height / 100))
        axes = made.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, placed.width)
        axes.set_ylim(placed.height, 0)
        axes.set_axis_off()
        for thing in found.things:
            _patch(axes, thing, placed)
        for link in found.links:
            _line(axes, link, placed.ways[link.id])
        return made


def _patch(axes: Axes, thing: Thing, placed: Layout) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    box, order = placed.boxes[thing.id], {SIDE: 1.0, FRAME: 2.0}.get(thing.shape, 4.0)
    if not thing.id.startswith("note/"):
        edge = COLOURS[thing.tone] if thing.shape == PILL else COLOURS["grid"]
        fill = COLOURS["raised" if thing.shape == SIDE else "paper"]
        corners = "round,pad=0,rounding_size=6"
        axes.add_patch(
            FancyBboxPatch((box.x, box.y), box.w, box.h, corners, facecolor=fill, edgecolor=edge, zorder=order)
        )
        if thing.shape not in (SIDE, FRAME, PILL):
            axes.add_patch(Rectangle((box.x, box.y), 5, box.h, facecolor=COLOURS[thing.tone], zorder=order))
    for line in texts(thing):
        colour = COLOURS[colour_of(thing, line)]
        weight = "bold" if line.role in ("title", "word") else "normal"
        # A point is 1/72 inch, a pixel here 1/100.
        size = size_of(thing, line) * 0.7
        axes.text(
            box.x + line.x, box.y + line.y, line.text, color=colour, fontsize=size, fontweight=weight, zorder=order
        )


def _line(axes: Axes, link: Link, way: list[Point]) -> None:
    width, dashes = stroke(link)
    style = (0, tuple(float(part) for part in dashes.split())) if dashes else "solid"
    xs, ys = [x for x, _y in way], [y for _x, y in way]
    axes.plot(xs, ys, color=COLOURS[link.tone], linewidth=width * 0.72, linestyle=style, zorder=3)
    for (x, y), angle in heads(link, way):
        axes.plot([x], [y], marker=(3, 0, -angle - 90), markersize=6, color=COLOURS[link.tone], zorder=3)
