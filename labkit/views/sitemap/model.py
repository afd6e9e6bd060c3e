"""What a site map is made of: things, and what joins them. Layout, stills and the live map draw this, nothing else."""

from __future__ import annotations

from typing import NamedTuple

from labkit.engine.texts import gettext as _
from labkit.guest.machine import RUNNING, STARTING

# Tones: what a colour says; the word beside it says the same.
GOOD, BUSY, WARN, BAD, OFF, PLAIN = "good", "busy", "warn", "bad", "off", "plain"
TONES = (GOOD, BUSY, WARN, BAD, OFF, PLAIN)
# Shapes: a side, a frame within it that holds tiles, a tile, and what stands on the way between two sides.
SIDE, FRAME, TILE, PILL = "side", "frame", "tile", "pill"
FORWARD, BACK = 1, 2  # bits of Link.moves

AT_SITE, AT_SECOND, IN_AZURE = "side/site", "side/second", "side/azure"
CORPORATE, OUTSIDE = "client/site", "client/internet"
LINE, LAN = "line/azure", "line/sites"


class Thing(NamedTuple):
    """One thing: ``inside``: the id of the side or frame that holds it, "" for none.

    ``word`` is its state, ``tone`` the same as a colour; ``extra``: short lines that are drawn, ``more``: what is only
    told (to a screen reader, or to whoever points at it).
    """

    id: str
    shape: str
    kind: str
    inside: str
    title: str
    tone: str = PLAIN
    word: str = ""
    extra: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """All of it as one text: what it is, its state, and the rest."""
        said = (f"{self.kind}: {self.title}" if self.kind else self.title, self.word, *self.extra, *self.more)
        return "; ".join(text for text in said if text)


class Link(NamedTuple):
    """What joins two things, over ``via`` (ids of pills) if it does.

    ``kind``: "registered" (a VMM server with a vault), "line", "vpn", or "reach" (a client and what it reaches).
    ``moves``: whether anything moves now, 0 or bits ``FORWARD`` and ``BACK``. ``word``: what is told of it.
    """

    id: str
    kind: str
    ends: tuple[str, str]
    tone: str
    word: str = ""
    moves: int = 0
    via: tuple[str, ...] = ()


class Map(NamedTuple):
    """A site map: ``now`` (ms) and its ``zone`` (minutes), things in reading order, links, and a summary.

    ``sent``: bytes that each direction of each line has carried by now, for the traffic of the next look.
    """

    now: int
    zone: int
    things: tuple[Thing, ...]
    links: tuple[Link, ...]
    said: str
    sent: dict[str, tuple[int, int]]

    def thing(self, name: str) -> Thing:
        """The thing of that id; ``KeyError`` when there is none."""
        for thing in self.things:
            if thing.id == name:
                return thing
        raise KeyError(name)

    def inside(self, name: str) -> list[Thing]:
        """What stands in a side or frame, in order."""
        return [thing for thing in self.things if thing.inside == name]


def power(state: str) -> tuple[str, str]:
    """Tone and word of a machine's state."""
    if state == RUNNING:
        return GOOD, _("Running")
    return (BUSY, _("Starting")) if state == STARTING else (OFF, _("Stopped"))


def health(word: str) -> tuple[str, str]:
    """Tone and word of the health of replication."""
    return {"Normal": GOOD, "Warning": WARN}.get(word, BAD), _(word)


def clip(things: list[Thing], most: int, inside: str) -> list[Thing]:
    """As many as fit, and a tile "and n more" for the others, which tells the worst state among them."""
    if len(things) <= most:
        return things
    kept, rest = things[: most - 1], things[most - 1 :]
    worst = min((thing.tone for thing in rest), key=(BAD, WARN, BUSY, GOOD, PLAIN, OFF).index)
    alike = [thing for thing in rest if thing.tone == worst]
    word = f"{len(alike)} \N{MULTIPLICATION SIGN} {alike[0].word}" if alike[0].word else ""
    more = _("and {count} more").format(count=len(rest))
    return [*kept, Thing(f"more/{inside}", TILE, "", inside, more, worst, word)]
