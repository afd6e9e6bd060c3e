"""Charts of churn, recovery points, jobs and cost, the ES module alone in Chromium: drawn, said, picked, read."""

from __future__ import annotations

import random
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page

from labkit.azure.billing import COMPONENTS
from labkit.engine import units
from labkit.portal.widget import module
from labkit.views import charts, churn, costs, titles
from labkit.views.points import KINDS
from tests.browser.test_module import BEGIN, MINUTE, Shown, stop_clock

pytestmark = pytest.mark.browser
HOUR = 60 * MINUTE
FIRST = BEGIN // MINUTE
NASTY = ["<script>window.bad = 1</script>", "<img src=x onerror='window.bad = 1'>", "N" * 200]


def churned(minutes: list[list[float]], known: int | None, line: list[list[int]], **more: Any) -> dict[str, Any]:
    """A whole state of the churn chart."""
    found = {
        "all": True, "now": BEGIN + 2 * HOUR, "offset": 540, "widths": list(churn.WIDTHS), "hours": [],
        "minutes": minutes, "line": line, "known": known, "pending": 5 << 20, "silent": 0,
    }  # fmt: skip
    return {**found, **more}


def pointed(points: list[list[Any]], **more: Any) -> dict[str, Any]:
    """A whole state of the recovery points."""
    found = {
        "all": True, "vm": "MYWSV01", "offset": 540, "kinds": [(kind, titles.point(kind)) for kind in KINDS],
        "points": points, "gone": [], "now": BEGIN + HOUR, "until": BEGIN + HOUR, "stopped": False, "picked": None,
        "look": None,
    }  # fmt: skip
    return {**found, **more}


def job(number: int, state: str = "Succeeded", target: str = "MYWSV01", **more: Any) -> list[Any]:
    """A job of ten minutes with two tasks, the second in the state of the job."""
    begun = BEGIN + number * MINUTE
    ended = 0 if state in ("InProgress", "Suspended") else begun + 10 * MINUTE
    tasks = [
        ["Check prerequisites", "Succeeded", begun, begun + MINUTE],
        ["Switch over", state, begun + MINUTE, ended],
        ["Clean up", "NotStarted", 0, 0],
    ]
    return [number, f"job-{number:04}", more.get("title", "Planned failover"), target, state, begun, ended, tasks]


def jobbed(rows: list[list[Any]], **more: Any) -> dict[str, Any]:
    """A whole state of the jobs."""
    words = {name: titles.job_state(name) for name in titles.job_states()}
    return {"all": True, "now": BEGIN + 5 * HOUR, "offset": 540, "states": words, "jobs": rows, **more}


def priced(days: dict[str, dict[str, float]], **more: Any) -> dict[str, Any]:
    """A whole state of the cost."""
    components = [(name, titles.component(name)) for name in COMPONENTS]
    found = {"all": True, "now": BEGIN, "currency": "USD", "components": components, "unpriced": []}
    return {**found, "days": list(days.items()), **more}


def under(page: Page, names: str, parts: list[str]) -> Shown:
    """A view whose module gives out some of its functions."""
    exported = "export default { render };"
    return Shown(page, parts, module().replace(exported, f"{exported}\nwindow.under = {{ {names} }};"))


