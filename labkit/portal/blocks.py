"""What a page of the portal is made of: blocks as plain data, which one renderer in the page draws.

A block is a mapping with ``kind`` and ``key``; the renderer (``static/blocks.js``) knows no word of the field. A cell
of a table is a text, or a text with a state (a colour and a sign beside its word), or one that opens another page.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labkit.engine.texts import gettext as _

Block = dict[str, Any]
Cell = str | dict[str, Any]
GOOD, WARN, BAD, BUSY, OFF = "good", "warn", "bad", "busy", "off"


def said(text: str, state: str, hint: str = "") -> Cell:
    """A text with a state: ``GOOD``, ``WARN``, ``BAD``, ``BUSY`` or ``OFF``; ``hint`` is shown beside it on demand."""
    return {"text": text, "state": state, "hint": hint}


def link(text: str, *path: str) -> Cell:
    """A text that opens a page."""
    return {"text": text, "go": list(path)}


def cards(key: str, rows: Iterable[tuple[str, Cell, str]]) -> Block:
    """Figures at a glance: title, value, and what stands beside the value."""
    return {"kind": "cards", "key": key, "cards": [{"title": a, "value": b, "beside": c} for a, b, c in rows]}


def table(
    key: str,
    columns: Sequence[str],
    rows: Iterable[tuple[str, Sequence[Cell]]],
    *,
    title: str = "",
    empty: str = "",
    choose: str = "",
    chosen: Sequence[str] = (),
) -> Block:
    """Rows by id under columns. ``choose``: "one" or "many" rows can be chosen; ``empty`` is said for no rows."""
    made = [{"id": name, "cells": list(cells)} for name, cells in rows]
    known = {row["id"] for row in made}
    return {
        "kind": "table",
        "key": key,
        "title": title,
        "columns": list(columns),
        "rows": made,
        "empty": empty or _("Nothing is here yet."),
        "choose": choose,
        "chosen": [name for name in chosen if name in known],
    }


def facts(key: str, rows: Iterable[tuple[str, Cell]], *, title: str = "") -> Block:
    """Names with values, one under the other."""
    return {"kind": "facts", "key": key, "title": title, "rows": [[name, value] for name, value in rows]}


def note(key: str, text: str, *, state: str = "", title: str = "") -> Block:
    """A text; lines stay lines."""
    return {"kind": "note", "key": key, "text": text, "state": state, "title": title}


def chart(name: str) -> Block:
    """The place of a live chart: a part of the same view, by its name."""
    return {"kind": "chart", "key": f"chart-{name}", "part": name}


def steps(key: str, rows: Iterable[Mapping[str, Any]], *, title: str = "") -> Block:
    """Steps in order: each ``title, done, text, commands`` (keys of the page's commands)."""
    return {"kind": "steps", "key": key, "title": title, "rows": [dict(row) for row in rows]}


def commands(key: str, keys: Iterable[str], *, title: str = "") -> Block:
    """Commands of the page (by their keys) that stand among its blocks and not in the bar at its foot."""
    return {"kind": "commands", "key": key, "title": title, "commands": list(keys)}


def yes_no(value: bool) -> str:
    """A flag in words."""
    return _("Yes") if value else _("No")


@dataclasses.dataclass(frozen=True)
class Command:
    """A control where it stands: ``preset`` arguments, ``why`` it is greyed ("" when it is not)."""

    key: str
    control: str
    title: str
    preset: Mapping[str, Any]
    why: str = ""
    bar: bool = True

    def data(self) -> dict[str, Any]:
        """As the page gets it."""
        return {"key": self.key, "title": self.title, "why": self.why, "bar": self.bar}


@dataclasses.dataclass
class Page:
    """A page: blocks, commands, and the ways from here (``tabs``: title and path)."""

    title: str
    blocks: list[Block] = dataclasses.field(default_factory=list)
    commands: list[Command] = dataclasses.field(default_factory=list)
    tabs: list[tuple[str, tuple[str, ...]]] = dataclasses.field(default_factory=list)
    crumbs: list[tuple[str, tuple[str, ...]]] = dataclasses.field(default_factory=list)

    @property
    def charts(self) -> list[str]:
        """Names of the parts that the page shows."""
        return [block["part"] for block in self.blocks if block["kind"] == "chart"]
