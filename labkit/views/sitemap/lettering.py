"""The texts of things as they are drawn: cut or folded to what fits, by the width that letters usually have."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from labkit.views.sitemap.layout import LINE_HEIGHT, PAD, PILL_WIDTH, ROWS, SIDE_WIDTH, TILE_WIDTH
from labkit.views.sitemap.model import FRAME, SIDE, TILE, Thing

SIDE_TITLE, TITLE, TEXT = 13, 12, 11  # sizes of letters (px)


def breadth(text: str, size: int, bold: bool = False) -> float:
    """How broad a text is at a size of letters (px), by what letters of the broader fonts are."""
    return size * (1.06 if bold else 1.0) * sum(map(_letter, text))


def _letter(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    if letter in " .,:;|!'()[]ijlt-":
        return 0.36
    return 0.7 if letter.isupper() or letter in "mw%@" else 0.58


def cut(text: str, width: int, size: int, bold: bool = False) -> str:
    """A text as far as it fits, with an ellipsis where it was cut."""
    text = " ".join(text.split())
    if breadth(text, size, bold) <= width:
        return text
    left, room = 0, width - size
    used = 0.0
    for letter in text:
        used += breadth(letter, size, bold)
        if used > room:
            break
        left += 1
    return text[:left].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


class Text(NamedTuple):
    """A line of a thing as drawn: its place in the thing's box, and its ``role``: "title", "word" or "extra"."""

    x: int
    y: int
    text: str
    role: str


def texts(thing: Thing) -> list[Text]:
    """The lines of a thing, cut to its width; in both forms things are as broad."""
    if thing.shape in (SIDE, FRAME):
        return _heading(thing)
    if thing.id.startswith("note/"):
        return [Text(8, 13, cut(thing.title, SIDE_WIDTH - 60, TEXT), "extra")]
    width = (TILE_WIDTH if thing.shape == TILE else PILL_WIDTH) - 18
    rows = [(cut(thing.title, width, TITLE, bold=True), "title")]
    rows += [(cut(thing.word, width, TEXT, bold=True), "word")] if thing.word else []
    room = ROWS - len(rows) if thing.shape == TILE else len(thing.extra)
    lines: list[str] = []
    for left, text in zip(range(len(thing.extra[:room]) - 1, -1, -1), thing.extra, strict=False):
        lines += fold(text, width, TEXT, room - len(lines) - left)
    rows += [(line, "extra") for line in lines]
    return [Text(12, 16 + number * LINE_HEIGHT, text, role) for number, (text, role) in enumerate(rows)]


def fold(text: str, width: int, size: int, most: int) -> list[str]:
    """A text in at most so many lines, the last of which may be cut: between words, or anywhere without any."""
    lines: list[str] = []
    text = " ".join(text.split())
    while len(lines) < most - 1 and breadth(text, size) > width:
        end = next(n for n in range(1, len(text) + 1) if breadth(text[:n], size) > width) - 1
        space = text.rfind(" ", 1, end + 1)
        end = space if space > 0 else max(1, end)
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*lines, cut(text, width, size)]


def _heading(thing: Thing) -> list[Text]:
    """One line: the title, and beside it state and what else there is."""
    size, room = (SIDE_TITLE if thing.shape == SIDE else TITLE), SIDE_WIDTH - 2 * PAD - 20
    rest = [(text, "extra") for text in thing.extra]
    title = cut(thing.title, room * 7 // 10 if thing.word or rest else room, size, bold=True)
    # Fonts differ by so much that what stands beside a title needs room to spare.
    found, left = [Text(10, 17, title, "title")], 22 + round(breadth(title, size, bold=True) * 1.1)
    for text, role in [(thing.word, "word"), *rest]:
        if text and left + 40 < room:
            shown = cut(text, room - left, TEXT, role == "word")
            found.append(Text(left, 17, shown, role))
            left += round(breadth(shown, TEXT, role == "word") * 1.1) + 12
    return found
