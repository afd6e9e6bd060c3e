"""The site map as a part of a view, without a page: the whole, then changes, seldom; and the picture."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from labkit import Lab, LabError, portal
from labkit.engine import pace
from labkit.portal import heart as hearts
from labkit.portal.mappart import MapPart
from labkit.views import sitemap
from labkit.views.sitemap.drawing import drawing
from tests.portal.conftest import turns


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The wall clock of the map, in seconds: a test sets ``at[0]``."""
    now = [0.0]
    monkeypatch.setattr(pace, "ticks", lambda: now[0])
    return now


def test_the_whole_and_then_what_changes(lab: Lab, at: list[float]) -> None:
    """Put together, the whole and all changes are the drawing of the last instant; nothing new, nothing said."""
    beating = hearts.of(lab)
    beating.follower.look(lab)
    part = MapPart(beating)
    known = part.state()
    assert known["all"] is True
    assert part.news() is None
    steps = [
        lambda: lab.run("7min"),
        lab.faults.lose_line,
        lambda: lab.site.turn_off("MYWSV02"),
        lambda: None,
    ]
    said = []
    for step in steps:
        step()
        at[0] += 1.5
        beating.follower.look(lab)
        news = part.news()
        said.append(news)
        for name, value in (news or {}).items():
            known[name] = {**known[name], **value} if name in ("things", "links") else value
        for group, order in zip(("things", "links"), known["order"], strict=True):
            known[group] = {name: known[group][name] for name in order}
    assert said[-1] is None
    assert known == {"all": True, **drawing(lab.read(lambda world: sitemap.of_world(world, part._sent)))}
    assert "server/DC01" not in {name for news in said[:-1] for name in news["things"]}


def test_at_most_once_a_second(lab: Lab, at: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty looks in a second of play read the world once; after that second what is new comes."""
    beating = hearts.of(lab)
    beating.follower.look(lab)
    part = MapPart(beating)
    part.state()
    looks: list[int] = []
    real = part._look
    monkeypatch.setattr(part, "_look", lambda: (looks.append(1), real())[1])
    for _ in range(20):
        at[0] += 0.06
        lab.run("1min")
        beating.follower.look(lab)
        part.news()
    assert len(looks) == 1


def test_in_a_view(lab: Lab, page: Any) -> None:
    """A page that says hello is told the map; its picture is one, and a click on it is refused."""

    async def story() -> None:
        view = portal.site_map(lab)
        view.comm.page({"kind": "hello"})
        await turns()
        told = next(message for message in view.comm.sent if message["kind"] == "state")
        assert "stored/MYWSV01" in told["parts"]["map"]["things"]
        assert view._repr_mimebundle_()[0]["image/png"]
        assert repr(view) == "<site_map a.lab>"

    asyncio.run(story())
    with pytest.raises(LabError) as refused:
        MapPart(hearts.of(lab)).do("move", "HV01")
    assert refused.value.code == 900801