def test_the_page_counts_and_says_as_python_does(page: Page) -> None:
    """Columns of random minutes, and texts of rates, sizes and amounts: what labkit.views says."""
    under(page, "churnColumns, rate, bytes, money, carries, STEPS, fitting", ["churn"])
    chance = random.Random(2)

    known = SimpleNamespace(written=defaultdict(int), arrived=defaultdict(int))
    for _ in range(200):
        known.written[FIRST + chance.randrange(3000)] += chance.randrange(10**7)
        known.arrived[FIRST + chance.randrange(3000)] += chance.randrange(10**7)
    minutes = [[m, [known.written[m], known.arrived[m]]] for m in sorted({*known.written, *known.arrived})]
    for _ in range(6):
        begin = BEGIN + chance.randrange(100 * MINUTE)
        until = begin + chance.randrange(1, 3000 * MINUTE)
        told = page.evaluate(
            "([minutes, widths, begin, until]) => window.under.churnColumns(new Map(minutes), widths, begin, until)",
            [minutes, list(churn.WIDTHS), begin, until],
        )
        assert told == [list(column) for column in churn.columns(known, begin, until)]  # type: ignore[arg-type]
    counts = [0, 512, 1023, 5 << 20, 3 << 29] + [chance.randrange(10**12) for _ in range(40)]
    assert page.evaluate("c => c.map(window.under.bytes)", counts) == [units.show_size(c) for c in counts]
    assert page.evaluate("c => c.map(window.under.rate)", counts) == [units.show_bandwidth(c) for c in counts]
    amounts = [chance.random() * 10**6 for _ in range(20)]
    for currency in costs.CURRENCIES:
        said = page.evaluate("([a, c]) => a.map((one) => window.under.money(one, c))", [amounts, currency])
        assert said == [costs.show(amount, currency) for amount in amounts]
    assert page.evaluate("window.under.STEPS") == list(charts.STEPS)
    assert page.evaluate("window.under.fitting('N'.repeat(200), 100).length") < 20


def test_churn_against_line(page: Page) -> None:
    """By hand: an hour within the line and an hour over it; the part above the line is hatched, and said in words."""
    shown = Shown(page, ["churn"])
    # 8 kbit/s for an hour, 24 kbit/s for the next; the line carries 16 kbit/s.
    minutes = [[FIRST + n, 60_000 if n < 60 else 180_000, 60_000 if n < 60 else 120_000] for n in range(120)]
    shown.tell(churn=churned(minutes, BEGIN + 2 * HOUR, [[BEGIN, 16_000]]))
    width = float(page.evaluate("document.querySelector('.labkit-plot').getAttribute('viewBox')").split()[2])
    left, right, base, top = 84, width - 14, 206, 22
    high = 24_000 * 1.08
    path = page.locator(".labkit-written-line").get_attribute("d") or ""
    points = [tuple(map(float, pair.split())) for pair in path[1:].split("L")]
    assert len(points) == 240
    assert points[0] == pytest.approx((left, base - 8_000 / high * (base - top)), abs=0.11)
    assert points[120] == pytest.approx(((left + right) / 2, base - 24_000 / high * (base - top)), abs=0.11)
    over = page.locator(".labkit-over-line")
    assert over.count() == 60
    assert float(over.first.get_attribute("height") or 0) == pytest.approx(8_000 / high * (base - top), abs=0.01)
    legend = page.locator(".labkit-legend").inner_text()
    assert "24 kbit/s" in legend
    assert "more than the line carries" in legend
    assert "5 MB" in legend
    # What waits at the end: 60 min x 60,000 bytes, read by keys.
    page.locator(".labkit-plot").focus()
    page.locator(".labkit-plot").press("End")
    page.locator(".labkit-plot").press("ArrowLeft")
    assert "written and not yet arrived: 3.4 MB" in page.locator(".labkit-tip").inner_text()
    assert page.locator(".labkit-voice").inner_text() == page.locator(".labkit-tip").inner_text()


def test_churn_by_deltas(page: Page) -> None:
    """Told by pieces, the newest minutes corrected by later logs, or at once: one drawing. An outage is said."""
    shown = Shown(page, ["churn"])
    line = [[BEGIN, 10_000], [BEGIN + HOUR, 0]]
    shown.tell(churn={"minutes": [], "line": [], "now": 0, "known": None, "pending": None, "silent": 0})  # too early
    shown.tell(churn=churned([], None, line[:1]))
    assert "No log has crossed" in (page.locator(".labkit-nothing").text_content() or "")
    for count in (10, 40, 120):
        minutes = [[FIRST + n, 100 * count, 50 * n] for n in range(max(0, count - 60), count)]
        news = {"minutes": minutes, "line": line[1:] if count == 120 else [], "known": BEGIN + count * MINUTE}
        shown.tell(churn={"now": BEGIN + 2 * HOUR, "pending": 7, "silent": 2, **news})
    drawn = page.locator(".labkit-plot").inner_html()
    minutes = [[FIRST + n, 4_000 if n < 40 else 12_000, 50 * n] for n in range(120) if not 40 <= n < 60]
    shown.tell(churn=churned(minutes, BEGIN + 2 * HOUR, line, pending=7, silent=2))
    assert page.locator(".labkit-plot").inner_html() == drawn
    legend = page.locator(".labkit-legend").inner_text()
    assert "nothing gets through" in legend
    assert "VMs that send nothing now: 2" in legend


