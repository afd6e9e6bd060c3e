"""The site map in Chromium, with a model that a test moves: what is drawn, kept, said, and reached by keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from labkit.views.sitemap.drawing import changes, drawing
from labkit.views.sitemap.model import Link, Map, Thing
from tests.browser.test_module import Shown

pytestmark = pytest.mark.browser
BAD, LONG = "<script>window.bad = 1</script>", "N" * 200


def a_map(word: str = "Running", tone: str = "good", moves: int = 1, *vms: str) -> Map:
    """A small map: a site with clients and a host, the line, and Azure; state and traffic of it as given."""
    reached = () if tone == "bad" else (Link("reach/host/HV01", "reach", ("client/site", "host/HV01"), "good", "one"),)
    things = (
        Thing("side/site", "side", "", "", "Primary site: contoso", "good"),
        Thing("dns", "tile", "", "side/site", "DNS", "good", "answers"),
        Thing("client/site", "tile", "client", "side/site", "Clients", tone, "reaches 1 of 1"),
        Thing("host/HV01", "frame", "host", "side/site", "HV01", "good", "Running"),
        *(Thing(f"site/{vm}", "tile", "VM", "host/HV01", vm, tone, word) for vm in vms or ("VM1",)),
        Thing("line/azure", "pill", "", "", "Line", "good", "connected", ("100 Mbit/s",)),
        Thing("side/azure", "side", "", "", "Azure", "good"),
        Thing("storage/s", "frame", "", "side/azure", "Storage account s"),
    )
    line = Link("link/line/azure", "line", ("side/site", "side/azure"), "good", "connected", moves, ("line/azure",))
    return Map(0, 540, things, (line, *reached), f"Clients: {word}", {})


def tell(shown: Shown, found: Map) -> None:
    shown.tell(map={"all": True, **drawing(found)})


def place(page: Page, name: str) -> str:
    return str(page.locator(f'[data-thing="{name}"]').get_attribute("transform"))


def test_things_stand_where_python_puts_them(page: Page) -> None:
    """In both forms: each thing at its box, each link along its way; broad pages have the sides beside each other."""
    shown = Shown(page, ["map"])
    found = a_map()
    drawn = drawing(found)
    tell(shown, found)
    for width, form in ((1100, "wide"), (480, "narrow")):
        page.set_viewport_size({"width": width, "height": 900})
        size = " ".join(map(str, [0, 0, *drawn["sizes"][form]]))
        page.wait_for_selector(f'.labkit-map-plot[viewBox="{size}"]')
        for name, thing in drawn["things"].items():
            x, y, _w, _h = thing["boxes"][form]
            assert place(page, name) == f"translate({x} {y})"
        ways = [way.get_attribute("points") for way in page.locator(".labkit-way").all()]
        told = [" ".join(f"{x},{y}" for x, y in drawn["links"][name]["ways"][form]) for name in drawn["order"][1]]
        assert ways == told
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_only_what_changed_is_drawn_anew(page: Page) -> None:
    """A VM stops: its tile has other children in the same place, everything else is the very same elements."""
    shown = Shown(page, ["map"])
    before, after = a_map(), a_map("Stopped", "bad")
    tell(shown, before)
    page.evaluate("document.querySelectorAll('.labkit-map-plot *').forEach((one) => { one.kept = true; })")
    shown.tell(map=changes(drawing(before), drawing(after)))
    anew = page.evaluate("""[...document.querySelectorAll('.labkit-map-plot *')].filter((one) => !one.kept)
        .map((one) => one.parentNode.dataset.thing)""")
    assert set(anew) == {"site/VM1", "client/site"}
    assert page.evaluate("document.querySelector('[data-thing=\"site/VM1\"]').kept")
    tile = page.locator('[data-thing="site/VM1"]')
    assert "labkit-tone-bad" in str(tile.get_attribute("class"))
    assert tile.locator(".labkit-text-word").text_content() == "Stopped"
    assert page.locator(".labkit-link-reach").count() == 0, "what is gone is taken away"
    assert page.locator(".labkit-map .labkit-voice").text_content() == "Clients: Stopped"


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_traffic_moves_unless_less_motion_is_asked_for(page: Page, motion: Any) -> None:
    """Dashes run the way of the traffic; they stand for who asked for less motion, and none are there without any."""
    page.emulate_media(reduced_motion=motion)
    shown = Shown(page, ["map"])
    style = "one => [getComputedStyle(one).animationName, getComputedStyle(one).animationDirection]"
    for moves, direction in ((1, "normal"), (2, "reverse")):
        tell(shown, a_map(moves=moves))
        name, turned = page.locator(".labkit-flow").evaluate(style)
        assert name == ("labkit-flows" if motion == "no-preference" else "none")
        assert motion == "reduce" or turned == direction
    tell(shown, a_map(moves=0))
    assert page.locator(".labkit-flow").count() == 0


def test_by_keyboard(page: Page) -> None:
    """One stop for Tab; arrows, Home and End go through all things in order; each says what it is and its state."""
    shown = Shown(page, ["map"])
    found = a_map()
    tell(shown, found)
    focused = "document.activeElement.dataset.thing"
    page.keyboard.press("Tab")
    seen = [page.evaluate(focused)]
    for _ in found.things[1:]:
        page.keyboard.press("ArrowRight")
        seen.append(page.evaluate(focused))
    assert seen == [thing.id for thing in found.things]
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "VM: VM1; Running"
    assert page.locator(".labkit-told").text_content() == "VM: VM1; Running"
    shown.tell(map=changes(drawing(found), drawing(a_map("Stopped", "bad"))))
    assert page.evaluate(focused) == "site/VM1", "the focus stays while the map changes"
    assert page.locator(".labkit-told").text_content() == "VM: VM1; Stopped"
    assert page.evaluate("document.activeElement.getAttribute('data-lm-suppress-shortcuts')") == "true"
    page.keyboard.press("End")
    assert page.evaluate(focused) == found.things[-1].id
    assert page.locator("[data-thing][tabindex='0']").count() == 1


def test_names_are_texts(page: Page) -> None:
    """A VM called like a script, one of 200 letters, one with blanks: nothing runs, tiles hold them, titles say all."""
    shown = Shown(page, ["map"])
    tell(shown, a_map("Running", "good", 1, BAD, LONG, "a b"))
    assert page.evaluate("window.bad") is None
    assert page.locator(".labkit-view script").count() == 0
    for name in (BAD, LONG, "a b"):
        tile = page.locator(f"[data-thing='site/{name}']")
        assert name in str(tile.locator("title").text_content())
        wide = tile.evaluate("one => [...one.querySelectorAll('text')].map((text) => text.getBBox().width)")
        assert max(wide) <= 124


def test_news_before_the_whole_is_passed_over(page: Page) -> None:
    """Changes that come before the first whole map do no harm; a whole one takes the place of what was there."""
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    shown = Shown(page, ["map"])
    shown.tell(map=changes(drawing(a_map()), drawing(a_map("Stopped"))))
    tell(shown, a_map("Running", "good", 1, "OLD"))
    tell(shown, a_map("Running", "good", 1, "NEW"))
    assert page.locator("[data-thing='site/NEW']").count() == 1
    assert page.locator("[data-thing='site/OLD']").count() == 0
    assert failed == []
