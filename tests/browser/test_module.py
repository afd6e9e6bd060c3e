"""The ES module alone, in Chromium, with a model that a test moves: what is drawn, said and sent."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page

from labkit.engine import units
from labkit.portal import words
from labkit.portal.widget import View, module
from labkit.views import charts, rpo
from labkit.views.rpo import BreakPoint

pytestmark = pytest.mark.browser
BEGIN = 1_412_121_600_000  # 2014-10-01T09:00:00+09:00
MINUTE = 60_000
MODEL = """async ([source, css, words, parts]) => {
  const style = document.createElement('style'); style.textContent = css; document.head.append(style);
  const view = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
  const handlers = new Set(), sent = [];
  const values = {words, parts, identity: 'one'};
  const model = {get: (name) => values[name], send: (message) => sent.push(message),
    on: (name, handler) => name === 'msg:custom' && handlers.add(handler),
    off: (name, handler) => handlers.delete(handler)};
  const el = document.createElement('div'); document.body.append(el);
  window.end = view.default.render({model, el});
  window.again = () => {
    el.replaceChildren();
    const next = document.createElement('div'); document.body.append(next);
    window.end = view.default.render({model, el: next});
  };
  window.sent = sent; window.handlers = handlers;
  window.tell = (message) => handlers.forEach((handler) => handler(message));
}"""


def stop_clock(page: Page) -> None:
    """The page's timers run when the test lets them, however long a busy computer takes between two keys."""
    page.clock.install(time=datetime(2014, 10, 1, tzinfo=UTC))
    page.clock.pause_at(datetime(2014, 10, 1, 0, 1, tzinfo=UTC))


