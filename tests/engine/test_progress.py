"""Progress bars: in a terminal, in a notebook, silent elsewhere and for short work."""

from __future__ import annotations

import io
import sys

import nbformat
import pytest

from labkit.engine import progress


class Terminal(io.StringIO):
    """Standard error of somebody who watches."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The wall clock as these tests set it."""
    now = [0.0]
    monkeypatch.setattr("labkit.engine.pace.ticks", lambda: now[0])
    return now


def work(clock: list[float], seconds: float) -> None:
    """Ten steps of 100 MB that take so long together."""
    with progress.shown("Exporting") as show:
        for step in range(1, 11):
            clock[0] += seconds / 10
            show(step * 100 << 20, 1000 << 20)


def test_a_terminal_shows_a_bar_that_ends_full(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    """Long work: words, per cent and sizes, the last state complete, one line in the end."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    work(clock, 5)
    shown = terminal.getvalue()
    assert "Exporting: 10 % (100 MB / 1000 MB)" in shown
    assert shown.endswith("] Exporting: 100 % (1000 MB / 1000 MB)  \n")
    assert shown.count("\n") == 1
    assert shown.count("\r") <= 11


@pytest.mark.parametrize("watched", [True, False])
def test_short_work_and_pipes_stay_silent(monkeypatch: pytest.MonkeyPatch, clock: list[float], watched: bool) -> None:
    """Under half a second nothing is written to a terminal; to a file or a pipe never."""
    stream = Terminal() if watched else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    work(clock, 0.4 if watched else 60)
    assert stream.getvalue() == ""


def test_a_console_without_the_characters_shows_the_rest(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    """A code page that lacks the words' characters gets question marks, and the work goes on."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.shown("書き出し") as show:
        clock[0] = 1.0
        show(1, 2)
    assert b"????: 50 %" in raw.getvalue()


CELL = """
import time
from labkit.engine import progress
progress._FIRST_SECONDS = 0
with progress.shown("Exporting <disk>") as show:
    for done in range(5):
        show(done << 20, 4 << 20)
        time.sleep(0.21)
"""


def test_a_notebook_shows_one_output_that_is_replaced() -> None:
    """In a real kernel: one output, its last state complete, as text and as HTML without any script."""
    from nbclient import NotebookClient

    cell = nbformat.v4.new_code_cell(CELL)
    NotebookClient(nbformat.v4.new_notebook(cells=[cell]), kernel_name="python3", timeout=60).execute()
    (output,) = cell.outputs
    assert output.output_type == "display_data"
    assert output.data["text/plain"] == "Exporting <disk>: 100 % (4 MB / 4 MB)"
    assert output.data["text/html"] == (
        '<progress max="4194304" value="4194304" aria-label="Exporting &lt;disk&gt;"></progress> '
        "Exporting &lt;disk&gt;: 100 % (4 MB / 4 MB)"
    )


def test_what_the_caller_gives_is_used_as_it_is() -> None:
    """A function of the caller's gets every call."""
    calls: list[tuple[int, int]] = []
    with progress.shown("Exporting", lambda done, total: calls.append((done, total))) as show:
        show(1, 2)
        show(2, 2)
    assert calls == [(1, 2), (2, 2)]
