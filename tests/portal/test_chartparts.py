"""Churn, recovery points, jobs and cost as parts of a view: deltas, picks, and how little is asked."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit import Lab, LabError, portal
from labkit.engine.units import DAY, MINUTE
from labkit.portal import heart as hearts
from labkit.portal import seldom, words
from labkit.portal.chartparts import ChurnPart, CostPart, JobsPart, PointsPart
from labkit.portal.widget import View
from labkit.views import churn, jobs, points
from tests.portal.conftest import turns


class Told:
    """What a page knows of a part, put together as the page does; every message goes through JSON."""

    def __init__(self, part: Any) -> None:
        self.part = part
        self.minutes: dict[int, list[float]] = {}
        self.line: list[Any] = []
        self.points: list[Any] = []
        self.jobs: dict[int, Any] = {}
        self.days: dict[str, Any] = {}
        self.last: dict[str, Any] = {}
        self.messages = 0
        self.take(part.state())

    def turn(self) -> None:
        news = self.part.news()
        if news is not None:
            self.take(news)

    def take(self, state: dict[str, Any]) -> None:
        state = json.loads(json.dumps(state))
        self.messages += 1
        if state.get("all"):
            self.minutes, self.line, self.points, self.jobs, self.days = {}, [], [], {}, {}
        for first, wrote, came in state.get("hours", []):
            self.minutes.update({minute: [wrote / 60, came / 60] for minute in range(first, first + 60)})
        self.minutes.update({minute: [wrote, came] for minute, wrote, came in state.get("minutes", [])})
        self.line += state.get("line", [])
        if "points" in state:
            self.points = [p for p in self.points if p[0] not in state["gone"]] + state["points"]
        self.jobs.update({job[0]: job for job in state.get("jobs", [])})
        self.days.update(dict(state.get("days", [])))
        self.last.update(state)


def parts_of(lab: Lab) -> tuple[hearts.Heart, list[Any]]:
    heart = hearts.of(lab)
    made = [ChurnPart(heart), PointsPart(heart, "MYWSV01"), JobsPart(heart), CostPart(heart)]
    heart.follower.look(lab)
    return heart, made


def test_deltas_make_the_whole(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that was told everything once and then what is new knows what one knows that asks at the end.

    The story has an outage, a failover with a job that waits, and a throttle; looks come at any time.
    """
    monkeypatch.setattr(seldom, "_SHARE", 0)  # prices are asked for at each look
    monkeypatch.setattr(seldom, "_LEAST", 0)
    chance = random.Random(8)
    heart, made = parts_of(lab)
    told = [Told(part) for part in made]
    steps = [
        lambda: lab.site.throttle("2Mbps"),
        lab.faults.lose_line,
        lab.faults.restore_line,
        lambda: lab.vault.test_failover("MYBSD01"),
        lambda: lab.vault.planned_failover("MYWSV01"),
        lambda: None,
    ]
    for step in steps:
        step()
        for _ in range(6):
            lab.run(f"{chance.randrange(1, 400_000)}ms")
            heart.follower.look(lab)
            for page in told:
                page.turn()
    churned, pointed, jobbed, cost = told
    for page, part in zip(told, parts_of(lab)[1], strict=True):
        whole = Told(part)
        for name in ("minutes", "line", "points", "jobs", "days"):
            assert getattr(page, name) == getattr(whole, name), (page.part.name, name)
        assert page.last["now"] == whole.last["now"] == lab.clock.ms
        assert page.messages > 10
    assert churned.last["pending"] == lab.read(churn.pending)
    assert churned.last["known"] == churn.of(lab).known
    assert [p[0] for p in pointed.points] == [p.id for p in lab.vault.items["MYWSV01"].recovery_points]
    assert {job[4] for job in jobbed.jobs.values()} >= {"Succeeded", "Suspended"}
    assert sum(sum(of.values()) for of in cost.days.values()) == pytest.approx(lab.azure.total().dollars, abs=0.001)