class Shown:
    """A view in a page."""

    def __init__(self, page: Page, parts: list[str], sources: str | None = None) -> None:
        self.page = page
        page.goto("data:text/html,<!doctype html><meta charset=utf-8><body></body>")
        page.evaluate(MODEL, [sources or module(), View._css, words.page(), parts])

    def tell(self, **parts: Any) -> None:
        self.page.evaluate("m => window.tell(m)", {"kind": "state", "parts": parts})

    def sent(self) -> list[dict[str, Any]]:
        return self.page.evaluate("window.sent")

    def path(self, number: int = 0) -> list[list[float]]:
        """The points of a line as drawn (pixels), pieces one after another."""
        drawn = self.page.locator(".labkit-line").nth(number).get_attribute("d") or ""
        return [[float(x), float(y)] for x, y in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", drawn)]


def history(series: dict[str, list[Any]], now: int, **more: Any) -> dict[str, Any]:
    """A whole state of the chart, as Python sends it."""
    found = {
        "all": True, "now": now, "offset": 540, "target": 15 * MINUTE, "series": series,
        "titles": {name: charts.title(name) for name in series}, "marks": [],
        "colours": list(charts.SERIES), "steps": list(charts.STEPS),
    }  # fmt: skip
    return {**found, **more}


def saw(cycles: int, every: int = 5 * MINUTE, begin: int = BEGIN) -> list[tuple[int, int | None]]:
    """A saw-tooth of 5 min cycles that arrive 10 s after their cut."""
    points: list[tuple[int, int | None]] = []
    for number in range(1, cycles + 1):
        points += [(begin + number * every, every + 10_000), (begin + number * every, 10_000)]
    return points


def clock(**more: Any) -> dict[str, Any]:
    found = {"now": BEGIN, "begin": BEGIN, "offset": 540, "state": "paused", "speed": 600, "speeds": [60, 600, 3600]}
    return {**found, "note": "", **more}


def test_a_line_is_drawn_from_break_points(page: Page) -> None:
    """Pixels by hand: time runs from left to right, RPO from the bottom up, each tooth rises one second a second."""
    shown = Shown(page, ["rpo"])
    now = BEGIN + 62 * MINUTE
    shown.tell(rpo=history({"VM": saw(12)}, now))
    scale = page.evaluate("document.querySelector('.labkit-plot').getAttribute('viewBox')").split()
    width = float(scale[2])
    left, right, top, bottom = 70, width - 14, 22, 260 - 26
    begin = BEGIN + 5 * MINUTE
    high = 15 * MINUTE * 1.08
    # The window begins at the first drop: its upper end lies in the edge.
    expected = [*saw(12)[1:], (now, 2 * MINUTE + 10_000)]
    drawn = shown.path()
    assert len(drawn) == len(expected)
    for (x, y), (at, value) in zip(drawn, expected, strict=True):
        assert x == pytest.approx(left + (at - begin) / (now - begin) * (right - left), abs=0.11)
        assert y == pytest.approx(bottom - value / high * (bottom - top), abs=0.11)


def test_deltas_give_the_same_drawing_as_the_whole(page: Page) -> None:
    """Told piece by piece, with an end and a new beginning, or all at once: one drawing, to the pixel."""
    points = [*saw(5), (BEGIN + 40 * MINUTE, None), *saw(6, begin=BEGIN + 60 * MINUTE)]
    shown = Shown(page, ["rpo"])
    shown.tell(rpo=history({}, BEGIN))
    assert "No VM is replicated" in str(page.locator(".labkit-nothing").text_content())
    for number, point in enumerate(points):
        news = {"VM": [point]}
        shown.tell(
            rpo={"now": point[0] + 1, "series": news, "titles": {"VM": "VM"} if number == 0 else {}, "marks": []}
        )
    now = points[-1][0] + 1
    pieces = page.locator(".labkit-line").get_attribute("d")
    shown.tell(rpo=history({"VM": points}, now))
    assert page.locator(".labkit-line").get_attribute("d") == pieces
    assert pieces is not None
    assert pieces.count("M") == 2, "the line is broken where replication was not"


def test_the_whole_takes_the_place_of_what_was_there(page: Page) -> None:
    """A whole state after another one: curves and events of the first are gone."""
    shown = Shown(page, ["rpo"])
    shown.tell(rpo=history({"OLD": saw(3)}, BEGIN + 20 * MINUTE, marks=[[BEGIN + 16 * MINUTE, "old"]]))
    shown.tell(rpo=history({"NEW": saw(3)}, BEGIN + 20 * MINUTE))
    assert [name for name in page.locator(".labkit-legend b").all_text_contents() if name] == ["NEW"]
    assert page.locator(".labkit-line").count() == 1
    assert page.locator(".labkit-events li").count() == 0


def test_the_page_reads_values_as_python_does(page: Page) -> None:
    """RPO at 400 instants of a curve with an end, and 60 durations, agree with labkit.views.rpo and engine.units."""
    sources = module().replace(
        "export default { render };", "export default { render };\nwindow.under = { rpoAt, duration };"
    )
    Shown(page, ["rpo"], sources)
    chance = random.Random(5)
    points = [
        *saw(8),
        (BEGIN + 50 * MINUTE, 10 * MINUTE),
        (BEGIN + 50 * MINUTE, None),
        *saw(3, begin=BEGIN + 90 * MINUTE),
    ]
    known = [BreakPoint(*point) for point in points]
    instants = [BEGIN + chance.randrange(-MINUTE, 104 * MINUTE) for _ in range(400)] + [at for at, _ in points]
    answers = page.evaluate("([points, at]) => at.map((t) => window.under.rpoAt(points, t))", [points, instants])
    # Python's curve ends at its last point; the page's goes on to now, so compare up to there.
    last = points[-1][0]
    assert [a for a, t in zip(answers, instants, strict=True) if t <= last] == [
        rpo.at(known, t) for t in instants if t <= last
    ]
    lengths = [0, 1, 999, 1000, 59_999, 60_000, 3_599_000, 86_400_000, 90_061_000, -5000]
    lengths += [chance.randrange(10**9) for _ in range(50)]
    told = page.evaluate("ms => ms.map(window.under.duration)", lengths)
    assert told == [units.show_duration(ms) for ms in lengths]


def test_state_is_a_word_and_colours_follow_the_names(page: Page) -> None:
    """Within target, over target, no replication: in words; seven VMs have seven different strokes."""
    shown = Shown(page, ["rpo"])
    now = BEGIN + 62 * MINUTE
    series = {f"VM{number}": saw(12) for number in range(5)}
    series |= {"LATE": [*saw(3)], "GONE": [*saw(3), (BEGIN + 20 * MINUTE, None)]}
    shown.tell(rpo=history(series, now))
    legend = {row.split("\n")[0]: row for row in page.locator(".labkit-legend li").all_inner_texts() if row}
    assert "within target" in legend["VM0"]
    assert "2 min 10 s" in legend["VM0"]
    assert "over target" in legend["LATE"]
    assert "no replication" in legend["GONE"]
    lines = page.locator(".labkit-line").all()
    strokes = {(line.get_attribute("style"), line.get_attribute("stroke-dasharray")) for line in lines}
    assert len(strokes) == 7
    assert page.locator(".labkit-target-text").text_content() == "target 15 min"


def test_names_are_texts(page: Page) -> None:
    """A VM called like a script, and one with 200 letters: shown as they are, nothing runs, the page stays in width."""
    shown = Shown(page, ["clock", "rpo"])
    names = ["<script>window.bad = 1</script>", "<img src=x onerror='window.bad = 1'>", "N" * 200]
    shown.tell(
        rpo=history({name: saw(3) for name in names}, BEGIN + 20 * MINUTE, marks=[[BEGIN + 16 * MINUTE, names[1]]])
    )
    shown.tell(clock=clock(note=names[0]))
    page.wait_for_timeout(50)
    assert page.evaluate("window.bad") is None
    assert set(names) <= set(page.locator(".labkit-legend b").all_text_contents())
    assert page.locator(".labkit-view script, .labkit-view img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_two_hundred_vms(page: Page) -> None:
    """200 lines are drawn; the legend has the twelve worst, the worst first, and says how many more there are."""
    shown = Shown(page, ["rpo"])
    series = {f"VM{number:03}": saw(12) for number in range(199)} | {"WORST": saw(2)}
    shown.tell(rpo=history(series, BEGIN + 61 * MINUTE))
    assert page.locator(".labkit-line").count() == 200
    rows = page.locator(".labkit-legend li").all_inner_texts()
    assert len(rows) == 13
    assert rows[0].startswith("WORST")
    assert "188" in rows[-1]


def test_a_month_is_drawn_with_its_extremes(page: Page) -> None:
    """8,640 cycles and one high tooth: far fewer points than break points, and the tooth's top is drawn."""
    points = saw(8_640)
    points[4001] = (points[4001][0], points[4001][1])
    points[4002] = (points[4002][0], 55 * MINUTE)
    shown = Shown(page, ["rpo"])
    shown.tell(rpo=history({"VM": points}, points[-1][0]))
    page.get_by_role("button", name="all").click()
    drawn = shown.path()
    assert 500 < len(drawn) < 6_000
    assert min(y for _, y in drawn) == pytest.approx(260 - 26 - (260 - 26 - 22) / 1.08, abs=0.2)


def test_windows(page: Page) -> None:
    """1 h shows one hour: the line begins at the left edge with the value the curve has there."""
    shown = Shown(page, ["rpo"])
    now = BEGIN + 200 * MINUTE
    shown.tell(rpo=history({"VM": saw(40)}, now, marks=[[BEGIN + 30 * MINUTE, "early"], [now - MINUTE, "late"]]))
    assert page.locator(".labkit-events li").count() == 2
    page.get_by_role("button", name="1 h").click()
    assert shown.path()[0][0] == 70
    assert page.locator(".labkit-events li").all_inner_texts() == ["10-01 12:19:00  late"]
    assert page.get_by_role("button", name="1 h").get_attribute("aria-pressed") == "true"
    assert page.get_by_role("button", name="6 h").get_attribute("aria-pressed") == "false"


def test_pointer_and_keys_read_values(page: Page) -> None:
    """Pointing and arrow keys show instant and values; Escape and leaving take them away."""
    shown = Shown(page, ["rpo"])
    now = BEGIN + 62 * MINUTE
    shown.tell(rpo=history({"VM": saw(12)}, now))
    plot, tip = page.locator(".labkit-plot"), page.locator(".labkit-tip")
    assert tip.is_hidden()
    box = plot.bounding_box()
    assert box is not None
    plot.hover(position={"x": box["width"] - 14.5, "y": 100})
    assert "VM: 2 min" in tip.inner_text()
    page.mouse.move(5, 5)
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] + 200)
    assert tip.is_hidden()
    plot.focus()
    plot.press("End")
    assert tip.inner_text() == "2014-10-01 10:02:00\nVM: 2 min 10 s"
    plot.press("Home")
    assert tip.inner_text().startswith("2014-10-01 09:05:00\n")
    for _ in range(3):
        plot.press("Shift+ArrowRight")
    assert tip.inner_text().startswith("2014-10-01 09:22:06\nVM: 2 min 16 s")
    plot.press("Escape")
    assert tip.is_hidden()


