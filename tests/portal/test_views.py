"""Views without a page: history and deltas, the loop, errors, silence, and cells that let time pass."""

from __future__ import annotations

import asyncio
import base64
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit import Lab, LabError, portal
from labkit.engine import texts
from labkit.portal import heart as hearts
from labkit.portal import parts
from labkit.views import charts, events, rpo
from tests.portal.conftest import turns

HELLO, BEAT = {"kind": "hello"}, {"kind": "beat"}


def click(what: str, value: Any = None) -> dict[str, Any]:
    return {"kind": "do", "part": "clock", "what": what, "value": value}


def test_history_and_deltas_are_the_curves(lab: Lab, page: Any) -> None:
    """A page that was told everything once and then only what is new has the break points and events of the facts.

    The story has an outage, a failover and a failback; some looks come while nothing has happened.
    """

    async def story() -> None:
        view = portal.rpo_chart(lab)
        shown, chance = page(view), random.Random(3)
        shown.wire.page(HELLO)
        await turns()
        vault = lab.vault
        steps = [
            lab.faults.lose_line,
            lab.faults.restore_line,
            lambda: vault.unplanned_failover("MYWSV01", wait=True),
            lambda: vault.commit("MYWSV01", wait=True),
            lambda: vault.failback("MYWSV01", wait=True),
            lambda: vault.complete_failover("MYWSV01", wait=True),
        ]
        for step in steps:
            for _ in range(4):
                lab.run(f"{chance.randrange(1, 500_000)}ms")
                hearts.of(lab).turn()
            step()
            hearts.of(lab).turn()
        hearts.of(lab).turn()
        shown.look()
        follower = rpo.Follower()
        follower.look(lab)
        assert set(shown.series) == {"MYWSV01", "MYBSD01", "failback/MYWSV01"}
        assert shown.series == {name: [tuple(p) for p in points] for name, points in follower.points().items()}
        assert shown.marks == events.marks(lab.facts)
        assert shown.now == lab.clock.ms
        alls = [m for m in shown.wire.sent if m["kind"] == "state" and m["parts"]["rpo"].get("all")]
        assert len(alls) == 1

    asyncio.run(story())


def test_only_the_wanted_vms(lab: Lab, page: Any) -> None:
    """A chart of one VM is told nothing of the other."""

    async def story() -> None:
        shown = page(portal.rpo_chart(lab, ["MYBSD01"], target="1h"))
        shown.wire.page(HELLO)
        await turns()
        lab.run("30min")
        hearts.of(lab).turn()
        shown.look()
        assert set(shown.series) == {"MYBSD01"}
        assert shown.wire.sent[0]["parts"]["rpo"]["target"] == 3_600_000

    asyncio.run(story())


