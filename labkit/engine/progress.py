"""How far long work has come, for whoever watches: a bar in a notebook or a terminal, nothing elsewhere.

Work that is done within half a second shows nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from labkit.engine import pace
from labkit.engine.units import show_size

Progress = Callable[[int, int], None]
_FIRST_SECONDS, _EVERY_SECONDS, _WIDTH = 0.5, 0.2, 30


def nothing(done: int, total: int) -> None:
    """Show nothing."""


@contextmanager
def shown(text: str, given: Progress | None = None) -> Iterator[Progress]:
    """What to call with ``(bytes done, bytes in all)``: ``given``, else a bar under ``text`` where one can be seen."""
    bar = given or _bar(text)
    try:
        yield bar
    finally:
        if isinstance(bar, _Bar):
            bar.end()


def _bar(text: str) -> Progress:
    if _in_notebook():
        return _NotebookBar(text)
    if sys.stderr is not None and sys.stderr.isatty():
        return _TerminalBar(text)
    return nothing


def _in_notebook() -> bool:
    """Whether this is a Jupyter kernel, not merely a program that uses one."""
    found = sys.modules.get("IPython")
    shell = found.get_ipython() if found is not None else None
    return getattr(shell, "kernel", None) is not None


class _Bar:
    """Draws now and then."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._next = pace.ticks() + _FIRST_SECONDS
        self.drawn = False
        self._last = (0, 0)

    def __call__(self, done: int, total: int) -> None:
        self._last = (done, total)
        if pace.ticks() >= self._next:
            self._next = pace.ticks() + _EVERY_SECONDS
            self.drawn = True
            self.draw(done, total)

    def end(self) -> None:
        """Draw how it stands in the end, if anything was drawn."""
        if self.drawn:
            self.draw(*self._last)

    def draw(self, done: int, total: int) -> None:
        """Show how far it is."""

    def line(self, done: int, total: int) -> str:
        """In words: what, how many per cent, how much of how much."""
        share = 100 * done // total if total else 100
        return f"{self.text}: {share} % ({show_size(done)} / {show_size(total)})"


class _TerminalBar(_Bar):
    """One line that is written again and again; plain characters, which every console has."""

    def draw(self, done: int, total: int) -> None:
        full = _WIDTH * done // total if total else _WIDTH
        text = f"\r[{'#' * full}{'.' * (_WIDTH - full)}] {self.line(done, total)}  "
        try:
            print(text, end="", file=sys.stderr, flush=True)
        except UnicodeEncodeError:  # a console that does not have the language's characters
            print(text.encode("ascii", "replace").decode(), end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        super().end()
        if self.drawn:
            print(file=sys.stderr)


class _NotebookBar(_Bar):
    """An output that is replaced: HTML that needs no script, and its words for whoever shows only text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._handle: Any = None

    def draw(self, done: int, total: int) -> None:
        from html import escape

        from IPython.display import display

        words = self.line(done, total)
        meter = f'<progress max="{max(1, total)}" value="{done}" aria-label="{escape(self.text)}"></progress>'
        html = f"{meter} {escape(words)}"
        data = {"text/plain": words, "text/html": html}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(data, raw=True)