def test_a_point_is_picked_and_looked_into(lab: Lab) -> None:
    """A pick is remembered, told to the caller, and says what the lab's own look into the point says; None lets go."""
    picked: list[int | None] = []
    lab.run("20min")
    heart = hearts.of(lab)
    part = PointsPart(heart, "MYWSV01", on_pick=picked.append)
    heart.follower.look(lab)
    told = Told(part)
    there = lab.vault.items["MYWSV01"].recovery_points
    part.do("pick", there[1].id)
    told.turn()
    seen = lab.vault.look_into("MYWSV01", there[1].id)
    look = told.last["look"]
    assert (part.picked, picked) == (there[1].id, [there[1].id])
    assert told.last["picked"] == there[1].id
    assert (look["orders"], look["bytes"], look["seconds"]) == (seen.lost_orders, seen.lost_bytes, seen.age)
    assert look["orders"] > 30
    with pytest.raises(LabError) as refused:
        part.do("pick", 4711)
    assert refused.value.code == 900522
    assert part.picked == there[1].id
    with pytest.raises(LabError):
        part.do("dance", None)
    part.do("pick", None)
    told.turn()
    assert (part.picked, picked[-1], told.last["look"]) == (None, None, None)


def test_a_picked_point_that_is_thinned_out_is_let_go(lab: Lab) -> None:
    """An hour later a point of the last hour is gone: the page knows, and so does the caller."""
    picked: list[int | None] = []
    lab.run("20min")
    heart = hearts.of(lab)
    part = PointsPart(heart, "MYBSD01", on_pick=picked.append, look=False)
    heart.follower.look(lab)
    told = Told(part)
    part.do("pick", told.points[4][0])
    lab.run("3h")
    heart.follower.look(lab)
    told.turn()
    assert part.picked is None
    assert picked[-1] is None
    assert len(picked) == 2