def test_long_histories_are_thinned_and_keep_what_matters(
    tmp_path: Path, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eleven days of two VMs in a few hundred points: in order, each peak before its drop, the worst among them.

    The last six hours are whole, so that present value and what one points at are exact.
    """
    monkeypatch.setattr(parts, "_MOST_POINTS", 600)
    with labkit.create(tmp_path / "long.lab", stage="protected") as long:
        long.run("10d")
        long.faults.lose_line()
        long.run("3h")
        long.faults.restore_line()
        long.run("1d")

        async def story() -> None:
            view = portal.rpo_chart(long)
            shown = page(view)
            shown.wire.page(HELLO)
            await turns()
            shown.look()
            full = rpo.break_points(long.facts, long.clock.ms)
            assert set(shown.series) == {"MYWSV01", "MYBSD01"}
            for name, told in shown.series.items():
                points, all_of = [rpo.BreakPoint(*point) for point in told], full[name]
                assert 300 < len(points) < 800 < len(all_of)
                assert rpo.worst(points) == rpo.worst(all_of) > 3 * 3_600_000
                places = [all_of.index(point) for point in points]
                assert places == sorted(set(places)), "in the order of the curve"
                since = long.clock.ms - 6 * 3_600_000
                assert [p for p in points if p.at >= since] == [p for p in all_of[:-1] if p.at >= since]
                assert points[-1] == all_of[-2]

        asyncio.run(story())


def test_messages_are_handled_on_the_loop(lab: Lab, page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A click that arrives on another thread touches the lab on the loop's thread only."""
    seen: list[threading.Thread] = []

    async def story() -> None:
        view = portal.clock_bar(lab)
        shown = page(view)
        monkeypatch.setattr(lab.clock, "skip", lambda until: seen.append(threading.current_thread()))
        shown.wire.page(click("skip"), thread=True)
        assert seen == [], "not before the loop comes to it"
        await turns()
        assert seen == [threading.current_thread()]

    asyncio.run(story())


def test_what_a_click_is_refused_with_is_shown(lab: Lab, page: Any) -> None:
    """Play while another process plays: the page has the error's code, cause and cure, and the lab goes on."""

    async def story() -> None:
        with labkit.open(lab.path) as other:
            shown = page(portal.watch(lab))
            with other._session.playing():
                shown.wire.page(HELLO)
                await turns()
                shown.look()
                assert shown.clock["state"] == "elsewhere"
                shown.wire.page(click("play"))
                await turns()
            shown.look()
            assert len(shown.errors) == 1
            assert "900030" in shown.errors[0][0]
            assert not lab.clock.playing
            shown.wire.page(click("play"))
            await turns()
            assert lab.clock.playing
            lab.clock.pause()

    asyncio.run(story())


def test_a_fault_of_labkit_is_shown_too(lab: Lab, page: Any, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    """An exception nobody expected comes to the page in words, with its traceback in the kernel's log; beats go on."""

    async def story() -> None:
        shown = page(portal.watch(lab))

        def broken(until: int | None) -> None:
            raise RuntimeError("of all things")

        monkeypatch.setattr(lab.clock, "skip", broken)
        shown.wire.page(click("skip"))
        shown.wire.page(click("dance"))
        await turns()
        shown.look()
        assert "of all things" in "\n".join(shown.errors[0])
        assert "900801" in shown.errors[1][0]
        shown.wire.page(BEAT)
        await turns()
        assert shown.wire.sent[-1] == {"kind": "alive"}

    asyncio.run(story())
    assert "RuntimeError: of all things" in capfd.readouterr().err


def test_the_bar_plays_pauses_and_skips(lab: Lab, page: Any) -> None:
    """Speed, play and pause act and are told; the next event is the next fact, and it is named."""

    async def story() -> None:
        shown = page(portal.clock_bar(lab))
        shown.wire.page(HELLO)
        for speed in (60, 3600):
            shown.wire.page(click("speed", speed))
        shown.wire.page(click("play"))
        await turns(0.5)
        shown.look()
        assert (shown.clock["state"], shown.clock["speed"]) == ("playing", 3600)
        begun = lab.clock.ms
        await turns(0.5)
        assert 400_000 < lab.clock.ms - begun < 4_000_000
        shown.wire.page(click("pause"))
        await turns(0.3)
        shown.look()
        assert (shown.clock["state"], shown.clock["now"]) == ("paused", lab.clock.ms)
        facts = sum(1 for _ in lab.facts)
        shown.wire.page(click("skip"))
        await turns(0.3)
        shown.look()
        found = list(lab.facts)
        assert len(found) > facts
        assert found[facts]["at"] == lab.clock.ms == shown.clock["now"]
        assert shown.clock["note"] == events.headline(found[facts])
        assert not shown.errors

    asyncio.run(story())


def test_nothing_to_skip_to(tmp_path: Path) -> None:
    """A lab in which nothing happens: a day passes, and no event is made up."""
    with labkit.create(tmp_path / "idle.lab") as idle:
        before = idle.clock.ms
        assert idle.clock.skip() is None
        assert idle.clock.ms - before == 86_400_000


def fast(monkeypatch: pytest.MonkeyPatch, step: float) -> list[float]:
    """The heart's own clock goes on by ``step`` seconds at each look, and it looks at once."""
    now = [0.0]

    def ticks() -> float:
        now[0] += step / 2  # read twice a turn
        return now[0]

    monkeypatch.setattr(hearts, "EVERY", 0.001)
    monkeypatch.setattr(hearts.pace, "ticks", ticks)
    return now


def test_a_page_silent_for_90_s_pauses_the_clock(lab: Lab, page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """89 s without a beat: plays on; 91 s: paused, and the page that comes back is told why; beats keep it going."""

    async def silent(view: Any, seconds: float) -> None:
        while view.silent < seconds and lab.clock.playing:
            await asyncio.sleep(0)

    async def story() -> None:
        fast(monkeypatch, 0.5)
        view = portal.clock_bar(lab)
        shown = page(view)
        shown.wire.page(HELLO)
        await turns(0)
        lab.clock.play(60)
        for _ in range(3):
            await silent(view, 85)
            shown.wire.page(BEAT)
            await turns(0.01)
            assert view.silent < 60
        await silent(view, 89)
        assert lab.clock.playing
        while lab.clock.playing:
            await asyncio.sleep(0)
        assert 90 <= view.silent < 91
        shown.wire.page(BEAT)
        await turns(0.01)
        shown.look()
        assert shown.clock["state"] == "paused"
        assert "90 s" in shown.clock["note"]

    asyncio.run(story())


def test_time_in_which_the_loop_stood_still_does_not_count(
    lab: Lab, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell that blocks the Jupyter kernel for ten minutes is no silence of the page: one second is counted."""

    async def story() -> None:
        now = fast(monkeypatch, 0.01)
        view = portal.clock_bar(lab)
        page(view).wire.page(HELLO)
        await turns(0.01)
        before = view.silent
        now[0] += 600
        await turns(0.01)
        assert 1.0 <= view.silent - before < 10

    asyncio.run(story())


def test_a_view_nobody_looks_at_is_told_nothing(lab: Lab, page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After 10 s without a beat nothing is sent; the next beat brings everything, and both views know the same."""

    async def story() -> None:
        view, other = portal.watch(lab), portal.watch(lab)
        shown, second = page(view), page(other)
        for one in (shown, second):
            one.wire.page(HELLO)
        await turns()
        view.silent = 10.5
        sent = len(shown.wire.sent)
        lab.run("1h")
        hearts.of(lab).turn()
        assert len(shown.wire.sent) == sent
        shown.wire.page(BEAT)
        await turns()
        shown.look()
        second.look()
        assert (shown.series, shown.marks, shown.now) == (second.series, second.marks, lab.clock.ms)
        assert len(shown.series["MYBSD01"]) > 20

    asyncio.run(story())


def test_another_process_plays_and_the_view_follows(lab: Lab, page: Any) -> None:
    """What another session commits is in the page at the next look."""

    async def story() -> None:
        shown = page(portal.watch(lab))
        shown.wire.page(HELLO)
        await turns()
        with labkit.open(lab.path) as other:
            other.run("1h")
            hearts.of(lab).turn()
            shown.look()
            assert shown.now == shown.clock["now"] == other.clock.ms
            assert shown.series["MYBSD01"] == [tuple(p) for p in rpo.break_points(other.facts, 0)["MYBSD01"][:-1]]

    asyncio.run(story())


def test_a_closed_lab_is_said_once(lab: Lab, page: Any) -> None:
    """Views of a lab that was closed show the error, once, however often the page beats."""

    async def story() -> None:
        shown = page(portal.watch(lab))
        shown.wire.page(HELLO)
        await turns()
        lab.close()
        for _ in range(4):
            await turns(0.25)
            shown.wire.page(BEAT)
        await turns()
        shown.look()
        assert len(shown.errors) == 1
        assert "900009" in shown.errors[0][0]
        assert shown.wire.sent[-1] == {"kind": "alive"}

    asyncio.run(story())


def test_a_passing_error_does_not_stop_the_views(lab: Lab, page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is busy for a moment is told once; then the views go on, and so does the watch over the page."""

    async def story() -> None:
        view = portal.watch(lab)
        shown = page(view)
        shown.wire.page(HELLO)
        await turns()
        real, calls = Lab.news, []

        def busy(self: Lab, seen: int) -> Any:
            calls.append(seen)
            if len(calls) <= 3:
                raise LabError(900007, path=lab.path)
            return real(self, seen)

        monkeypatch.setattr(Lab, "news", busy)
        await turns(1.2)
        shown.look()
        assert len(calls) > 4
        assert len(shown.errors) == 1
        lab.run("10min")
        await turns(0.4)
        shown.look()
        assert shown.now == lab.clock.ms

    asyncio.run(story())


def test_a_click_that_wakes_a_view_brings_everything(lab: Lab, page: Any) -> None:
    """After a silence the first thing heard is a click: the page gets the whole state all the same."""

    async def story() -> None:
        view = portal.watch(lab)
        shown = page(view)
        shown.wire.page(HELLO)
        await turns()
        shown.look()
        view.silent = 50
        lab.run("1h")
        hearts.of(lab).turn()
        shown.wire.page(click("pause"))
        await turns()
        shown.look()
        follower = rpo.Follower()
        follower.look(lab)
        assert shown.series == {name: [tuple(p) for p in points] for name, points in follower.points().items()}

    asyncio.run(story())


def test_a_cell_whose_page_is_gone_ends(lab: Lab, page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """90 s without a page while a cell lets time pass: it ends with 900802 instead of waiting for ever."""

    async def story() -> None:
        fast(monkeypatch, 0.5)
        view = portal.watch(lab)
        page(view).wire.page(HELLO)
        await turns(0)
        with pytest.raises(LabError) as caught:
            await asyncio.wait_for(view.play("10d", speed=60), 20)
        assert caught.value.code == 900802
        assert lab.clock.player is None

    asyncio.run(story())


def test_a_cell_whose_page_is_gone_while_paused_ends_too(lab: Lab, page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paused in the page, then the tab is closed: nobody can press Play any more, so the cell ends with 900802."""

    async def story() -> None:
        fast(monkeypatch, 0.05)
        view = portal.watch(lab)
        shown = page(view)
        shown.wire.page(HELLO)
        await turns(0)
        cell = asyncio.create_task(view.play("10d", speed=60))
        await turns(0.2)
        shown.wire.page(click("pause"))
        await turns(0.2)
        assert not lab.clock.playing
        with pytest.raises(LabError) as caught:
            await asyncio.wait_for(cell, 20)
        assert caught.value.code == 900802

    asyncio.run(story())


def test_next_event_does_not_pass_what_a_cell_waits_for(tmp_path: Path, page: Any) -> None:
    """An idle lab, a cell that waits 40 minutes, and one click on the next event: 40 minutes, not a day."""
    with labkit.create(tmp_path / "idle.lab") as idle:

        async def story() -> None:
            view, before = portal.watch(idle), idle.clock.ms
            shown = page(view)
            shown.wire.page(HELLO)
            await turns()
            cell = asyncio.create_task(view.play("40min", speed=60))
            await turns(0.2)
            shown.wire.page(click("skip"))
            await asyncio.wait_for(cell, 5)
            assert idle.clock.ms - before == 40 * 60_000

        asyncio.run(story())


def test_a_bad_speed_is_refused_without_a_page_too(lab: Lab) -> None:
    """What fails before the reader's eyes fails in a headless run as well."""

    async def story() -> None:
        hearts.of(lab).waited = True
        for speed in (0, -5, float("nan")):
            with pytest.raises(LabError) as caught:
                await portal.watch(lab).play("1h", speed=speed)
            assert caught.value.code == 900052

    asyncio.run(story())


def test_views_no_page_shows_any_more_are_let_go(lab: Lab, page: Any) -> None:
    """A cell that is run again makes a new view; one that was shown and is silent for 90 s is closed."""

    async def story() -> None:
        old, never = portal.watch(lab), portal.watch(lab)
        page(old).wire.page(HELLO)
        await turns()
        old.silent = 91
        new = portal.watch(lab)
        assert set(hearts.of(lab).views) == {never, new}
        assert old.comm is None

    asyncio.run(story())


def test_open_or_create_goes_on_and_begins_anew(tmp_path: Path) -> None:
    """The open lab, the file, or a new one; a file that was deleted and made anew by somebody else is another lab."""
    path = tmp_path / "a.lab"
    first = labkit.open_or_create(path, stage="configured")
    assert labkit.open_or_create(path) is first
    first.run("1h")
    stood = first.now
    first.close()
    second = labkit.open_or_create(path)
    assert second is not first
    assert second.now == stood
    path.unlink()
    with labkit.create(path, seed=5):
        pass
    third = labkit.open_or_create(path)
    assert third.status()["seed"] == 5
    assert second.closed
    third.close()


def test_a_cell_without_a_page_takes_no_wall_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody watches: two days pass at once, to the millisecond; the wait for a page happens once."""
    monkeypatch.setattr("labkit.portal.widget._NO_PAGE_SECONDS", 0.2)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)

    async def story() -> None:
        view, before = portal.watch(lab), lab.clock.ms
        await view.play("2d", speed=60)
        assert lab.clock.ms - before == 2 * 86_400_000
        await view.play(until=lab.show_instant(lab.clock.ms + 1000))
        assert lab.clock.ms - before == 2 * 86_400_000 + 1000
        with pytest.raises(LabError) as caught:
            await view.play("-1h")
        assert caught.value.code
        with pytest.raises(LabError) as caught:
            await view.play()
        assert caught.value.code == 900058

    asyncio.run(story())


def test_a_cell_with_a_page_plays_live_and_ends_where_it_should(lab: Lab, page: Any) -> None:
    """At 3,600x an hour takes about a second; a pause in the page is waited out; the end is exact."""

    async def story() -> None:
        view, before = portal.watch(lab), lab.clock.ms
        shown = page(view)
        shown.wire.page(HELLO)
        await turns()
        began = time.monotonic()
        cell = asyncio.create_task(view.play("1h", speed=3600))
        await turns(0.4)
        shown.wire.page(click("pause"), thread=True)
        await turns(0.2)
        stopped = lab.clock.ms
        await turns(0.4)
        assert lab.clock.ms == stopped < before + 3_600_000
        assert not cell.done()
        shown.look()
        assert shown.clock["state"] == "paused"
        assert lab.show_instant(before + 3_600_000)[11:19] in shown.clock["note"]
        shown.wire.page(click("play"), thread=True)
        await cell
        assert lab.clock.ms == before + 3_600_000
        assert 1.0 < time.monotonic() - began < 20
        assert lab.clock.player is None
        shown.look()
        assert (shown.now, shown.clock["note"]) == (lab.clock.ms, "")

    asyncio.run(story())


def test_an_interrupted_cell_leaves_the_clock_standing(lab: Lab, page: Any) -> None:
    """Interrupting the cell pauses the clock and gives the lease back."""

    async def story() -> None:
        view = portal.watch(lab)
        page(view).wire.page(HELLO)
        await turns()
        cell = asyncio.create_task(view.play("10d"))
        await turns(0.3)
        assert lab.clock.playing
        cell.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cell
        assert not lab.clock.playing
        assert lab.clock.player is None

    asyncio.run(story())


def test_facts_do_not_know_how_they_were_watched(tmp_path: Path, page: Any) -> None:
    """Played live in the page, or at once: the same digest of events (promise 4)."""
    digests = []
    for live in (True, False):
        with labkit.create(tmp_path / f"{live}.lab", stage="protected") as one:

            async def story(one: Lab = one, live: bool = live) -> None:
                view = portal.watch(one)
                if live:
                    page(view).wire.page(HELLO)
                    await turns()
                hearts.of(one).waited = True
                await view.play("1h", speed=3600)
                one.faults.lose_line()
                await view.play("20min", speed=3600)

            asyncio.run(story())
            digests.append(one.events_digest)
    assert digests[0] == digests[1]


def test_the_bundle_is_widget_picture_and_fixed_text(lab: Lab) -> None:
    """Untrusted, printed or converted, a view is a PNG of its moment and a text that does not change."""

    async def story() -> None:
        view = portal.watch(lab)
        first, _ = view._repr_mimebundle_()
        lab.run("2h")
        second, _ = view._repr_mimebundle_()
        assert first["text/plain"] == second["text/plain"] == "<watch a.lab>"
        assert set(first) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
        pictures = [base64.b64decode(bundle["image/png"]) for bundle in (first, second)]
        assert all(picture.startswith(b"\x89PNG") for picture in pictures)
        assert pictures[0] != pictures[1]
        assert b"http" not in pictures[0]
        bar, _ = portal.clock_bar(lab)._repr_mimebundle_()
        assert set(bar) == {"application/vnd.jupyter.widget-view+json", "text/plain"}

    asyncio.run(story())


def test_the_still_picture_draws_the_page_s_break_points(lab: Lab, page: Any) -> None:
    """The matplotlib figure has, point for point, the curve the page was told, drawn on to the present instant."""
    lab.run("1h")

    async def story() -> None:
        view = portal.rpo_chart(lab, ["MYWSV01"])
        shown = page(view)
        shown.wire.page(HELLO)
        await turns()
        shown.look()
        line = view.figure().axes[0].get_lines()[0]
        told = [value / 1000 for _, value in shown.series["MYWSV01"]]
        assert list(line.get_ydata())[:-1] == told
        last_at, last = shown.series["MYWSV01"][-1]
        assert line.get_ydata()[-1] == (last + shown.now - last_at) / 1000
        assert view.figure().axes[0].get_lines()[1].get_ydata()[0] == 900

    asyncio.run(story())


def test_outside_a_kernel_it_is_a_picture(lab: Lab) -> None:
    """Without a loop (a plain program) a view can be made and drawn, and messages do no harm."""
    view = portal.watch(lab)
    view.comm.page(HELLO)
    assert view.comm.sent == []
    figure = view.figure()
    assert charts.png(figure).startswith(b"\x89PNG")


def test_words_of_the_page_are_of_the_language(lab: Lab) -> None:
    """All words a page shows come from Python, in the language of the process."""
    english = portal.watch(lab).words
    texts.set_language("ja")
    japanese = portal.watch(lab).words
    assert set(english) == set(japanese)
    same = {name for name in english if english[name] == japanese[name]}
    assert same == {"button_ok"}


def test_a_checkpoint_in_the_lab_s_place_is_shown_anew(tmp_path: Path) -> None:
    """When the followed facts are no longer there, everything is read and sent again."""

    class Fake:
        def __init__(self, facts: list[dict[str, Any]]) -> None:
            self.facts = facts

        def news(self, seen: int) -> tuple[int, int, list[dict[str, Any]]]:
            return 10_000, len(self.facts), self.facts[seen:]

    long = [
        {"at": 1, "kind": "line.lost", "entity": "line"},
        {"at": 2, "kind": "line.connected", "entity": "line"},
        {"at": 3, "kind": "line.lost", "entity": "line"},
    ]
    follower = rpo.Follower()
    assert follower.look(Fake(long))  # type: ignore[arg-type]
    assert [mark.at for mark in follower.marks] == [1, 2, 3]
    assert follower.look(Fake(long[:1]))  # type: ignore[arg-type]
    assert ([mark.at for mark in follower.marks], follower.round) == ([1], 1)


def test_another_file_in_the_lab_s_place_is_sent_anew(lab: Lab, page: Any) -> None:
    """When the follower had to begin anew, the next news are everything."""

    async def story() -> None:
        shown = page(portal.rpo_chart(lab))
        shown.wire.page(HELLO)
        await turns()
        follower = hearts.of(lab).follower
        follower.seen += 1_000_000  # as if more had been read than the file has now
        lab.run("10min")
        hearts.of(lab).turn()
        assert shown.wire.sent[-1]["parts"]["rpo"]["all"]
        shown.look()
        assert shown.series == {name: [tuple(p) for p in points] for name, points in follower.points().items()}

    asyncio.run(story())


def test_one_heart_for_all_views_of_a_lab(lab: Lab, tmp_path: Path) -> None:
    """Views of one lab share what reads its facts; another lab has its own."""
    one, two = portal.watch(lab), portal.rpo_chart(lab)
    with labkit.create(tmp_path / "b.lab") as another:
        assert one._heart is two._heart is hearts.of(lab)
        assert hearts.of(another) is not one._heart
