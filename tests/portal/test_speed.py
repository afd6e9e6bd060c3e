"""What keeps the portal quick: nothing asked or told twice, the past read bit by bit; and the answers are the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from labkit import Lab, portal
from labkit.azure import billing
from labkit.azure.prices import price_list
from labkit.engine import pace
from labkit.lab import costs
from labkit.portal import pages
from labkit.portal.seldom import Answers
from labkit.views.churn import Churn
from labkit.views.rpo import Follower
from tests.portal.conftest import turns

HELLO = {"kind": "hello"}


def go(*path: str) -> dict[str, Any]:
    return {"kind": "do", "part": "portal", "what": "go", "value": list(path)}


def told(view: Any) -> list[dict[str, Any]]:
    """The states that were sent since the last call."""
    found = [message["parts"] for message in view.comm.sent if message["kind"] == "state"]
    view.comm.sent.clear()
    return found


def test_a_click_asks_its_page_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page that a click opens is built once, and told with that turn."""
    built: list[tuple[str, ...]] = []
    build = pages.build

    def noted(context: Any) -> Any:
        built.append(context.path)
        return build(context)

    monkeypatch.setattr(pages, "build", noted)

    async def story() -> None:
        view = portal.open(lab)
        view.comm.page(HELLO)
        await turns()
        told(view)
        built.clear()
        view.comm.page(go("items", "OnPremise Cloud", "vms"))
        await turns()
        (state,) = told(view)
        assert state["portal"]["head"]["path"] == ["items", "OnPremise Cloud", "vms"]
        assert built == [("items", "OnPremise Cloud", "vms")]

    asyncio.run(story())


def test_a_chart_that_comes_back_is_told_only_what_is_new(lab: Lab) -> None:
    """The Dashboard's chart once whole, then from where it was; whole again for a page that is opened anew."""

    async def story() -> None:
        view = portal.open(lab, "dashboard")
        view.comm.page(HELLO)
        await turns()
        whole = told(view)[0]["rpo"]
        assert whole["all"]
        view.comm.page(go("jobs"))
        await turns()
        lab.run("10min")
        told(view)
        view.comm.page(go("dashboard"))
        await turns()
        news = told(view)[-1]["rpo"]
        assert "all" not in news
        assert all(points[0][0] >= whole["now"] for points in news["series"].values())
        assert news["series"]
        view.comm.page(go("jobs"))
        view.comm.page(HELLO)  # a second page, which has no chart yet
        view.comm.page(go("dashboard"))
        await turns()
        again = told(view)[-1]["rpo"]
        assert again["all"]
        assert again["series"] == {name: [*points, *news["series"][name]] for name, points in whole["series"].items()}

    asyncio.run(story())


def test_the_past_bit_by_bit_is_the_past(lab: Lab) -> None:
    """Churn and bill of a lab, read a few facts at a time while time goes on, are those of all facts at once."""
    follower = Follower()
    follower.look(lab)
    reader = follower.prepare(lab, Churn, 7)
    for _ in range(5):
        lab.run("10min")
        follower.look(lab)
        assert follower.prepare(lab, Churn, 7) is reader
        lab.read(lambda world: costs.read_ahead(world, 5))
    assert sum(reader.written.values()) == 0, "so far only a part was read"
    assert follower.reader(lab, Churn) is reader
    every = Churn(lab)
    every.feed(list(lab.facts))
    assert (reader.written, reader.arrived, reader.known) == (every.written, every.arrived, every.known)
    assert sum(reader.written.values()) > 0
    for _ in range(2):
        kept = lab.read(costs.charges)
        counted = lab.read(lambda world: billing.priced(_counted_anew(world), price_list()))
        assert kept == counted
        assert kept
        lab.run("1d")


def _counted_anew(world: Any) -> Any:
    world.cache.pop(next(key for key in world.cache if key[0] == "meter"))
    return billing.usage(world, 540, "grs")


def test_what_costs_much_is_asked_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer for an earlier state is given, and known to be late, until it may be asked anew; forgotten: at once."""
    clock = [0.0]
    monkeypatch.setattr(pace, "ticks", lambda: clock[0])
    asked: list[int] = []

    def question() -> int:
        clock[0] += 0.1
        asked.append(len(asked))
        return asked[-1]

    answers = Answers()
    assert (answers.ask("a", 1, question), answers.ask("a", 1, question), answers.late) == (0, 0, False)
    assert (answers.ask("a", 2, question), answers.late) == (0, True)
    clock[0] += 41  # 400 times what it took
    answers.late = False
    assert (answers.ask("a", 2, question), answers.late) == (1, False)
    answers.forget()
    assert answers.ask("a", 2, question) == 2