def test_the_hair_stays_where_it_points_while_time_passes(page: Page) -> None:
    """A point in time that is looked at moves left with the curve, and stops at the edge of the window."""
    shown = Shown(page, ["rpo"])
    shown.tell(rpo=history({"VM": saw(12)}, BEGIN + 62 * MINUTE))
    plot = page.locator(".labkit-plot")
    plot.focus()
    plot.press("End")
    before = page.locator(".labkit-tip").inner_text()
    shown.tell(rpo={"now": BEGIN + 64 * MINUTE, "series": {}, "titles": {}, "marks": []})
    assert page.locator(".labkit-tip").inner_text() == before


def test_the_clock_s_bar(page: Page) -> None:
    """State in a word, day and time of the site's zone; each button sends what it says; the pressed speed is marked."""
    shown = Shown(page, ["clock"])
    shown.tell(clock=clock(now=BEGIN + 86_400_000 * 2 + 61_000))
    text = page.locator(".labkit-clock").inner_text()
    assert "2014-10-03" in text
    assert "day 3" in text
    assert "09:01:01" in text
    assert "paused" in text
    page.locator(".labkit-play").click()
    page.locator(".labkit-speed-3600").click()
    page.locator(".labkit-skip").click()
    shown.tell(clock=clock(state="playing", speed=3600))
    assert page.locator(".labkit-play").inner_text().strip() == "Pause"
    page.locator(".labkit-play").click()
    asked = [(m["what"], m.get("value")) for m in shown.sent() if m["kind"] == "do"]
    assert asked == [("play", None), ("speed", 3600), ("skip", None), ("pause", None)]
    pressed = [b.get_attribute("aria-pressed") for b in page.locator(".labkit-speed").all()]
    assert pressed == ["false", "false", "true"]


