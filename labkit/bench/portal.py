"""``portal``: what the portal's Dashboard costs the Jupyter kernel while 50 VMs replicate and the clock runs at 600 x.

A real JupyterLab, its page in a headless Chromium. The same hours of the same lab are played twice a round, each time
by a new Jupyter kernel: without any view, then with a page of the portal open. Of both, the processor time (user and
system) of the kernel process is taken over the same wall time; the difference is what the portal costs. What is sent is
counted in the page, frame by frame on the web socket of the Jupyter kernel: all that a reader's line has to carry, the
Jupyter protocol's own words among it. At the end other pages are opened by clicks.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from labkit.bench import grow, jupyterlab
from labkit.bench.rows import Row
from labkit.engine import pace, units
from labkit.engine.errors import LabError
from labkit.lab import create
from labkit.lab import open as open_lab
from labkit.site.model import Cloud, Line, SiteFile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, WebSocket

VMS, SPEED, SECONDS, WARM, ROUNDS = 50, 600, 20.0, 6.0, 3
SHARE, BYTES, CLICK = 3.0, 50_000.0, 100.0  # goals: % of a core, bytes/s, ms
_LEAST_SHARE, _LEAST_BYTES = 0.05, 1.0  # what can be told apart: processor time is told in hundredths of a second
_LINE = 20_000_000  # bit/s for each VM: two and a half times what it writes
_FILE, _PID = "bench.lab", "pid"
_START = f"""import os, pathlib, labkit
lab = labkit.open("{_FILE}")
pathlib.Path("{_PID}").write_text(str(os.getpid()))
lab.clock.play({SPEED})"""
_VIEW = "from labkit import portal\nportal.open(lab, *{path!r})"
# Milliseconds from a click to the page that it opens being laid out.
_CLICK = """name => new Promise((told) => {
  const portal = document.querySelector('.labkit-portal'), begin = performance.now();
  const seen = new MutationObserver(() => {
    seen.disconnect();
    portal.getBoundingClientRect();
    told(performance.now() - begin);
  });
  seen.observe(portal, { attributes: true, attributeFilter: ['data-path'] });
  portal.querySelector(name).click();
})"""
_WAYS = (
    ".labkit-to-items", ".labkit-body table .labkit-link", ".labkit-to-map", ".labkit-to-jobs", ".labkit-to-azure",
    ".labkit-to-dashboard",
)  # fmt: skip


class Span(NamedTuple):
    """A span of wall time: % of a core, bytes/s and updates/s to the page, virtual seconds per second, ms by click."""

    share: float
    bytes: float
    updates: float
    speed: float
    clicks: list[float]


def site(vms: int = VMS) -> SiteFile:
    """The benchmark's site: 40 GB and 1 MB/s a VM, replicated every 5 minutes over 1 Gbit/s for 50 VMs."""
    found = grow.site(grow.Load(vms=vms))
    return msgspec.structs.replace(found, line=Line(vms * _LINE, 0), cloud=Cloud("Bench", 5 * units.MINUTE, 24, 0))


