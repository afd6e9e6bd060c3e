"""The first notebook in a real JupyterLab: played, reloaded, restarted, and opened by a stranger."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

import labkit
from tests.browser.jupyter import Notebook, Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab in a folder with a space and Japanese letters."""
    folder = tmp_path_factory.mktemp("jupyter") / "my ラボ"
    folder.mkdir()
    started = Server(folder, tmp_path_factory.mktemp("own"), LABKIT_LANG="en", MPLBACKEND="Agg")
    yield started
    started.close()


def seconds_of_day(text: str) -> int:
    hours, minutes, seconds = map(int, re.findall(r"\d+", text))
    return hours * 3600 + minutes * 60 + seconds


def shown_time(page: Page) -> int:
    return seconds_of_day(page.locator(".labkit-time").first.inner_text())


def next_time(page: Page) -> int:
    """The time shown once it is another one; fails when the clock stands still."""
    first = page.locator(".labkit-time").first
    expect(first).not_to_have_text(first.inner_text())
    return shown_time(page)


def placed(
    server: Server, folder: str, name: str, cells: slice | None = None, speed: int = 600, last: str = "portal.open(lab)"
) -> str:
    """The first notebook, or some of its code cells, in a folder of its own; returns its path for JupyterLab.

    ``last``: what its last cell is instead.
    """
    text = (NOTEBOOKS / "00-start-here.ipynb").read_text("utf-8")
    assert '"portal.open(lab)"' in text
    found = json.loads(text.replace("speed=600", f"speed={speed}").replace('"portal.open(lab)"', json.dumps(last)))
    if cells is not None:
        found["cells"] = [cell for cell in found["cells"] if cell["cell_type"] == "code"][cells]
    (server.folder / folder).mkdir(exist_ok=True)
    (server.folder / folder / name).write_text(json.dumps(found), "utf-8")
    return f"{folder}/{name}"


def first_view(page: Page) -> Locator:
    """The first view of the notebook, scrolled to: JupyterLab and the chart draw what can be seen, soon after it is."""
    view = page.locator(".labkit-view").first
    view.scroll_into_view_if_needed()
    view.locator(".labkit-line").wait_for()
    clock = view.locator(".labkit-clock")
    expect(clock).to_have_attribute("data-state", "paused")
    expect(view.locator(".labkit-plot")).to_have_attribute("data-now", clock.get_attribute("data-now") or "?")
    return view


def beside(page: Page, title: str) -> None:
    """One portal is open, in a tab to the right of the notebook, whose last cell says so."""
    expect(page.locator(".labkit-portal .labkit-page-title")).to_have_text(title)
    expect(page.locator(".jp-Notebook")).to_contain_text("The portal is in the tab start-here.lab.")
    cells, portal = page.locator(".jp-Notebook").bounding_box(), page.locator(".labkit-portal").bounding_box()
    assert cells is not None
    assert portal is not None
    assert portal["x"] >= cells["x"] + cells["width"]


def test_play_and_reload(page: Page, server: Server) -> None:
    """Run All moves the chart; after a reload it has its whole history and goes on playing; the bar's buttons work.

    The portal is opened beside the notebook, twice: one tab is there, at its right, also after the reload.
    """
    twice = 'portal.open(lab, "jobs", side=True)\nportal.open(lab, "dashboard", side=True)'
    notebook = Notebook(page, server, placed(server, "play", "00-start-here.ipynb", last=twice))
    notebook.open()
    notebook.start_all()
    page.locator('.labkit-clock[data-state="playing"]').first.wait_for()
    times = [shown_time(page)]
    for _ in range(3):
        times.append(next_time(page))
    assert times == sorted(set(times)), f"the clock did not go on: {times}"
    notebook.ended()
    outputs = notebook.outputs()
    assert any("UnplannedFailover" in text and "orders" in text for text in outputs), outputs
    assert outputs[-2].strip() == "({}, [])"
    beside(page, "Dashboard")
    view = first_view(page)
    expect(view.locator(".labkit-word").first).to_have_text("paused")
    events = view.locator(".labkit-events")
    expect(events.locator("li")).to_have_count(4)
    told, path = events.inner_text(), view.locator(".labkit-line").get_attribute("d")
    assert "The line is lost" in told
    assert "Replication has failed, MYWSV01: Azure cannot be reached" in told
    assert "Unplanned failover: MYWSV01 is switched to Azure" in told

    notebook.save()
    page.reload()
    notebook.idle()
    beside(page, "Dashboard")
    view = first_view(page)
    assert view.locator(".labkit-line").get_attribute("d") == path
    assert view.locator(".labkit-events").inner_text() == told
    before = shown_time(page)
    view.locator(".labkit-speed-3600").click()
    view.locator(".labkit-play").click()
    while shown_time(page) - before <= 1800:
        next_time(page)
    view.locator(".labkit-play").click()
    expect(view.locator(".labkit-word").first).to_have_text("paused")
    after = shown_time(page)
    view.locator(".labkit-skip").click()
    expect(view.locator(".labkit-note")).not_to_be_empty()
    with labkit.open(server.folder / "play" / "start-here.lab", read_only=True) as lab:
        assert seconds_of_day(lab.now[11:19]) >= after
        assert lab.verify() == []


def test_restart_and_run_again(page: Page, server: Server) -> None:
    """The Jupyter kernel is restarted in the middle of the story: the views say so, Run All goes on in the same lab.

    A further Run All lives through the story once more, in the same kernel.
    """
    notebook = Notebook(page, server, placed(server, "again", "middle.ipynb", slice(0, 5), 3600))
    notebook.open()
    notebook.run_all()
    notebook.restart()
    expect(page.locator(".labkit-silent").last).to_contain_text("does not answer")
    file = server.folder / "again" / "start-here.lab"
    with labkit.open(file, read_only=True) as lab:
        assert lab.clock.player is None
        stood = lab.clock.ms
        assert not lab.status()["line"]["connected"]

    second = Notebook(page, server, placed(server, "again", "again.ipynb", speed=3600))
    second.open()
    for times in (1, 2):
        second.run_all()
        outputs = second.outputs()
        assert not any("Error" in text for text in outputs), outputs
        assert outputs[-2].strip() == "({}, [])"
        with labkit.open(file, read_only=True) as lab:
            assert len(lab.vault.failovers) == times
            assert lab.clock.ms > stood
            assert all(found.equal and (found.orders or 0) > 100 for found in lab.vault.failovers)
    expect(page.locator(".labkit-portal .labkit-page-title")).to_have_text("Quick Start")
    second.save()


def test_untrusted_it_is_a_picture(page: Page, server: Server) -> None:
    """Somebody else's executed notebook, not trusted: each view is its PNG, and no word of a missing model."""
    notebook = Notebook(page, server, placed(server, "strange", "own.ipynb", slice(0, 5), 3600))
    notebook.open()
    notebook.run_all()
    notebook.save()
    executed = json.loads((server.folder / "strange" / "own.ipynb").read_text("utf-8"))
    executed["cells"][0]["source"] = "# from a stranger"
    (server.folder / "strange" / "strange.ipynb").write_text(json.dumps(executed), "utf-8")
    Notebook(page, server, "strange/strange.ipynb").open()
    expect(page.locator('.jp-OutputArea img[src^="data:image/png"]')).to_have_count(2)
    assert page.evaluate("window.jupyterapp.shell.currentWidget.content.model.cells.get(3).trusted") is False
    assert page.locator(".labkit-view").count() == 0
    assert "model not found" not in page.locator(".jp-Notebook").inner_text().lower()
