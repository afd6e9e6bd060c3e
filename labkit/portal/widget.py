"""The widget: a page's end (an ES module) and Python's, which exchange messages on the loop of the Jupyter kernel."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from labkit.engine import pace
from labkit.engine.errors import LabError
from labkit.portal import words
from labkit.portal.heart import LISTENING, Heart
from labkit.portal.parts import Part

_FILES = (
    "format.js", "plot.js", "rpo.js", "churn.js", "points.js", "jobs.js", "costs.js", "map.js", "clock.js",
    "blocks.js", "dialog.js", "portal.js", "page.js",
)  # fmt: skip
_STYLES = ("page.css", "portal.css")
_FOLDER = Path(__file__).with_name("static")
# How long a cell waits for a page that may still be loading, before it takes it that nobody watches.
_PAGE_SECONDS, _NO_PAGE_SECONDS, _TURN = 8.0, 2.0, 0.05


def module() -> str:
    """The ES module of all views: one text, since a page cannot load files beside it."""
    return "\n".join((_FOLDER / name).read_text("utf-8") for name in _FILES)


class View(anywidget.AnyWidget):
    """Parts of a lab in a page; may be shown any number of times. Shown where no widget can be, it is a picture.

    ``silent``: seconds since a page that shows it was heard; ``known``: whether one ever was. ``identity`` tells a page
    which of its renderings belong together.
    """

    _esm = module()
    _css = "\n".join((_FOLDER / name).read_text("utf-8") for name in _STYLES)
    parts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    words = traitlets.Dict().tag(sync=True)
    identity = traitlets.Unicode().tag(sync=True)

    def __init__(self, title: str, heart: Heart, parts: Sequence[Part]) -> None:
        self._title, self._heart, self._parts = title, heart, {part.name: part for part in parts}
        self._loop: asyncio.AbstractEventLoop | None = None
        with suppress(RuntimeError):  # outside a Jupyter kernel: a picture
            self._loop = asyncio.get_running_loop()
        self.silent, self.known = float("inf"), False
        self._failed: Exception | None = None
        super().__init__(parts=list(self._parts), words=words.page(), identity=uuid.uuid4().hex)
        heart.follower.look(heart.lab)
        heart.leave()
        heart.views.add(self)
        self.on_msg(self._received)

    def __repr__(self) -> str:
        return f"<{self._title} {self._heart.lab.path.name}>"

    # --- the page ----------------------------------------------------------------------------------------------------

    def _received(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A message of the page, on whatever thread it comes: goes on on the loop, where alone the lab is touched."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._handle, content)

    def _handle(self, content: dict[str, Any]) -> None:
        try:
            self._heard(content)
        except Exception as error:
            self.fail(error)

    def _heard(self, content: dict[str, Any]) -> None:
        kind = content.get("kind")
        asleep, self.silent, self.known = self.silent >= LISTENING, 0.0, True
        self._heart.waited = self._heart.alone = False
        self._heart.start()
        try:
            if kind == "do":
                self._parts[content["part"]].do(content["what"], content.get("value"))
            if kind == "hello" or asleep:
                self._heart.follower.look(self._heart.lab)
                self._tell(self.states())
            elif kind == "do":
                self._heart.turn()
        finally:
            self.send({"kind": "alive"})

    def _tell(self, parts: dict[str, Any]) -> None:
        self.send({"kind": "state", "parts": parts})

    def states(self) -> dict[str, Any]:
        """Everything, by part, for a page that has nothing yet."""
        return {name: part.state() for name, part in self._parts.items()}

    def news(self) -> dict[str, Any]:
        """What the pages have not been told, by part."""
        return {name: found for name, part in self._parts.items() if (found := self._of(part.news)) is not None}

    def flush(self) -> None:
        """Send the pages what is new; a part that fails keeps the others' news from nobody, and its error follows."""
        self._failed = None
        if news := self.news():
            self._tell(news)
        if self._failed is not None:
            raise self._failed

    def _of(self, question: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
        """A part's answer; None where it fails, which :meth:`flush` says when the others have been told."""
        try:
            return question()
        except Exception as error:
            self._failed = self._failed or error
            return None

    def fail(self, error: BaseException) -> None:
        """Show an error in the pages; one that is not the person's comes with its traceback in the kernel's log too."""
        if isinstance(error, LabError):
            lines = str(error).splitlines()
        else:
            lines = [words.fault(), "".join(traceback.format_exception_only(error)).strip()]
            traceback.print_exception(error, file=sys.__stderr__)
        self.send({"kind": "error", "lines": lines})

    # --- time --------------------------------------------------------------------------------------------------------

    async def play(self, duration: str | None = None, *, until: str | None = None, speed: float = 600.0) -> None:
        """Let time pass before the reader's eyes, the view shown below the cell; ``await`` it.

        A duration ("2h") or ``until`` an instant with a zone, at ``speed`` virtual seconds per second. Where no page
        shows the view (papermill, nbconvert) it takes no wall time but the wait for a page, once. Errors: those of
        ``Lab.run`` and ``Clock.play``; 900802 when no page has shown the lab for 90 s.
        """
        lab = self._heart.lab
        target = lab.target(duration, until=until)
        lab.clock.check_speed(speed)
        shown = self._show()
        try:
            if await self._watched():
                await self._play_live(target, speed)
            else:
                lab.run(duration, until=until)
        finally:
            if shown is not None:
                shown.update(self._bundle(), raw=True)

    async def _play_live(self, target: int, speed: float) -> None:
        """Until ``target`` is reached; a pause in the page is waited out."""
        clock = self._heart.lab.clock
        self._heart.waiting, self._heart.note, self._heart.alone = target, "", False
        try:
            clock.play(speed, until=target)
            while clock.ms < target:
                await asyncio.sleep(_TURN)
                if clock.error is not None:
                    raise clock.error
                if self._heart.alone:
                    # A page that is opened anew learns of its widgets only when no cell runs: do not wait for it.
                    raise LabError(900802, target=self._heart.lab.show_instant(target), now=self._heart.lab.now)
        finally:
            self._heart.waiting = None
            clock.pause()
            self._heart.turn()

    async def _watched(self) -> bool:
        """Whether a page shows a view of this lab; one that may still be loading is waited for, once."""
        wait = _PAGE_SECONDS if "JPY_SESSION_NAME" in os.environ else _NO_PAGE_SECONDS
        deadline = pace.ticks() + (0 if self._heart.waited or self._loop is None else wait)
        self._heart.waited = True
        while not self._heart.heard and pace.ticks() < deadline:
            await asyncio.sleep(_TURN)
        return self._heart.heard

    def _show(self) -> Any:
        """Show the view below the cell; what brings it up to date, None outside IPython."""
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        if get_ipython() is None:
            return None
        return display(self._bundle(picture=False), raw=True, display_id=True)  # type: ignore[no-untyped-call]

    # --- where no widget can be --------------------------------------------------------------------------------------

    def figure(self) -> Any:
        """The chart as a matplotlib figure of this moment; None for a view without a chart."""
        self._heart.follower.look(self._heart.lab)
        return next((found for part in self._parts.values() if (found := part.figure()) is not None), None)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self._bundle(), {}

    def _bundle(self, *, picture: bool = True) -> dict[str, Any]:
        """Widget, picture of this moment, and a fixed text."""
        from labkit.views import charts

        found: Any = super()._repr_mimebundle_()
        data: dict[str, Any] = dict(found[0] if isinstance(found, tuple) else found or {})
        data["text/plain"] = repr(self)
        figure = self.figure() if picture else None
        if figure is not None:
            import base64

            data["image/png"] = base64.b64encode(charts.png(figure)).decode("ascii")
        return data
