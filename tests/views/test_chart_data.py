"""Jobs, recovery points and cost as charts have them, against what the lab's doors say; stills of any names."""

from __future__ import annotations

import warnings
from datetime import date
from pathlib import Path
from typing import Any

import matplotlib.font_manager
import pytest

import labkit
from labkit import Lab, views
from labkit.azure import billing
from labkit.engine import texts
from labkit.engine.units import HOUR, MINUTE
from labkit.views import charts, churn, costs, jobs, points, stills, titles
from labkit.views.churn import Churn
from labkit.views.jobs import JobRow, TaskRow
from labkit.views.points import PointRow, Points

BEGIN = 1_412_121_600_000


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab of a day with a test failover, a site that is lost, and a failover that stands before its commit."""
    lab = labkit.create(tmp_path_factory.mktemp("charts") / "a.lab", stage="protected")
    lab.run("3h")
    lab.vault.test_failover("MYBSD01", wait=True)
    lab.run("10min")
    lab.vault.complete_test("MYBSD01", wait=True)
    lab.run("15h")
    lab.faults.lose_site()
    lab.run("10min")
    lab.vault.unplanned_failover("MYBSD01", wait=True)
    lab.run("2min")
    return lab


# --- jobs ------------------------------------------------------------------------------------------------------------


def test_jobs_are_those_of_the_door(story: Lab) -> None:
    """Every job and task with title, state and instants as ``lab.jobs`` shows them, the latest first."""
    rows = story.read(jobs.latest)
    assert [row.id for row in rows] == list(reversed(list(story.jobs)))
    for row in rows:
        job = story.jobs[row.id]
        assert (row.target, row.state) == (job.target, job.state)
        shown = [
            (task.title, task.state, instant(story, task.started), instant(story, task.ended)) for task in row.tasks
        ]
        assert shown == [(task.title, task.state, task.started, task.ended) for task in job.tasks]
    assert [row.number for row in story.read(lambda world: jobs.latest(world, 3))] == [row.number for row in rows[:3]]
    table = jobs.frame(story)
    assert len(table) == sum(len(row.tasks) for row in rows)
    assert set(table["task_state"]) <= set(titles.job_states())


def instant(lab: Lab, ms: int) -> str | None:
    return lab.show_instant(ms) if ms else None


def test_job_news_are_the_jobs_that_facts_are_about(story: Lab) -> None:
    """Of all facts: every job; of those after a place: only jobs with a fact since, and those that run have a sign."""
    facts = list(story.facts)
    last = next(n for n, fact in enumerate(facts) if fact["kind"] == "site.lost")
    news = jobs.JobNews(story)
    news.feed(facts[:last])
    place = news.place
    assert len(news.since(0)) == len(story.jobs) - 1
    news.feed(facts[last:])
    assert news.since(place) == [len(story.jobs)]
    assert news.since(news.place) == []
    assert story.read(jobs.running) == {}


# --- recovery points -------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.7-5")
def test_points_are_those_of_the_item(story: Lab) -> None:
    """The same ids, instants and kinds as ``recovery_points``; seconds lost are what looking into a point says."""
    item = story.vault.items["MYWSV01"]
    found = story.read(lambda world: points.read(world, "MYWSV01"))
    assert [(p.id, p.cut, p.kind) for p in found.points] == [(p.id, p.cut, p.kind) for p in item.recovery_points]
    assert len(found.points) > 20
    lost = next(fact["at"] for fact in story.facts if fact["kind"] == "site.lost")
    assert (found.until, found.stopped) == (lost, True), "what was not written is not lost"
    table = points.frame(story, "MYWSV01")
    assert table["lost_s"].tolist() == [(lost - p.cut) / 1000 for p in found.points]


def test_what_a_failover_lost_is_what_the_chart_said(story: Lab) -> None:
    """RPO achieved by the failover that followed: the seconds the chart had for its point before."""
    failover = story.vault.failovers[-1]
    found = story.read(lambda world: points.read(world, "MYBSD01"))
    chosen = found.points[-1]
    assert failover.rpo == (found.until - chosen.cut) / 1000
    assert failover.point == story.show_instant(chosen.cut)


def test_looked_into_points_have_orders(story: Lab) -> None:
    """With ``look`` the table has orders and bytes of ``look_into``: more the older the point."""
    with labkit.create(story.path.with_name("young.lab"), stage="protected") as young:
        young.run("12min")
        table = points.frame(young, "MYWSV01", look=True)
        seen = young.vault.look_into("MYWSV01", int(table["id"].iloc[0]))
        assert table["lost_orders"].iloc[0] == seen.lost_orders > table["lost_orders"].iloc[-1]
        assert table["lost_bytes"].iloc[0] == seen.lost_bytes
        assert table["lost_s"].iloc[0] == seen.age
    empty = story.read(lambda world: points.read(world, "NOBODY"))
    assert empty == Points([], story.clock.ms, stopped=False)


def test_points_are_read_when_facts_may_have_changed_them(story: Lab) -> None:
    """Another VM's cycle changes nothing; its own, and anything but a cycle, may."""
    news = points.PointNews(story)
    before = news.of("A")
    news.feed([{"kind": "cycle", "entity": "B", "at": 1}])
    assert news.of("A") == before
    news.feed([{"kind": "cycle", "entity": "A", "at": 1}])
    middle = news.of("A")
    news.feed([{"kind": "site.lost", "entity": "site", "at": 1}])
    assert len({before, middle, news.of("A")}) == 3


