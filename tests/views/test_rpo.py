"""RPO break points from facts, against what the lab itself says at any instant; charts hold no addresses."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

import labkit
from labkit import Lab
from labkit.views import charts, rpo
from labkit.views.rpo import BreakPoint


def compare(lab: Lab, instants: list[tuple[int, dict[str, int | None]]]) -> int:
    """Each RPO the lab told at an instant is on the curve; returns how many there were."""
    curves = rpo.break_points(lab.facts, lab.clock.ms)
    counted = 0
    for at, told in instants:
        for vm, value in told.items():
            assert rpo.at(curves.get(vm, []), at) == value, (vm, at)
            counted += value is not None
    return counted


@pytest.mark.rule("2.9-4")
def test_curve_is_what_the_lab_says(tmp_path: Path) -> None:
    """At 60 odd instants of a life with outage, failover and failback the curve has the lab's own RPO, or none."""
    chance, told = random.Random(7), []
    with labkit.create(tmp_path / "a.lab", stage="protected") as lab:
        vault = lab.vault

        def watch(times: int) -> None:
            for _ in range(times):
                lab.run(f"{chance.randrange(1, 400_000)}ms")
                items = lab.status()["items"]
                told.append((lab.clock.ms, {name: item["rpo_ms"] for name, item in items.items()}))

        watch(20)
        vault.planned_failover("MYBSD01", wait=True)
        watch(5)
        lab.faults.lose_site()
        watch(5)
        vault.unplanned_failover("MYWSV01")
        watch(5)
        lab.wait(vault.items["MYWSV01"])
        vault.commit("MYWSV01", wait=True)
        lab.faults.restore_site()
        vault.failback("MYWSV01", wait=True)
        watch(5)
        vault.complete_failover("MYWSV01", wait=True)
        vault.commit("MYWSV01", wait=True)
        vault.reverse_replication("MYWSV01", wait=True)
        watch(20)
        assert compare(lab, told) > 50
        curves = rpo.break_points(lab.facts, lab.clock.ms)
        assert set(curves) == {"MYWSV01", "MYBSD01", "failback/MYWSV01"}


def test_break_points_of_one_cycle() -> None:
    """Replication begins at the end of the job, drops at the cycle to its cut, and ends at the failover."""
    facts = [
        {"at": 1000, "kind": "initial.started", "entity": "A", "bytes": 1},
        {"at": 2000, "kind": "initial.ended", "entity": "A"},
        {"at": 3000, "kind": "job.ended", "entity": "A", "scenario": "IrCompletion", "state": "Succeeded"},
        {"at": 5000, "kind": "cycle", "entity": "A", "cut": 4500, "bytes": 1, "started": 4500, "late": 0},
        {"at": 9000, "kind": "failover", "entity": "A", "operation": "PlannedFailover"},
        {"at": 9500, "kind": "cycle", "entity": "B", "cut": 1},
    ]
    found = rpo.break_points(facts, 20_000)
    assert found == {"A": [(3000, 2000), (5000, 4000), (5000, 500), (9000, 4500), (9000, None)]}
    assert rpo.worst(found["A"]) == 4500
    assert [rpo.at(found["A"], at) for at in (2999, 3000, 4000, 5000, 8999, 9000)] == [
        None,
        2000,
        3000,
        500,
        4499,
        None,
    ]


def test_frame() -> None:
    """The table has instants with the site's zone, seconds, and NaN where a curve ends."""
    table = rpo.frame({"A": [BreakPoint(1_412_121_600_000, 1500), BreakPoint(1_412_121_601_000, None)]}, 540)
    assert table["at"].iloc[0].isoformat() == "2014-10-01T09:00:00+09:00"
    assert table["rpo_s"].tolist()[0] == 1.5
    assert table["rpo_s"].isna().tolist() == [False, True]


def saw(cycles: int) -> list[BreakPoint]:
    """A saw-tooth of 30 s cycles with one high tooth."""
    points = []
    for number in range(cycles):
        height = 90_000 if number == cycles // 3 else 30_000
        points += [BreakPoint(number * 30_000, 500), BreakPoint(number * 30_000 + 29_999, height)]
    return points


def test_thinning_keeps_what_matters() -> None:
    """A month of cycles is thinned to a few thousand points, and its highest and lowest are among them."""
    points = saw(86_400)
    thinned = charts.thin(points)
    assert len(thinned) <= charts.MOST_POINTS + 2
    assert rpo.worst(thinned) == 90_000
    assert [point.at for point in thinned] == sorted(point.at for point in thinned)
    assert charts.thin(points[:100]) == points[:100]


def test_thinning_keeps_where_a_curve_begins_and_goes_on() -> None:
    """First and last point stay, peaks stay before their drops, and each end of a curve is there."""
    points = [*saw(2_000), BreakPoint(70_000_000, 40_000), BreakPoint(70_000_000, None), *[
        BreakPoint(point.at + 80_000_000, point.rpo) for point in saw(2_000)
    ], BreakPoint(150_000_000, 20_000), BreakPoint(150_000_001, 15_000), BreakPoint(150_000_002, 17_000)]  # fmt: skip
    thinned = charts.thin(points, 300)
    assert len(thinned) < 700
    assert (thinned[0], thinned[-1]) == (points[0], points[-1])
    places = [points.index(point) for point in thinned]
    assert places == sorted(places)
    assert BreakPoint(70_000_000, None) in thinned


def test_two_hundred_vms_leave_room_for_the_chart() -> None:
    """The legend names the twelve that stand highest and says how many more there are; nothing is warned of."""
    curves = {f"VM{number:03}": saw(20) for number in range(199)}
    curves["WORST"] = [*saw(20), BreakPoint(2_000_000, 3_000_000)]
    figure = charts.rpo_chart(curves, target=60_000)
    figure.canvas.draw()
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert len(legend) == 14
    assert "WORST" in legend
    assert "188" in legend[-1]
    assert figure.axes[0].get_position().height > 0.4


def test_names_are_no_formulas() -> None:
    """Names that a formula could be made of, or that begin with an underscore, are drawn as they are."""
    figure = charts.rpo_chart({"a$x_{$": saw(3), "a$b$c": saw(3), "_under": saw(3)})
    assert charts.png(figure).startswith(b"\x89PNG")
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["_under", "a$b$c", "a$x_{$"]


def test_pictures_hold_no_addresses() -> None:
    """SVG and PNG name nothing but w3.org's namespaces, the SVG takes the page's colours, both are the same twice."""
    marks = [charts.Mark(60_000, "one"), charts.Mark(61_000, "two"), charts.Mark(2_000_000, "three & <four>")]

    def draw() -> tuple[str, bytes]:
        figure = charts.rpo_chart({"A": saw(100), "failback/A": saw(10)}, target=60_000, marks=marks, offset_min=540)
        return charts.svg(figure, 'RPO "A" & <B>'), charts.png(figure)

    svg, png = draw()
    assert (svg, png) == draw()
    assert set(re.findall(r"https?://[^\"' >]*", svg)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert b"http" not in png
    assert png.startswith(b"\x89PNG")
    assert "var(--series-1" in svg
    assert "<style" not in svg
    assert charts.together(marks, 5000) == [(0, 1), (2, 2)]