def test_a_month_of_churn_comes_by_hours(page: Page) -> None:
    """Hours of a month and minutes of a day: at most 240 columns, and a line far above is named above the chart."""
    shown = Shown(page, ["churn"])
    hours = [[FIRST + 60 * n, 3_600_000, 3_600_000] for n in range(29 * 24)]
    minutes = [[FIRST + 29 * 1440 + n, 60_000, 60_000] for n in range(1440)]
    end = BEGIN + 30 * 24 * HOUR
    shown.tell(churn=churned(minutes, end, [[BEGIN, 10**9]], hours=hours, now=end))
    page.get_by_role("button", name="all").click()
    path = page.locator(".labkit-written-line").get_attribute("d") or ""
    tops = {pair.split()[1] for pair in path[1:].split("L")}
    assert len(tops) == 1, "8 kbit/s all the time"
    assert path.count("L") < 2 * 241
    assert page.locator(".labkit-capacity-text").text_content() == "line 1 Gbit/s ↑"


def test_points_have_shape_colour_and_word(page: Page) -> None:
    """Three kinds: three shapes, three fills, three words beside their lanes; only lanes that are there are drawn."""
    shown = Shown(page, ["points"])
    shown.tell(points=pointed([[n, BEGIN + n * 5 * MINUTE, KINDS[n % 3]] for n in range(9)]))
    marks = page.locator(".labkit-point[data-id]")
    assert marks.count() == 9
    looks = {(mark.get_attribute("d"), mark.evaluate("e => getComputedStyle(e).fill")) for mark in marks.all()}
    assert len(looks) == len({shape for shape, _ in looks}) == len({fill for _, fill in looks}) == 3
    words = [lane.text_content() or "" for lane in page.locator(".labkit-lane").all()]
    assert all(titles.point(kind) in word for kind, word in zip(KINDS, words, strict=True))
    shown.tell(points=pointed([[1, BEGIN, KINDS[0]]]))
    assert page.locator(".labkit-lane").count() == 1
    assert "Pick a point" in page.locator(".labkit-reading").inner_text()


def test_a_point_is_picked_by_a_click(page: Page) -> None:
    """A click beside a point sends its id; what would be lost is said: seconds at once, orders when they are told."""
    shown = Shown(page, ["points"])
    there = [[n, BEGIN + n * 10 * MINUTE, KINDS[0]] for n in range(6)]
    shown.tell(points=pointed(there))
    box = page.locator(".labkit-point[data-id='2']").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 8, box["y"] + 3)
    assert [(m["what"], m["value"]) for m in shown.sent() if m["kind"] == "do"] == [("pick", 2)]
    look = {"id": 2, "at": BEGIN + HOUR, "note": "", "seconds": 2400, "orders": 1240, "bytes": 3 << 20}
    shown.tell(points={"now": BEGIN + HOUR, "until": BEGIN + HOUR, "stopped": False, "picked": 2, "look": look})
    said = page.locator(".labkit-reading").inner_text().split("\n")
    assert said[0] == f"Picked: 2014-10-01 09:20:00  {titles.point(KINDS[0])}"
    assert said[1] == "would lose the last 40 min"
    assert said[2] == "orders that would be lost: 1,240 (as of 2014-10-01 10:00:00)"
    assert said[3].startswith("data that would be lost: 3 MB")
    lost = page.locator(".labkit-lost")
    left, width = float(lost.get_attribute("x") or 0), float(lost.get_attribute("width") or 0)
    mark = page.locator(".labkit-picked").get_attribute("transform") or ""
    assert left == pytest.approx(float(mark.split("(")[1].split(" ")[0]), abs=0.1)
    assert left + width == pytest.approx(page.evaluate("document.querySelector('svg').viewBox.baseVal.width") - 14)
    # Time goes on: more would be lost. The site stops: no more than until then.
    shown.tell(
        points={
            "now": BEGIN + 2 * HOUR,
            "until": 0,
            "stopped": False,
            "picked": 2,
            "look": {**look, "note": "<b>no</b>"},
        }
    )
    assert page.locator(".labkit-reading").inner_text().split("\n")[1:] == [
        "would lose the last 1 h 40 min",
        "<b>no</b>",
    ]
    stop = {"until": BEGIN + 50 * MINUTE, "stopped": True, "picked": 2, "look": None}
    shown.tell(points={"now": BEGIN + 3 * HOUR, **stop})
    assert "30 min" in page.locator(".labkit-reading").inner_text().split("\n")[1]
    assert page.locator(".labkit-target-text").text_content() == "the VM stopped"


