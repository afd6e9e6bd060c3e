"""The site map as a part of a view: drawn whole once, then only what has changed, at most once a second."""

from __future__ import annotations

from typing import Any

from labkit.engine import pace
from labkit.engine.errors import LabError
from labkit.portal.heart import Heart
from labkit.views.sitemap import still
from labkit.views.sitemap.drawing import Drawing, changes, drawing
from labkit.views.sitemap.model import Map
from labkit.views.sitemap.reading import of_world

EVERY = 1.0  # seconds: nobody reads figures that change faster


class MapPart:
    """Both sides of a lab, what lies between them, and whom clients reach."""

    name = "map"

    def __init__(self, heart: Heart) -> None:
        self._heart = heart
        self._seen: tuple[int, ...] = ()
        self._looked = float("-inf")
        self._sent: dict[str, tuple[int, int]] = {}
        self._drawn: Drawing = {}

    def _look(self) -> Map:
        follower = self._heart.follower
        self._seen, self._looked = (follower.round, follower.now, follower.seen), pace.ticks()
        before = {name: found for name, found in self._sent.items() if found[0] < follower.now}
        found = self._heart.lab.read(lambda world: of_world(world, before))
        self._sent = found.sent
        return found

    def state(self) -> dict[str, Any]:
        """The whole drawing (:func:`labkit.views.sitemap.drawing.drawing`)."""
        self._drawn = drawing(self._look())
        return {"all": True, **self._drawn}

    def news(self) -> dict[str, Any] | None:
        """What looks different, when facts or instant are new and the last look is a second old."""
        follower = self._heart.follower
        if self._seen == (follower.round, follower.now, follower.seen) or pace.ticks() - self._looked < EVERY:
            return None
        if not self._drawn:
            return self.state()
        before, self._drawn = self._drawn, drawing(self._look())
        found = changes(before, self._drawn)
        return found if found.keys() > {"things", "links"} or found["things"] or found["links"] else None

    def do(self, what: str, value: Any) -> None:
        """Nothing in the map changes the lab."""
        raise LabError(900801, found=f"{what} {value}")

    def figure(self) -> Any:
        """The same picture, drawn by matplotlib."""
        return still.figure(self._heart.lab.read(of_world))