def test_focus_stays_while_the_clock_plays(page: Page) -> None:
    """A button keeps the focus through 50 updates, and letters typed on it are kept from the notebook."""
    shown = Shown(page, ["clock", "rpo"])
    shown.tell(clock=clock(), rpo=history({"VM": saw(3)}, BEGIN + 16 * MINUTE))
    button = page.locator(".labkit-play")
    button.focus()
    for number in range(50):
        shown.tell(clock=clock(now=BEGIN + number * MINUTE, state="playing"))
        shown.tell(rpo={"now": BEGIN + (16 + number) * MINUTE, "series": {}, "titles": {}, "marks": []})
    assert page.evaluate("document.activeElement.classList.contains('labkit-play')")
    assert button.get_attribute("data-lm-suppress-shortcuts") == "true"
    page.locator(".labkit-plot").focus()
    assert page.locator(".labkit-plot").get_attribute("data-lm-suppress-shortcuts") == "true"


def test_every_control_is_reached_by_tab(page: Page) -> None:
    """Tab goes through play, three speeds, skip, four windows and the chart."""
    shown = Shown(page, ["clock", "rpo"])
    shown.tell(clock=clock(), rpo=history({"VM": saw(3)}, BEGIN + 16 * MINUTE))
    seen = []
    for _ in range(10):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.className.baseVal ?? document.activeElement.className"))
    assert "labkit-play" in seen[0]
    assert [("labkit-speed" in name) for name in seen[1:4]] == [True] * 3
    assert "labkit-skip" in seen[4]
    assert seen[9] == "labkit-plot"


def test_errors_are_shown_and_can_be_closed(page: Page) -> None:
    """The lines of an error stand in the view as text, announced to screen readers, until they are closed."""
    shown = Shown(page, ["clock"])
    error = page.locator(".labkit-error")
    assert error.is_hidden()
    page.evaluate("window.tell({kind: 'error', lines: ['Error 900030: <b>busy</b>', 'What to do: wait']})")
    assert error.locator("pre").inner_text() == "Error 900030: <b>busy</b>\nWhat to do: wait"
    assert error.get_attribute("role") == "alert"
    error.get_by_role("button").click()
    assert error.is_hidden()
    assert shown.sent()[0] == {"kind": "hello"}