def test_points_by_keys(page: Page) -> None:
    """Arrows go from point to point and say them; the one where one rests is picked, Enter picks at once."""
    stop_clock(page)
    shown = Shown(page, ["points"])
    shown.tell(points=pointed([[n, BEGIN + n * 5 * MINUTE, KINDS[n % 2]] for n in range(10)]))
    plot, tip, voice = page.locator(".labkit-plot"), page.locator(".labkit-tip"), page.locator(".labkit-voice")
    plot.focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowRight"):
        plot.press(key)
    assert tip.inner_text().startswith("2014-10-01 09:40:00")
    assert "would lose the last 20 min" in voice.inner_text()
    assert not [m for m in shown.sent() if m["kind"] == "do"], "not each that is passed"
    page.clock.run_for(300)
    plot.press("Home")
    plot.press("Enter")
    plot.press("Shift+ArrowRight")
    plot.press("Escape")
    page.clock.run_for(300)
    assert [m["value"] for m in shown.sent() if m["kind"] == "do"] == [8, 0]
    assert tip.is_hidden()


def test_points_come_and_go(page: Page) -> None:
    """News take away what was thinned out and add what is new, in order; 144 points are drawn; none: said."""
    shown = Shown(page, ["points"])
    shown.tell(points=pointed([]))
    assert "no recovery point" in (page.locator(".labkit-nothing").text_content() or "")
    shown.tell(points=pointed([[n, BEGIN + n * 30_000, KINDS[0]] for n in range(144)], now=BEGIN + 2 * HOUR))
    assert page.locator(".labkit-point[data-id]").count() == 144
    news = {"points": [[144, BEGIN + 144 * 30_000, KINDS[1]]], "gone": [3, 5], "now": BEGIN + 2 * HOUR, "picked": None}
    shown.tell(points={**news, "until": 0, "stopped": False, "look": None})
    told = {int(mark.get_attribute("data-id") or -1) for mark in page.locator(".labkit-point[data-id]").all()}
    assert told == set(range(145)) - {3, 5}
    page.get_by_role("button", name="1 h").click()
    assert page.locator(".labkit-point[data-id]").count() == 145 - 120


def test_two_hundred_jobs_a_page_at_a_time(page: Page) -> None:
    """Fifteen rows, the latest first; Older and keys go on; the words say how many there are."""
    shown = Shown(page, ["jobs"])
    shown.tell(jobs=jobbed([job(n) for n in range(1, 201)]))
    rows = page.locator(".labkit-job-row")
    numbers = lambda: [int(row.get_attribute("data-job") or 0) for row in rows.all()]  # noqa: E731
    assert numbers() == list(range(200, 185, -1))
    assert page.locator(".labkit-count").inner_text() == "1 to 15 of 200 jobs, the latest first"
    page.locator(".labkit-jobs-older").click()
    assert numbers() == list(range(185, 170, -1))
    assert page.locator(".labkit-jobs-newer").get_attribute("aria-disabled") == "false"
    plot = page.locator(".labkit-plot")
    plot.focus()
    plot.press("End")
    assert numbers() == list(range(15, 0, -1))
    assert "job-0001" in page.locator(".labkit-tip").inner_text()
    plot.press("ArrowUp")
    plot.press("PageUp")
    assert 17 in numbers()
    assert page.locator(".labkit-voice").inner_text().startswith("Planned failover")
    # A 201st pushes out the oldest: no more than 200 are kept.
    shown.tell(jobs={"now": BEGIN + 5 * HOUR, "jobs": [job(201)]})
    assert page.locator(".labkit-count").inner_text().endswith("of 200 jobs, the latest first")


