"""The portal as a view: clock, screen, and the charts that the open page shows."""

from __future__ import annotations

from typing import Any

from labkit.portal import words
from labkit.portal.heart import Heart
from labkit.portal.mappart import MapPart
from labkit.portal.parts import ClockPart, Part, RpoPart
from labkit.portal.screen import Screen
from labkit.portal.widget import View


class PortalView(View):
    """A view whose charts are told to its pages only while the open page shows them."""

    def __init__(self, heart: Heart, path: tuple[str, ...] = ("quick",)) -> None:
        charts: list[Part] = [RpoPart(heart), MapPart(heart)]
        self.screen = Screen(heart, path, [chart.name for chart in charts])
        self.screen.spoken = self._spoken
        self._shown: list[str] = []
        super().__init__("portal", heart, [ClockPart(heart), self.screen, *charts])

    def _spoken(self) -> None:
        """The language was changed: the pages build themselves anew with its words."""
        self.words = words.page()

    def go(self, *path: str) -> PortalView:
        """Open a page, such as ``go("items", "OnPremise Cloud")``."""
        self.screen.do("go", path)
        self.flush()
        return self

    def states(self) -> dict[str, Any]:
        """Everything of the parts that can be seen."""
        found = {name: self._parts[name].state() for name in ("clock", "portal")}
        self._shown = self.screen.charts
        return {**found, **{name: self._parts[name].state() for name in self._shown}}

    def news(self) -> dict[str, Any]:
        """What is new of them; a chart that comes into sight is told whole."""
        found = {name: self._parts[name].news() for name in ("clock", "portal")}
        for name in self.screen.charts:
            part = self._parts[name]
            found[name] = part.news() if name in self._shown else part.state()
        self._shown = self.screen.charts
        return {name: state for name, state in found.items() if state is not None}
