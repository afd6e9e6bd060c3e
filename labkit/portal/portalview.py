"""The portal as a view: clock, screen, and the charts that the open page shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from labkit.engine.texts import gettext as _
from labkit.lab import costs
from labkit.portal import words
from labkit.portal.chartparts import ChurnPart, CostPart, JobsPart, PointsPart
from labkit.portal.heart import Heart
from labkit.portal.mappart import MapPart
from labkit.portal.parts import ClockPart, Part, RpoPart
from labkit.portal.screen import Screen
from labkit.portal.widget import View
from labkit.views import churn
from labkit.views.churn import Churn, ChurnBetweenSites

_CHARTS: dict[str, Callable[[Heart], Part]] = {
    "rpo": RpoPart,
    "churn": ChurnPart,
    "jobs": JobsPart,
    "cost": CostPart,
    "map": MapPart,
}
_POINTS = "points"  # of one VM: that of the open page
_AHEAD = 1_000  # facts, ten milliseconds


class PortalView(View):
    """A view whose charts are made when a page first shows them, and told to its pages only while one does."""

    def __init__(self, heart: Heart, path: tuple[str, ...] = ("quick",)) -> None:
        names = [*_CHARTS, _POINTS]
        self.screen = Screen(heart, path, names)
        self.screen.spoken = self._spoken
        self._told: set[tuple[str, str]] = set()  # charts that every page knows as they were when last shown
        self._churn = ChurnBetweenSites if churn.between_sites(heart.lab) else Churn
        self._ahead: Any = None
        super().__init__("portal", heart, [ClockPart(heart), self.screen, RpoPart(heart)])
        self.parts = ["clock", "portal", *names]
        self._pointer: Any = None  # what the cell shows instead while the portal is in a tab

    def _spoken(self) -> None:
        """The language was changed: the pages build themselves anew with its words."""
        self.words = words.page()

    def go(self, *path: str) -> PortalView:
        """Open a page, such as ``go("items", "OnPremise Cloud")``."""
        self.screen.do("go", path)
        self.flush()
        return self

    def flush(self) -> None:
        """Send the pages what is new; then read a little of what charts and bill need of the past when first shown."""
        super().flush()
        lab = self._heart.lab
        self._ahead = self._heart.follower.prepare(lab, self._churn, _AHEAD)
        lab.read(lambda world: costs.read_ahead(world, _AHEAD))

    def aside(self) -> None:
        """Open it in a tab to the right of the notebook, in place of the lab's tab before; the cell only says so.

        Where no widget can be, the cell shows the picture all the same.
        """
        from IPython.display import display
        from ipywidgets import Label
        from sidecar import Sidecar

        if self._heart.aside is not None:
            self._heart.aside.close()
        self._heart.aside = Sidecar(title=self._heart.lab.path.name, anchor="split-right")
        with self._heart.aside:
            display(self._bundle(picture=False), raw=True)  # type: ignore[no-untyped-call]
        self._pointer = Label(_("The portal is in the tab {name}.").format(name=self._heart.lab.path.name))

    def _repr_mimebundle_(self, **options: Any) -> Any:
        data, metadata = super()._repr_mimebundle_(**options)
        if self._pointer is None:
            return data, metadata
        widget = "application/vnd.jupyter.widget-view+json"
        return {**data, widget: self._pointer._repr_mimebundle_()[widget]}, metadata

    def _charts(self) -> list[tuple[str, str]]:
        """The charts of the open page, and what each is of."""
        return [(name, self.screen.vm if name == _POINTS else "") for name in self.screen.charts]

    def _chart(self, name: str, of: str) -> Part:
        found = self._parts.get(name)
        if name == _POINTS:
            if not isinstance(found, PointsPart) or found.vm != of:
                found = PointsPart(self._heart, of, on_pick=self.screen.pick)
            found.show(self.screen.point)
        elif found is None:
            found = _CHARTS[name](self._heart)
        self._parts[name] = found
        return found

    def states(self) -> dict[str, Any]:
        """Everything of the parts that can be seen."""
        found = {name: self._parts[name].state() for name in ("clock", "portal")}
        self._told = set(self._charts())
        return {**found, **{name: self._chart(name, of).state() for name, of in self._told}}

    def news(self) -> dict[str, Any]:
        """What is new of them; a chart that comes into sight is told whole, unless all pages have had it before."""
        found = {name: self._of(self._parts[name].news) for name in ("clock", "portal")}
        for name, of in self._charts():
            others = {one for one in self._told if one[0] != name}  # of one VM at a time
            found[name] = self._of(partial(self._chart_news, name, of))
            # One that failed is told whole when it answers again.
            self._told = others if self._failed else others | {(name, of)}
        return {name: state for name, state in found.items() if state is not None}

    def _chart_news(self, name: str, of: str) -> dict[str, Any] | None:
        part = self._chart(name, of)
        return part.news() if (name, of) in self._told else part.state()