def test_jobs_have_state_as_colour_and_word(page: Page) -> None:
    """Each state has its word beside the bar; a click or Enter shows the tasks; what runs grows with the clock."""
    shown = Shown(page, ["jobs"])
    states = ["Succeeded", "Failed", "InProgress", "Suspended", "CompletedWithErrors"]
    shown.tell(jobs=jobbed([job(n, state) for n, state in enumerate(states, 1)], now=BEGIN + 30 * MINUTE))
    words = page.locator(".labkit-state").all_text_contents()
    assert words == [titles.job_state(state) for state in reversed(states)]
    assert "Waiting for action" in words
    fills = {
        state: page.locator(f".labkit-task-{state}").first.evaluate("e => getComputedStyle(e).fill")
        for state in states[:4]
    }
    assert len(set(fills.values())) == 4
    page.locator(".labkit-plot").click(position={"x": 30, "y": 22 + 2.5 * 24})
    names = [
        title.strip()
        for title in page.locator(".labkit-task-name").evaluate_all("all => all.map((e) => e.firstChild.data)")
    ]
    assert names == ["· Check prerequisites", "· Switch over", "· Clean up"]
    before = page.locator(".labkit-task-InProgress").last.bounding_box()
    shown.tell(jobs={"now": BEGIN + 40 * MINUTE, "jobs": []})
    after = page.locator(".labkit-task-InProgress").last.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > before["width"]
    shown.tell(jobs={"now": BEGIN + 41 * MINUTE, "jobs": [job(3)]})
    assert page.locator(".labkit-task-InProgress").count() == 0, "it has ended"
    page.locator(".labkit-plot").focus()
    page.locator(".labkit-plot").press("Home")
    page.locator(".labkit-plot").press("Enter")
    assert page.locator(".labkit-chosen").get_attribute("data-job") == "5"


def test_no_jobs(page: Page) -> None:
    """Nothing yet, and nothing in the window that is shown: two different words."""
    shown = Shown(page, ["jobs"])
    shown.tell(jobs=jobbed([]))
    assert page.locator(".labkit-nothing").text_content() == "No job has run yet."
    shown.tell(jobs=jobbed([job(1)], now=BEGIN + 90 * HOUR))
    assert page.locator(".labkit-nothing").text_content() == "No job ran in this time."
    page.get_by_role("button", name="all").click()
    assert page.locator(".labkit-job-row").count() == 1
    assert page.locator(".labkit-job-pages").is_hidden()


def test_cost_by_day(page: Page) -> None:
    """By hand: bars stacked by component, as high as their amounts; a day without use is left free; sums in words."""
    shown = Shown(page, ["cost"])
    days = {"2014-10-01": {"protection.azure": 3.0, "compute": 1.0}, "2014-10-03": {"protection.azure": 2.0}}
    shown.tell(cost=priced(days, unpriced=["storage"]))
    bars = page.locator(".labkit-cost-bar")
    sizes = [tuple(float(bar.get_attribute(name) or 0) for name in ("x", "y", "height")) for bar in bars.all()]
    scale = (260 - 26 - 22) / (4 * 1.08)
    assert [height for _, _, height in sizes] == pytest.approx([3 * scale, scale, 2 * scale])
    assert sizes[1][1] == pytest.approx(sizes[0][1] - scale), "one on the other"
    day = (sizes[2][0] - sizes[0][0]) / 2
    assert day > 0
    legend = page.locator(".labkit-legend").inner_text()
    assert "$5.00" in legend
    assert "$1.00" in legend
    said = page.locator(".labkit-reading").inner_text()
    assert said == "2014-10-01 to 2014-10-03: $6.00\nused, but in no price list: storage"
    plot, tip = page.locator(".labkit-plot"), page.locator(".labkit-tip")
    plot.focus()
    plot.press("Home")
    assert tip.inner_text().startswith("2014-10-01  $4.00\n")
    plot.press("ArrowRight")
    assert tip.inner_text() == "2014-10-02  $0.00"
    plot.press("Escape")
    assert tip.is_hidden()
    page.locator(".labkit-cost-JPY").click()
    assert [(m["what"], m["value"]) for m in shown.sent() if m["kind"] == "do"] == [("currency", "JPY")]
    shown.tell(cost=priced({"2014-10-01": {"compute": 1234.0}}, currency="JPY"))
    assert "¥1,234" in page.locator(".labkit-reading").inner_text()
    assert page.locator(".labkit-cost-JPY").get_attribute("aria-pressed") == "true"


