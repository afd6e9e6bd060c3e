"""Where everything stands: two forms, "wide" (sides beside each other) and "narrow" (one below the other, from 480 px).

All numbers are pixels of the picture's own scale. The same map gives the same layout: nothing is measured.
"""

from __future__ import annotations

import abc
from typing import NamedTuple

from labkit.views.sitemap.model import (
    AT_SECOND,
    AT_SITE,
    CORPORATE,
    FRAME,
    IN_AZURE,
    LAN,
    LINE,
    OUTSIDE,
    PILL,
    TILE,
    Link,
    Map,
    Thing,
)  # fmt: skip

WIDE, NARROW = "wide", "narrow"
FORMS = (WIDE, NARROW)
MARGIN, PAD, GAP = 8, 12, 8
SIDE_WIDTH, TILE_WIDTH, PILL_WIDTH, BETWEEN = 428, 124, 132, 168
HEAD, LINE_HEIGHT = 26, 14
COLUMNS, ROWS = 3, 4
TILE_HEIGHT = ROWS * LINE_HEIGHT + 10
WIDTHS = {WIDE: 2 * (MARGIN + SIDE_WIDTH) + BETWEEN, NARROW: 480}
_LANES = 5  # px between two ways that run beside each other

Point = tuple[int, int]


class Box(NamedTuple):
    """A rectangle: left, top, width, height."""

    x: int
    y: int
    w: int
    h: int

    @property
    def right(self) -> int:
        """Its right edge."""
        return self.x + self.w

    @property
    def bottom(self) -> int:
        """Its lower edge."""
        return self.y + self.h

    @property
    def middle(self) -> int:
        """The height of its middle."""
        return self.y + self.h // 2


class Layout(NamedTuple):
    """The size of the picture, a box for each thing, and a way (corners) for each link, by their ids."""

    width: int
    height: int
    boxes: dict[str, Box]
    ways: dict[str, list[Point]]


def layout(found: Map, form: str = WIDE) -> Layout:
    """Place a map in one of :data:`FORMS`."""
    making = _Wide(found) if form == WIDE else _Narrow(found)
    making.place()
    ways = {link.id: making.way(link) for link in found.links}
    height = max(box.bottom for box in making.boxes.values()) + MARGIN
    return Layout(WIDTHS[form], height, making.boxes, ways)


class _Making(abc.ABC):
    """What both forms share: a side's inside is the same wherever it stands."""

    def __init__(self, found: Map) -> None:
        self.map = found
        self.boxes: dict[str, Box] = {}
        self.held: dict[str, list[Thing]] = {}
        for thing in found.things:
            self.held.setdefault(thing.inside, []).append(thing)
        self.pills = [thing for thing in self.held.get("", []) if thing.shape == PILL]

    @abc.abstractmethod
    def place(self) -> None:
        """Fill ``boxes``."""

    @abc.abstractmethod
    def way(self, link: Link) -> list[Point]:
        """The corners of a link."""

    def side(self, name: str, x: int, y: int) -> int:
        """Place a side and all in it with its upper left corner at a point; its lower edge."""
        inner, top = x + PAD, y + HEAD
        tiles = [thing for thing in self.held.get(name, []) if thing.shape == TILE]
        # Those of the site stand at its right, next to the way out: the VMM server, and below it the client.
        rows = _site_rows(tiles) if name == AT_SITE else _rows(tiles)
        for row in rows:
            left = inner + (COLUMNS - len(row)) * (TILE_WIDTH + GAP) + GAP if name == AT_SITE else inner + GAP
            self._row(row, left, top)
            top += TILE_HEIGHT + GAP
        for frame in self.held.get(name, []):
            if frame.shape == FRAME:
                top = self._frame(frame, inner, top) + GAP
        self.boxes[name] = Box(x, y, SIDE_WIDTH, top + PAD - GAP - y)
        return self.boxes[name].bottom

    def _row(self, row: list[Thing], left: int, top: int) -> None:
        for number, tile in enumerate(row):
            self.boxes[tile.id] = Box(left + number * (TILE_WIDTH + GAP), top, TILE_WIDTH, TILE_HEIGHT)

    def _frame(self, frame: Thing, x: int, y: int) -> int:
        top = y + HEAD - 4
        for row in _rows(self.held.get(frame.id, [])):
            height = TILE_HEIGHT
            if row[0].id.startswith("note/"):
                height = LINE_HEIGHT + 4
                self.boxes[row[0].id] = Box(x + GAP, top, SIDE_WIDTH - 2 * PAD - 2 * GAP, height)
            else:
                self._row(row, x + GAP, top)
            top += height + GAP
        self.boxes[frame.id] = Box(x, y, SIDE_WIDTH - 2 * PAD, top - y)
        return top

    def pill(self, thing: Thing, x: int, y: int) -> Box:
        """Place a pill, as high as its lines are many."""
        self.boxes[thing.id] = Box(x, y, PILL_WIDTH, pill_height(thing))
        return self.boxes[thing.id]