# --- cost ------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("1.3-1")
def test_cost_is_that_of_the_meter(story: Lab) -> None:
    """Dollars and yen by day and component are those of ``lab.azure.meter``; together they are the bill."""
    meter = costs.Meter(story)
    meter.feed(list(story.facts))
    charges = meter.charges(story.clock.ms)
    for currency, name in (("USD", "dollars"), ("JPY", "yen")):
        sums: dict[tuple[str, str], float] = {}
        for row in story.azure.meter():
            if money := getattr(row, name):
                sums[row.day, row.component] = sums.get((row.day, row.component), 0.0) + money
        days = costs.by_day(charges, currency)
        told = {(day.isoformat(), name): amount for day, of in days.items() for name, amount in of.items()}
        assert told == pytest.approx(sums)
        assert sum(told.values()) == pytest.approx(getattr(story.azure.total(), name), abs=0.001)
    assert costs.not_priced(charges) == ["storage"]
    frame = views.costs_by_day(story)
    assert frame["total"].tolist() == pytest.approx([sum(of.values()) for of in costs.by_day(charges).values()])


def test_a_meter_goes_on(story: Lab) -> None:
    """Fed in pieces, asked in between: the same as at once. The last month alone: its charges, unchanged."""
    facts, meter = list(story.facts), costs.Meter(story)
    for start in range(0, len(facts), 50):
        piece = facts[start : start + 50]
        meter.feed(piece)
        meter.charges(int(piece[-1]["at"]))
    later = story.clock.ms + 40 * 24 * HOUR
    whole = billing.charges(facts, later, offset_min=540)
    assert meter.charges(later) == whole
    november = [charge for charge in whole if charge.day >= date(2014, 11, 1)]
    assert november
    assert meter.charges(later, date(2014, 11, 5)) == november
    meter.forget()
    assert meter.charges(later) == []


# --- stills ----------------------------------------------------------------------------------------------------------


def figures(vm: str, story: Lab) -> list[Any]:
    """The four stills with a name in every place there is for one."""
    task = TaskRow(f"Task {vm}", "Failed", BEGIN, BEGIN + MINUTE)
    waits = TaskRow("waits", "NotStarted", 0, 0)
    rows = [
        JobRow(
            n, f"job-{n}", "Planned failover", vm, state, BEGIN + n * MINUTE, BEGIN + (n + 9) * MINUTE, (task, waits)
        )
        for n, state in enumerate(titles.job_states() * 40)
    ]
    there = [PointRow(n, BEGIN + n * MINUTE, points.KINDS[n % 3]) for n in range(144)]
    days = {date(2014, 10, n): dict.fromkeys(billing.COMPONENTS, 1.5 * n) for n in range(1, 32)}
    made = churn.of(story)
    return [
        stills.churn_chart(made, story.clock.ms, pending=12345, offset_min=540),
        stills.points_chart(Points(there, BEGIN + 3 * HOUR, stopped=True), BEGIN + 4 * HOUR, vm=vm, picked=7),
        stills.job_chart(rows, BEGIN + 5 * HOUR),
        stills.cost_chart(days, currency="JPY", unpriced=["storage"]),
    ]


@pytest.mark.parametrize("vm", ["<script>alert(1)</script>", "$x_{$ % _y", "N" * 200])
def test_stills_of_any_names(vm: str, story: Lab) -> None:
    """Names are drawn as they are, cut where they are long; 280 jobs leave 30 rows; nothing is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = figures(vm, story)
        for figure in drawn:
            figure.canvas.draw()
    labels = [text.get_text() for text in drawn[2].axes[0].get_yticklabels()]
    assert len(labels) == stills.MOST_JOBS
    assert all(len(label) <= 46 for label in labels)
    assert vm[:20] in labels[0]
    assert "280" in drawn[2].axes[0].get_title(loc="left")
    assert "<script" not in charts.svg(drawn[1], vm)


def test_stills_in_japanese(story: Lab) -> None:
    """With a font that has them all letters are drawn: no glyph is missing."""
    if not {font.name for font in matplotlib.font_manager.fontManager.ttflist} & set(charts.FONTS):
        pytest.skip("no Japanese font: install fonts-noto-cjk")
    texts.set_language("ja")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            titles = []
            for figure in figures("仮想マシン", story):
                figure.canvas.draw()
                titles.append(figure.axes[0].get_title(loc="left"))
        assert any("復旧ポイント: 仮想マシン" in title for title in titles)
    finally:
        texts.set_language("en")


def test_stills_of_a_lab_in_which_nothing_has_happened(tmp_path: Path) -> None:
    """Each says in words that there is nothing yet."""
    with labkit.create(tmp_path / "bare.lab") as bare:
        now = bare.clock.ms
        drawn = [
            stills.churn_chart(Churn(bare), now),
            stills.points_chart(bare.read(lambda world: points.read(world, "MYWSV01")), now, vm="MYWSV01"),
            stills.job_chart([], now),
            stills.cost_chart({}),
        ]
        said = [" ".join(text.get_text() for text in figure.axes[0].texts) for figure in drawn]
        assert [text.split(".")[0] for text in said] == [
            "No log has crossed the line yet",
            "There is no recovery point",
            "No job has run yet",
            "Nothing of Azure has been used yet",
        ]


def test_where_the_line_is_too_thin_is_hatched(story: Lab) -> None:
    """Mean of the line over a column, by hand; only where more was written than that it is hatched."""
    steps = [churn.Step(0, 100), churn.Step(MINUTE, 0), churn.Step(3 * MINUTE, 50)]
    assert stills.mean(steps, 0, 4 * MINUTE) == (100 * 1 + 0 * 2 + 50 * 1) / 4
    assert stills.mean(steps, 3 * MINUTE, 5 * MINUTE) == 50
    assert stills.mean(steps, 90_000, 2 * MINUTE) == 0
    assert stills.rate_of(churn.Column(0, 2, 1500, 0)) == 100