def test_cost_goes_on(page: Page) -> None:
    """A day that is told again is corrected, a new one comes behind; nothing at all is said in words; 400 days fit."""
    shown = Shown(page, ["cost"])
    shown.tell(cost=priced({}))
    assert page.locator(".labkit-nothing").text_content() == "Nothing of Azure has been used yet."
    shown.tell(cost={"now": BEGIN, "days": [["2014-10-01", {"compute": 1.0}]], "unpriced": []})
    shown.tell(cost={"now": BEGIN, "days": [["2014-10-01", {"compute": 2.0}], ["2014-10-02", {"compute": 0.5}]]})
    assert page.locator(".labkit-reading").inner_text() == "2014-10-01 to 2014-10-02: $2.50"
    many = {
        f"{2014 + n // 365}-{n % 365 // 31 + 1:02}-{n % 28 + 1:02}": dict.fromkeys(COMPONENTS, 1.0) for n in range(400)
    }
    shown.tell(cost=priced(many))
    page.get_by_role("button", name="all").click()
    assert page.locator(".labkit-cost-bar").count() == 9 * len(many)
    assert len({page.locator(f"[data-component='{name}']").first.get_attribute("style") for name in COMPONENTS}) == 6


@pytest.mark.parametrize("width", [683, 420])
def test_names_are_texts_and_nothing_sticks_out(page: Page, width: int) -> None:
    """Names like markup or 200 letters long in every place there is for one, at half a laptop screen and less."""
    page.set_viewport_size({"width": width, "height": 900})
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    shown = Shown(page, ["churn", "points", "jobs", "cost"])
    for name in NASTY:
        shown.tell(
            churn=churned([[FIRST, 9, 9]], BEGIN + MINUTE, [[BEGIN, 5]]),
            points=pointed([[1, BEGIN, KINDS[0]]], vm=name, picked=1, look={"id": 1, "at": BEGIN, "note": name}),
            jobs=jobbed([job(1, "Failed", name, title=name)]),
            cost=priced({"2014-10-01": {"compute": 1.0}}, unpriced=[name]),
        )
        page.locator(".labkit-plot-jobs").focus()
        page.locator(".labkit-plot-jobs").press("Home")
        page.locator(".labkit-plot-jobs").press("Enter")
        assert page.locator(".labkit-points .labkit-title").get_attribute("title") == name
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.wait_for_timeout(50)
    assert page.evaluate("window.bad") is None
    assert page.locator(".labkit-view script, .labkit-view img").count() == 0
    assert failed == []


def test_what_was_chosen_outlives_a_rendering(page: Page) -> None:
    """A view that is rendered anew keeps the window of each of its charts."""
    stop_clock(page)
    shown = Shown(page, ["churn", "jobs"])
    state = {"churn": churned([], None, [[BEGIN, 5]]), "jobs": jobbed([job(1)])}
    shown.tell(**state)
    page.locator(".labkit-churn").get_by_role("button", name="24 h").click()
    page.locator(".labkit-jobs").get_by_role("button", name="7 d").click()
    page.clock.run_for(2_000)
    page.evaluate("window.again()")
    shown.tell(**state)
    pressed = page.locator(".labkit-view [aria-pressed='true']").all_inner_texts()
    assert pressed == ["24 h", "7 d"]