def check() -> str:
    """Path of a Chromium; 900711 without it or Playwright, 900703 without JupyterLab."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise LabError(900703)
    if importlib.util.find_spec("playwright") is None:
        raise LabError(900711, what="Playwright")
    found = next(filter(None, map(shutil.which, jupyterlab.CHROMIUM)), None)
    if found is None:
        raise LabError(900711, what="Chromium")
    return found


class _Traffic:
    """What comes to a page on its web sockets while ``counts``."""

    def __init__(self, page: Page) -> None:
        self.bytes = self.updates = 0
        self.counts = False
        page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        if "/channels" in socket.url:  # that of a Jupyter kernel; others are the server's
            socket.on("framereceived", self._frame)

    def _frame(self, payload: str | bytes) -> None:
        if self.counts:
            raw = payload.encode() if isinstance(payload, str) else payload
            self.bytes += len(raw)
            self.updates += b'"parts"' in raw


def _now(file: Path) -> int:
    """Virtual instant (ms) of a lab that another process plays."""
    with open_lab(file, read_only=True) as lab:
        return lab.clock.ms


def _seconds(pid: int) -> float:
    """Processor time of a process so far, user and system, of all its threads."""
    import psutil

    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


class _Bench:
    """JupyterLab, a Chromium, and the lab that each run begins with."""

    def __init__(self, folder: Path, server: jupyterlab.Server, browser: Browser, seconds: float, warm: float) -> None:
        self._folder, self._server, self._browser = folder, server, browser
        self._seconds, self._warm, self._runs = seconds, warm, 0

    def play(self, path: tuple[str, ...] | None) -> Span:
        """A new kernel plays the lab, without a view (None) or with a page of the portal open."""
        self._runs += 1
        folder = self._server.folder / f"run-{self._runs}"
        folder.mkdir()
        shutil.copyfile(self._folder / _FILE, folder / _FILE)
        cells = [_START] if path is None else [_START, _VIEW.format(path=path)]
        (folder / "run.ipynb").write_text(json.dumps(_notebook(cells)), "utf-8")
        page = self._browser.new_page(viewport={"width": 1200, "height": 1000})
        try:
            traffic = _Traffic(page)
            notebook = jupyterlab.Notebook(page, self._server, f"{folder.name}/run.ipynb")
            notebook.open()
            notebook.run_all()
            if path is not None:
                page.locator(".labkit-portal .labkit-body > *").first.wait_for(timeout=60_000)
            page.wait_for_timeout(self._warm * 1000)
            return self._measure(page, folder, traffic, clicks=path is not None)
        finally:
            page.close()
            self._server.end_kernels()

    def _measure(self, page: Page, folder: Path, traffic: _Traffic, *, clicks: bool) -> Span:
        pid, file = int((folder / _PID).read_text("utf-8")), folder / _FILE
        instant, used, begin, traffic.counts = _now(file), _seconds(pid), pace.ticks(), True
        page.wait_for_timeout(self._seconds * 1000)
        passed, used, traffic.counts = pace.ticks() - begin, _seconds(pid) - used, False
        speed = (_now(file) - instant) / 1000 / passed
        told = [float(page.evaluate(_CLICK, way)) for way in _WAYS] if clicks else []
        return Span(100 * used / passed, traffic.bytes / passed, traffic.updates / passed, speed, told)


def _notebook(cells: list[str]) -> dict[str, Any]:
    made: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for n, source in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


@contextmanager
def _opened(vms: int, hours: int, seconds: float, warm: float) -> Iterator[_Bench]:
    """Everything started, and a lab of ``vms`` that have replicated for ``hours``."""
    from playwright.sync_api import sync_playwright

    program = check()
    with tempfile.TemporaryDirectory(prefix="labkit-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        notebooks, own = folder / "notebooks", folder / "own"
        notebooks.mkdir()
        own.mkdir()
        with create(folder / _FILE, site=site(vms), seed=7, stage="protected") as lab:
            lab.run(f"{hours}h")
        server = jupyterlab.Server(notebooks, own, LABKIT_LANG="en")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=program, args=jupyterlab.FLAGS)
                yield _Bench(folder, server, browser, seconds, warm)
                browser.close()
        finally:
            server.close()


def run(
    vms: int = VMS,
    path: tuple[str, ...] = ("dashboard",),
    *,
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
    warm: float = WARM,
    hours: int = 24,
) -> list[Row]:
    """The rows: processor time and bytes/s with their goals, then what they were measured by.

    ``path``: the page of the portal; ``seconds``: length of a span, after ``warm``; ``hours`` that the lab has lived
    through before. Errors: :func:`check`.
    """
    pairs: list[tuple[Span, Span]] = []
    with _opened(vms, hours, seconds, warm) as bench:
        for _ in range(rounds):
            pairs.append((bench.play(None), bench.play(path)))
    return rows(pairs)


def rows(pairs: list[tuple[Span, Span]]) -> list[Row]:
    """Rows of rounds, each without views and with: ``reference`` is the goal, ``ratio`` goal / measured."""
    share = max(_LEAST_SHARE, statistics.median(shown.share - bare.share for bare, shown in pairs))
    size = max(_LEAST_BYTES, statistics.median(shown.bytes - bare.bytes for bare, shown in pairs))
    click = max(statistics.median(times) for times in zip(*(shown.clicks for _, shown in pairs), strict=True))
    return [
        Row("portal, Jupyter kernel", share, "% of a core", SHARE, SHARE / share),
        Row("portal, to the page", size, "bytes/s", BYTES, BYTES / size),
        Row("portal, slowest click", click, "ms", CLICK, CLICK / click),
        Row("the same without views", statistics.median(bare.share for bare, _ in pairs), "% of a core"),
        Row("updates of the page", statistics.median(shown.updates for _, shown in pairs), "/s"),
        Row("clock without views", statistics.median(bare.speed for bare, _ in pairs), "x"),
        Row("clock with the portal", statistics.median(shown.speed for _, shown in pairs), "x"),
    ]
