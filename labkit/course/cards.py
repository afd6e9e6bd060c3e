"""What a notebook shows of the course: texts that are the same in every run, and the same as HTML.

Colours are JupyterLab's own where there are any, else of Okabe and Ito; what a colour says, a word says too.
"""

from __future__ import annotations

import html

import msgspec

from labkit.course.model import Seen
from labkit.engine.texts import gettext as _

GREEN, ORANGE, BLUE = "#009E73", "#D55E00", "#0072B2"


def box(colour: str, title: str, body: str) -> str:
    """A card of HTML; ``title`` is text, ``body`` HTML."""
    style = (
        f"border-left:4px solid {colour};padding:4px 12px;margin:4px 0;"
        "color:var(--jp-content-font-color1,inherit);line-height:1.5"
    )
    head = f'<div style="font-weight:600">{html.escape(title)}</div>'
    return f'<div style="{style}">{head}{body}</div>'


def rows(pairs: list[tuple[str, str]]) -> str:
    """Lines of "what: text" as HTML."""
    return "".join(f"<div><b>{html.escape(name)}</b>: {html.escape(text)}</div>" for name, text in pairs)


class Result(msgspec.Struct, frozen=True):
    """What a check found. True when the step is done; ``seen``: what was looked at, the last one decides."""

    step: str
    title: str
    seen: tuple[Seen, ...]
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the step is done."""
        return all(one.ok for one in self.seen)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def head(self) -> str:
        """The verdict and the step, in one line."""
        word = _("Done") if self.ok else _("Not yet")
        return f"{word}: {_(self.title)} ({self.step})"

    def _pairs(self) -> list[tuple[str, str]]:
        if self.ok:
            pairs = [(_("Seen"), one.expected) for one in self.seen]  # what holds reads better than its figures
        else:
            last = self.seen[-1]
            pairs = [(_("Expected"), last.expected), (_("Seen"), last.seen), (_("Where to look"), last.where)]
        return pairs + ([(_("Note"), self.note)] if self.note else [])

    def __repr__(self) -> str:
        return "\n".join([self.head, *(f"  {name}: {text}" for name, text in self._pairs())])

    def _repr_html_(self) -> str:
        return box(GREEN if self.ok else ORANGE, self.head, rows(self._pairs()))


class Text(msgspec.Struct, frozen=True):
    """A title with some lines: a hint, or what was done."""

    title: str
    lines: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join([self.title, *(f"  {line}" for line in self.lines)])

    def _repr_html_(self) -> str:
        return box(BLUE, self.title, "".join(f"<div>{html.escape(line)}</div>" for line in self.lines))


class Code(msgspec.Struct, frozen=True):
    """A title with lines of Python."""

    title: str
    code: str

    def __repr__(self) -> str:
        return f"{self.title}\n\n{self.code}"

    def _repr_html_(self) -> str:
        style = "margin:4px 0;white-space:pre-wrap;font-family:var(--jp-code-font-family,monospace)"
        return box(BLUE, self.title, f'<pre style="{style}">{html.escape(self.code)}</pre>')


class Table(msgspec.Struct, frozen=True):
    """A title, and rows under heads; ``note`` below. Marks in cells are words or figures, never a colour alone."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __repr__(self) -> str:
        return "\n".join([self.title, *text_table(self.heads, self.rows), *([self.note] if self.note else [])])

    def _repr_html_(self) -> str:
        cell = 'style="text-align:left;padding:2px 10px 2px 0"'
        head = "".join(f"<th {cell}>{html.escape(one)}</th>" for one in self.heads)
        lines = "".join(
            "<tr>" + "".join(f"<td {cell}>{html.escape(one)}</td>" for one in row) + "</tr>" for row in self.rows
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
        note = f"<div>{html.escape(self.note)}</div>" if self.note else ""
        return box(BLUE, self.title, table + note)


def text_table(heads: tuple[str, ...], lines: tuple[tuple[str, ...], ...]) -> list[str]:
    """Rows in columns as wide as their widest cell; letters of East Asia count as two."""
    table = [heads, *lines]
    widths = [max(map(width, column)) for column in zip(*table, strict=True)]
    padded = [[cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)] for row in table]
    return ["  ".join(row).rstrip() for row in padded]


def width(text: str) -> int:
    """Columns a text takes on a console."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