def test_a_point_that_cannot_be_looked_into_says_why(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused (the certificate is missing): the point is picked all the same, with cause and cure in words."""

    def refuse(vm: str, point: int) -> None:
        raise LabError(900563, vm=vm)

    lab.run("10min")
    heart = hearts.of(lab)
    part = PointsPart(heart, "MYWSV01")
    heart.follower.look(lab)
    told = Told(part)
    monkeypatch.setattr(lab.vault, "look_into", refuse)
    part.do("pick", told.points[0][0])
    told.turn()
    assert told.last["picked"] == told.points[0][0]
    assert "certificate" in told.last["look"]["note"]


def test_a_click_in_the_page_picks(lab: Lab) -> None:
    """The page's message reaches the part, and its answer the page; a refusal is shown with its code."""

    async def story() -> None:
        lab.run("10min")
        view = portal.recovery_points(lab, "MYWSV01")
        wire: Any = view.comm
        wire.page({"kind": "hello"})
        await turns()
        there = wire.sent[0]["parts"]["points"]["points"]
        wire.page({"kind": "do", "part": "points", "what": "pick", "value": there[0][0]})
        wire.page({"kind": "do", "part": "points", "what": "pick", "value": "nothing"})
        await turns()
        states = [message["parts"]["points"] for message in wire.sent if message["kind"] == "state"]
        assert any(state.get("picked") == there[0][0] and state["look"]["orders"] > 0 for state in states)
        errors = [message["lines"] for message in wire.sent if message["kind"] == "error"]
        assert "900522" in errors[0][0]

    asyncio.run(story())


def test_cost_in_another_currency(lab: Lab) -> None:
    """Yen instead of dollars: everything is told anew at the lab's rate; another currency is refused."""
    lab.run("6h")
    heart = hearts.of(lab)
    part = CostPart(heart)
    heart.follower.look(lab)
    told = Told(part)
    dollars = dict(told.days)
    part.do("currency", "JPY")
    told.turn()
    assert told.last["currency"] == "JPY"
    total = lab.azure.total()
    for day, of in told.days.items():
        assert sum(of.values()) == pytest.approx(sum(dollars[day].values()) * total.yen_per_dollar)
    for wrong in (("currency", "EUR"), ("dance", None)):
        with pytest.raises(LabError):
            part.do(*wrong)
    with pytest.raises(LabError) as refused:
        portal.cost_chart(lab, prices="gold")
    assert refused.value.code == 900241


def test_nothing_is_read_when_nothing_is_new(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a new fact the lab is not asked; a fact about another VM does not read a VM's points."""
    lab.run("10min")
    heart, made = parts_of(lab)
    for part in made:
        part.state()
    asked: list[str] = []
    read = lab.read

    def count(question: Any) -> Any:
        asked.append(repr(question))
        return read(question)

    monkeypatch.setattr(lab, "read", count)
    assert [part.news() for part in made] == [None] * 4
    assert asked == []
    churned, pointed, jobbed, cost = made
    while {(fact["kind"], fact["entity"]) for fact in lab.news(heart.follower.seen)[2]} != {("cycle", "MYBSD01")}:
        heart.follower.look(lab)
        for part in made:
            part.news()
        lab.run("1s")
    heart.follower.look(lab)
    asked.clear()
    news = pointed.news()
    assert set(news) == {"now", "until", "stopped", "picked", "look"}
    assert jobbed.news() == {"now": lab.clock.ms, "jobs": []} if not asked else pytest.fail(str(asked))
    minutes = churned.news()["minutes"]
    assert 1 <= len(minutes) <= 8, "the minutes of one cycle"
    assert cost.news() is None, "prices are asked a second later at the earliest"


def test_readers_are_shared(lab: Lab) -> None:
    """Two charts of a lab count once; another file in the lab's place begins anew."""
    heart, made = parts_of(lab)
    again = ChurnPart(heart)
    assert again._churn is made[0]._churn
    lab.run("10min")
    heart.follower.look(lab)
    assert Told(again).minutes == Told(made[0]).minutes != {}


def test_another_file_in_the_lab_s_place(tmp_path: Path) -> None:
    """A checkpoint put in the lab's place: each part tells everything anew, of the time it is now."""
    with labkit.create(tmp_path / "a.lab", stage="protected") as lab:
        lab.run("10min")
        saved = lab.copy(tmp_path / "saved.lab")
        lab.run("2h")
        heart, made = parts_of(lab)
        told = [Told(part) for part in made]
        heart.follower.seen += 10_000  # as if many more facts had been there
        with labkit.open(saved) as before:
            monkey = pytest.MonkeyPatch()
            for name in ("news", "read"):
                monkey.setattr(lab, name, getattr(before, name))
            heart.follower.look(lab)
            for page in told:
                page.turn()
            monkey.undo()
            assert {page.last["now"] for page in told} == {before.clock.ms}
            assert told[0].minutes == Told(parts_of(before)[1][0]).minutes


def test_a_month_is_told_by_hours(lab: Lab) -> None:
    """What is older than a day comes by hours: few numbers, the same bytes."""
    heart, made = parts_of(lab)
    part = made[0]
    for minute in range(heart.follower.now // MINUTE - 30 * 1440, heart.follower.now // MINUTE):
        part._churn.written[minute] += 60
    state = part.state()
    assert len(state["minutes"]) <= 1500
    assert len(state["hours"]) == pytest.approx(29 * 24, abs=1)
    told = Told(part)
    assert sum(wrote for wrote, _ in told.minutes.values()) == pytest.approx(sum(part._churn.written.values()))
    since = (heart.follower.now - DAY) // MINUTE
    assert min(minute for minute, _, _ in state["minutes"]) <= since < state["hours"][-1][0] + 2 * 60


def test_the_newest_jobs_are_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many jobs the latest, the latest first."""
    monkeypatch.setattr(jobs.latest, "__defaults__", (3,))
    _heart, made = parts_of(lab)
    assert [row[0] for row in made[2].state()["jobs"]] == sorted((int(n[4:]) for n in lab.jobs), reverse=True)[:3]


@pytest.mark.parametrize("name", ["churn_chart", "recovery_points", "job_chart", "cost_chart"])
def test_views_by_name(lab: Lab, name: str) -> None:
    """Each is a view with its part, a picture where no widget can be, and a fixed text; other clicks are refused."""
    lab.run("10min")
    view: View = getattr(portal, name)(lab, *(["MYWSV01"] if name == "recovery_points" else []))
    bundle = view._repr_mimebundle_()[0]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == f"<{name} a.lab>"
    (part,) = view._parts.values()
    assert view.parts == [part.name]
    with pytest.raises(LabError) as refused:
        part.do("dance", None)
    assert refused.value.code == 900801


def test_bare_labs_and_wrong_names(tmp_path: Path) -> None:
    """A lab in which nothing was done: every part tells its emptiness; a VM that the site has not is refused."""
    with labkit.create(tmp_path / "bare.lab") as bare:
        told = [Told(part) for part in parts_of(bare)[1]]
        assert (told[0].minutes, told[0].last["known"], told[0].last["pending"]) == ({}, None, 0)
        assert (told[1].points, told[2].jobs, told[3].days) == ([], {}, {})
        assert told[1].last["kinds"] == [[kind, kind] for kind in points.KINDS]
        with pytest.raises(LabError) as refused:
            portal.recovery_points(bare, "<script>")
        assert refused.value.code == 900010


def test_words_have_no_key_twice() -> None:
    """The page's words are the sum of the parts' words: none hides another."""
    pieces = [part() for part in words.PARTS]
    assert sum(len(piece) for piece in pieces) == len(words.page())