def pill_height(thing: Thing) -> int:
    """The height of a pill."""
    return (2 + len(thing.extra)) * LINE_HEIGHT + 12


def _rows(tiles: list[Thing]) -> list[list[Thing]]:
    return [tiles[first : first + COLUMNS] for first in range(0, len(tiles), COLUMNS)]


def _site_rows(tiles: list[Thing]) -> list[list[Thing]]:
    servers = [tile for tile in tiles if tile.id not in ("dns", CORPORATE)]
    return [*_rows(servers), [tile for tile in tiles if tile not in servers]]


# --- wide -------------------------------------------------------------------------------------------------------------


class _Wide(_Making):
    """The site at the left; Azure, and below it the second site, at the right; pills between them."""

    left = MARGIN + SIDE_WIDTH
    right = MARGIN + SIDE_WIDTH + BETWEEN

    def place(self) -> None:
        """Pills stand beside what they lead to, one below the other."""
        bottoms = [self.side(AT_SITE, MARGIN, MARGIN), self.side(IN_AZURE, self.right, MARGIN)]
        if self.held.get(AT_SECOND) or any(thing.id == AT_SECOND for thing in self.map.things):
            bottoms.append(self.side(AT_SECOND, self.right, bottoms[1] + 2 * GAP))
        top = MARGIN + HEAD + TILE_HEIGHT + GAP
        for thing in self._ordered():
            wanted = self._beside(thing) - pill_height(thing) // 2
            box = self.pill(thing, self.left + (BETWEEN - PILL_WIDTH) // 2, max(top, wanted))
            top = box.bottom + 2 * GAP
        lowest = max(*bottoms, top - 2 * GAP + PAD)
        for name in (AT_SITE, AT_SECOND if AT_SECOND in self.boxes else IN_AZURE):
            box = self.boxes[name]
            self.boxes[name] = box._replace(h=lowest - box.y)

    def _ordered(self) -> list[Thing]:
        return sorted(self.pills, key=lambda thing: (thing.id == LAN, self._beside(thing)))

    def _beside(self, thing: Thing) -> int:
        """The height of what a pill leads to."""
        if thing.id == OUTSIDE:
            return self.boxes[IN_AZURE].bottom
        frames = {LINE: ("storage/",), LAN: ("host/",)}.get(thing.id, (f"network/{thing.id.partition('/')[2]}",))
        side = AT_SECOND if thing.id == LAN else IN_AZURE
        for frame in self.held.get(side, []):
            if frame.shape == FRAME and frame.id.startswith(frames):
                return self.boxes[frame.id].middle
        return self.boxes[side].middle

    def way(self, link: Link) -> list[Point]:
        """Ways go through lanes at both edges of what is between the sides, so that none crosses a tile."""
        here, there = self.boxes[link.ends[0]], self.boxes[link.ends[1]]
        if link.kind == "registered":
            return self._registered(here, there)
        if link.kind in ("line", "vpn"):
            pill = self.boxes[link.via[0]]
            target = self._entry(link, pill)
            return [(self.left, pill.middle), (pill.x, pill.middle), (pill.right, pill.middle), *target]
        if link.ends[0] == OUTSIDE:
            lane = self.right - 2 * _LANES
            y = there.y + 12
            return [(here.right, here.middle), (lane, here.middle), (lane, y), (there.x, y)]
        return self._reach(link, here, there)

    def _registered(self, here: Box, there: Box) -> list[Point]:
        if here.x < self.left:
            return _straight((here.right, here.y + 12), self.left + 2 * _LANES, (there.x, there.y + 12))
        lane = self.right - _LANES
        return [(here.x, here.y + 12), (lane, here.y + 12), (lane, there.y + 24), (there.x, there.y + 24)]

    def _entry(self, link: Link, pill: Box) -> list[Point]:
        """From the right of a pill to the frame it leads to."""
        y = self._beside_link(link)
        return _straight((pill.right, pill.middle), self.right - 3 * _LANES, (self.right + PAD, y))[1:]

    def _beside_link(self, link: Link) -> int:
        return self._beside(next(thing for thing in self.pills if thing.id == link.via[0]))

    def _reach(self, link: Link, here: Box, there: Box) -> list[Point]:
        start = (here.right, here.middle - 8)
        if not link.via and link.ends[1].startswith("host/"):
            lane = self.left - PAD // 2
            y = there.y + 12
            return [(here.right, here.middle + 8), (lane, here.middle + 8), (lane, y), (there.right - 8, y)]
        pill = self.boxes[link.via[0]] if link.via else there
        y = pill.y + 10
        way = _straight(start, self.left + 2 * _LANES, (pill.x, y))
        if not link.via:
            return way
        return [*way, (pill.right, y), *_straight((pill.right, y), self.right - _LANES, (there.x, there.y + 28))[1:]]


def _straight(start: Point, lane: int, end: Point) -> list[Point]:
    """From one point to another by way of an upright lane; straight on when they are level."""
    if start[1] == end[1]:
        return [start, end]
    return [start, (lane, start[1]), (lane, end[1]), end]


# --- narrow -----------------------------------------------------------------------------------------------------------


class _Narrow(_Making):
    """All below each other: the site, what leads away from it, Azure, the line between the sites, the second site."""

    edge = MARGIN + SIDE_WIDTH

    def place(self) -> None:
        """Pills stand in a row, the VPN at the right, where the ways are."""
        bottom = self.side(AT_SITE, MARGIN, MARGIN)
        outer = [thing for thing in self.pills if thing.id != LAN]
        outer.sort(key=lambda thing: thing.id.startswith("vpn/"))
        bottom = self._pills(outer, bottom + 3 * GAP) + 3 * GAP
        bottom = self.side(IN_AZURE, MARGIN, bottom)
        if any(thing.id == AT_SECOND for thing in self.map.things):
            lan = [thing for thing in self.pills if thing.id == LAN]
            bottom = self._pills(lan, bottom + 2 * GAP) + 2 * GAP
            self.side(AT_SECOND, MARGIN, bottom)

    def _pills(self, things: list[Thing], top: int) -> int:
        bottom = top
        for first in range(0, len(things), COLUMNS):
            row = things[first : first + COLUMNS]
            left = self.edge - len(row) * (PILL_WIDTH + GAP) + GAP
            top = bottom if first == 0 else bottom + 2 * GAP
            for number, thing in enumerate(row):
                bottom = max(bottom, self.pill(thing, left + number * (PILL_WIDTH + GAP), top).bottom)
        return bottom

    def way(self, link: Link) -> list[Point]:
        """Ways that go further than to the next thing run in lanes at the right edge."""
        here, there = self.boxes[link.ends[0]], self.boxes[link.ends[1]]
        if link.kind == "registered":
            return self._around((here.right, here.y + 12), 5, (there.right, there.y + 12))
        if link.kind in ("line", "vpn"):
            return self._down(link, self.boxes[link.via[0]])
        if link.ends[0] == OUTSIDE:
            y = here.bottom + GAP
            x = here.x + PILL_WIDTH - 16
            return [(x, here.bottom), (x, y), *self._around((self.edge, y), 4, (there.right, there.y + 12))[1:]]
        if not link.via and link.ends[1].startswith("host/"):
            lane, y = self.edge - PAD // 2, there.y + 12
            return [(here.right, here.middle + 8), (lane, here.middle + 8), (lane, y), (there.right - 8, y)]
        pill = self.boxes[link.via[0]] if link.via else there
        way = self._around((here.right, here.middle - 8), 1, (pill.right, pill.y + 12))
        if not link.via:
            return way
        start = (pill.right, pill.y + 26)
        return [*way, (pill.right, pill.y + 26), *self._around(start, 2, (there.right, there.y + 12))[1:]]

    def _around(self, start: Point, number: int, end: Point) -> list[Point]:
        return _straight(start, self.edge + number * 7, end)

    def _down(self, link: Link, pill: Box) -> list[Point]:
        side = self.boxes[AT_SECOND if link.via[0] == LAN else IN_AZURE]
        x = pill.x + PILL_WIDTH // 2
        if link.via[0] == LAN:
            lane = self.edge + 3 * 7
            start = (self.edge, self.boxes[AT_SITE].bottom - PAD)
            return [
                start,
                (lane, start[1]),
                (lane, pill.middle),
                (pill.right, pill.middle),
                (x, pill.bottom),
                (x, side.y),
            ]
        return [(x, self.boxes[AT_SITE].bottom), (x, pill.y), (x, pill.bottom), (x, side.y)]