def test_beats_and_a_kernel_that_does_not_answer(page: Page) -> None:
    """Hello at once, a beat every 2 s; after 10 s without an answer the view says so, until there is one."""
    stop_clock(page)
    shown = Shown(page, ["clock"])
    page.clock.run_for(9_000)
    assert [m["kind"] for m in shown.sent()] == ["hello", "beat", "beat", "beat", "beat"]
    silent = page.locator(".labkit-silent")
    assert silent.is_hidden()
    page.clock.run_for(4_000)
    assert "does not answer" in silent.inner_text()
    page.evaluate("window.tell({kind: 'alive'})")
    assert silent.is_hidden()
    beats = len(shown.sent())
    page.evaluate("window.end()")
    page.clock.run_for(20_000)
    assert len(shown.sent()) == beats, "a view that was taken away beats no more"
    assert page.evaluate("window.handlers.size") == 0


def test_a_view_that_is_rendered_anew_keeps_what_was_chosen(page: Page) -> None:
    """The end of a cell renders its view again: focus, window and an open error go over, the old one says no more."""
    stop_clock(page)
    shown = Shown(page, ["clock", "rpo"])
    state = {"clock": clock(), "rpo": history({"VM": saw(40)}, BEGIN + 200 * MINUTE)}
    shown.tell(**state)
    page.get_by_role("button", name="1 h").click()
    page.evaluate("window.tell({kind: 'error', lines: ['Error 1: no']})")
    page.locator(".labkit-play").focus()
    page.clock.run_for(2_000)
    before = len(shown.sent())
    page.evaluate("window.again()")
    shown.tell(**state)
    assert page.locator(".labkit-view").count() == 1
    assert page.get_by_role("button", name="1 h").get_attribute("aria-pressed") == "true"
    assert page.locator(".labkit-error pre").inner_text() == "Error 1: no"
    assert page.evaluate("document.activeElement.classList.contains('labkit-play')")
    page.clock.run_for(6_000)
    assert [m["kind"] for m in shown.sent()[before:]] == ["hello", "beat", "beat", "beat"]


def test_news_before_the_whole_is_passed_over(page: Page) -> None:
    """A delta that comes before the first whole state does no harm; the whole one is drawn."""
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    shown = Shown(page, ["rpo"])
    shown.tell(rpo={"now": BEGIN, "series": {"VM": saw(1)}, "titles": {"VM": "VM"}, "marks": []})
    page.wait_for_timeout(100)
    shown.tell(rpo=history({"VM": saw(3)}, BEGIN + 16 * MINUTE))
    assert len(shown.path()) == 6
    assert failed == []


def test_what_is_drawn_in_a_pixel_ends_where_the_curve_ends(page: Page) -> None:
    """Many cycles in a pixel, then an outage: the line leaves the pixel from its last point, not from an older one."""
    sources = module().replace("export default { render };", "export default { render };\nwindow.under = { pixels };")
    Shown(page, ["rpo"], sources)
    chance = random.Random(1)
    for _ in range(50):
        points: list[list[int | None]] = []
        at = 0
        for _ in range(40):
            at += chance.randrange(1, 30)
            points += [[at, chance.randrange(50, 300)], [at, chance.randrange(50)]]
        outage = at + 1000
        line = page.evaluate(
            "([points, end]) => window.under.pixels(points, -1, end, (at) => at / 100, (rpo) => -rpo)", [points, outage]
        )
        last = points[-1][1]
        assert last is not None
        assert line[-1] == [outage / 100, -(last + 1000)]
        assert line[-2] == [at / 100, -last], "where the outage begins"


@pytest.mark.parametrize("width", [683, 420])
def test_half_a_laptop_screen(page: Page, width: int) -> None:
    """Nothing sticks out at half of a 1,366 pixel screen, nor narrower."""
    page.set_viewport_size({"width": width, "height": 700})
    shown = Shown(page, ["clock", "rpo"])
    shown.tell(clock=clock(), rpo=history({"VM": saw(12), "ANOTHER-VM": saw(12)}, BEGIN + 62 * MINUTE))
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert len(shown.path()) > 20
