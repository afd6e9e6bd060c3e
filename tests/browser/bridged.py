"""The portal in a page without JupyterLab: the page's messages go to the view in this process, and its own back."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page

from labkit import Lab
from labkit.portal import heart, words
from labkit.portal.portalview import PortalView
from labkit.portal.widget import View, module
from tests.browser.clicking import Portal
from tests.browser.test_module import MODEL

LOOK = """:root { --jp-layout-color1: #fff; --jp-layout-color2: #eee; --jp-content-font-color1: #1f2328;
  --jp-content-font-color2: #59636e; --jp-border-color2: #d8dee4; --jp-brand-color1: #1976d2;
  --jp-ui-inverse-font-color1: #fff; }"""


class Bridged:
    """A lab's portal in ``page``; ``portal`` drives it, ``view`` is its other end."""

    def __init__(self, page: Page, lab: Lab, *path: str) -> None:
        self.page, self.lab = page, lab
        self.view = PortalView(heart.of(lab), path or ("quick",))
        self._out: list[dict[str, Any]] = []
        self.view.send = lambda message, *_: self._out.append(message)
        page.expose_function("toPython", self._got)
        self.load()
        self.portal = Portal(page)

    def load(self) -> None:
        """Let the page build the view, as it does when it is loaded anew."""
        self.page.goto("data:text/html,<!doctype html><meta charset=utf-8><body></body>")
        source = MODEL.replace("sent.push(message)", "void window.toPython(message)")
        self.page.evaluate(source, [module(), LOOK + View._css, words.page(), list(self.view.parts)])

    def _got(self, message: dict[str, Any]) -> None:
        self.view._handle(message)
        self.flush()

    def told(self) -> None:
        """Tell the page what is new, as the lab's heart does while time runs."""
        self.view.screen.do("dismiss", 99)
        self.view.flush()
        self.flush()

    def flush(self) -> None:
        """Bring what Python has said to the page."""
        while self._out:
            self.page.evaluate("text => window.tell(JSON.parse(text))", json.dumps(self._out.pop(0)))
