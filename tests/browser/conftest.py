"""One Chromium for all browser tests; each has a page of its own, which may not ask for anything from outside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
# A busy computer is no failure. Playwright's own 5 s for what is expected are too few for JupyterLab on one.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)


# Not for the whole session: Playwright's loop runs as long as it does, and other tests need the thread's own.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def outside() -> list[str]:
    """Addresses beyond this computer that a page asked for."""
    return []


@pytest.fixture
def page(browser: Browser, outside: list[str]) -> Iterator[Page]:
    """A page; what it asks of other computers is refused and fails the test."""
    opened = browser.new_page(viewport={"width": 1200, "height": 1000})
    opened.set_default_timeout(PATIENCE)

    def only_here(route: Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:")):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    opened.route("**/*", only_here)
    yield opened
    opened.close()
    assert outside == [], "asked for from outside"
