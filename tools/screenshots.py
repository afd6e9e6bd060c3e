"""Makes the portal's pictures in the documents from the real thing: JupyterLab in Chromium, labs with a fixed story.

    python -m tools.screenshots [NAME ...]

Each picture is made in English and Japanese and kept in ``docs/pictures/`` with a palette of at most 256 colours. The
labs' seed and steps are fixed and their clocks stand still, so a picture changes only when the portal does (or the
fonts of the computer: those in the repository are from Debian's chromium, fonts-dejavu and fonts-noto-cjk).
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Locator, Page, ViewportSize, sync_playwright

import labkit
from labkit.engine import texts
from tests.browser.conftest import FLAGS
from tests.browser.jupyter import Notebook, Server

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
MOST_BYTES = 150_000
_SIZE, _SIDE = ViewportSize(width=1180, height=2800), ViewportSize(width=1480, height=860)
_PLAN, _CLOUD, _VM = "Contoso-Orders", "OnPremise Cloud", "MYWSV01"
_ACTION = {
    "en": ("Tell the help desk", "Call the help desk: orders are taken in Azure from now on."),
    "ja": ("ヘルプ デスクに連絡", "ヘルプ デスクに電話します。注文はこれから Azure で受け付けます。"),
}
_LOCALES = {"en": "default", "ja": "ja_JP"}


@dataclasses.dataclass(frozen=True)
class Shot:
    """A picture of the portal. ``lab``: whose; ``path``: the page; ``ready``: what has to be seen before it is taken.

    ``click``: a command whose dialog is open; ``most``: how many pixels of height are kept; ``dark``: in English once
    more in JupyterLab's dark theme.
    """

    name: str
    lab: str
    path: tuple[str, ...]
    ready: str
    click: str = ""
    most: int = 1200
    dark: bool = False

    @property
    def cell(self) -> str:
        """The cell that shows it."""
        return f"portal.open(labs[{self.lab!r}], *{self.path!r})"


SHOTS = (
    Shot("portal-quick-start", "set-up", ("quick", "azure"), ".labkit-step"),
    Shot("portal-dashboard", "contoso", ("dashboard",), ".labkit-line", most=716, dark=True),
    Shot(
        "portal-test-failover", "contoso", ("items", _CLOUD, "vms", _VM), ".labkit-command", "vault.test_failover", 745
    ),
    Shot("portal-plan", "contoso", ("plans", _PLAN), ".labkit-table"),
    Shot("portal-map", "failed-over", ("map",), ".labkit-map"),
)
SIDE = "portal-beside-notebook"
_SIDE_CELLS = (
    'import labkit\nfrom labkit import portal\n\nlab = labkit.open("contoso.lab")',
    "portal.open(lab, side=True)",
    'lab.vault.items["MYWSV01"].recovery_points[-1]',
    'lab.vault.test_failover("MYWSV01")',
)


# --- the labs ---------------------------------------------------------------------------------------------------------


def set_up(file: Path, _language: str) -> None:
    """A lab in which the set-up has come as far as the registration of the VMM server."""
    labkit.create(file, site="contoso", seed=1, stage="registered").close()


def contoso(file: Path, language: str) -> None:
    """Two protected VMs, a plan, and a line that was lost for 25 minutes."""
    with labkit.create(file, site="contoso", seed=1, stage="protected") as lab:
        plan = lab.vault.create_plan(_PLAN, [_VM, "MYBSD01"])
        name, text = _ACTION[language]
        plan.draft().add_group().move("MYBSD01", 2).add_manual(1, name, text).save()
        lab.run("2h")
        lab.faults.lose_line()
        lab.run("25min")
        lab.faults.restore_line()
        lab.run("90min")


def failed_over(file: Path, language: str) -> None:
    """The same, later: MYWSV01 was failed over, as planned, into a network that the VPN joins to the site."""
    contoso(file, language)
    with labkit.open(file) as lab:
        lab.azure.create_network("CorpNetwork", "East Asia", "10.1.0.0/16", vpn="site-to-site")
        lab.vault.map_network(target="CorpNetwork", wait=True)
        lab.wait(lab.vault.planned_failover(_VM))
        lab.run("5min")


LABS: dict[str, Callable[[Path, str], None]] = {"set-up": set_up, "contoso": contoso, "failed-over": failed_over}


# --- pictures ---------------------------------------------------------------------------------------------------------


def path(name: str, language: str, folder: Path = FOLDER) -> Path:
    """Where a picture is kept: ``portal-plan.en.png``."""
    return folder / f"{name}.{language}.png"


def all_names() -> list[tuple[str, str]]:
    """Name and language of every picture."""
    plain = [(name, language) for name in (*(shot.name for shot in SHOTS), SIDE) for language in texts.LANGUAGES]
    return [*plain, *((f"{shot.name}-dark", "en") for shot in SHOTS if shot.dark)]


def written(picture: bytes, target: Path, most: int = 10_000) -> None:
    """A screenshot with a palette, cut to ``most`` pixels of height; ``ValueError`` when it is too large a file."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = image.crop((0, 0, image.width, min(image.height, most)))
    image.quantize(256, dither=Image.Dither.NONE).save(target, optimize=True)
    if (size := target.stat().st_size) > MOST_BYTES:
        raise ValueError(f"{target.name} has {size} bytes, of at most {MOST_BYTES}")
    print(target.name, image.size, size)


def steady(page: Page, shot: Callable[[], bytes]) -> bytes:
    """A picture when nothing moves any more: the same twice."""
    before = b""
    for _try in range(40):
        page.wait_for_timeout(400)
        now = shot()
        if now == before:
            return now
        before = now
    raise TimeoutError("the page does not come to rest")


def notebook(folder: Path, name: str, cells: Iterator[str]) -> None:
    """A notebook of code cells."""
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    empty: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    made = [{**empty, "id": f"cell-{place}", "source": text} for place, text in enumerate(cells)]
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": made}
    (folder / name).write_text(json.dumps(document), "utf-8")


def command(page: Page, name: str, **arguments: Any) -> None:
    """Give a command of JupyterLab with arguments."""
    page.evaluate("([name, given]) => window.jupyterapp.commands.execute(name, given)", [name, arguments])


def theme(page: Page, name: str) -> None:
    """Change JupyterLab's theme and wait until it is there."""
    command(page, "apputils:change-theme", theme=f"JupyterLab {name}")
    page.locator(f'body[data-jp-theme-light="{"true" if name == "Light" else "false"}"]').wait_for(state="attached")


def take(page: Page, view: Locator, shot: Shot, target: Path) -> None:
    """One picture of a view."""
    view.scroll_into_view_if_needed()
    view.locator(shot.ready).first.wait_for()
    page.mouse.move(1, 1)
    written(steady(page, view.screenshot), target, shot.most)


def portal_shots(page: Page, server: Server, shots: list[Shot], language: str) -> None:
    """Each picture is a cell of one notebook."""
    first = "import labkit\nfrom labkit import portal\nlabs = {n: labkit.open(n + '.lab') for n in " + f"{list(LABS)}}}"
    notebook(server.folder, "shots.ipynb", iter([first, *(shot.cell for shot in shots)]))
    shown = Notebook(page, server, "shots.ipynb")
    shown.open()
    shown.command("application:toggle-left-area")
    shown.run_all()
    for place, shot in enumerate(shots):
        view = page.locator(".labkit-view").nth(place)
        if shot.click:
            view.locator(f'.labkit-command[data-command="{shot.click}"]').click()
            view.locator(".labkit-dialog .labkit-code").wait_for()
        take(page, view, shot, path(shot.name, language))
        if shot.dark and language == "en":
            theme(page, "Dark")
            take(page, view, shot, path(f"{shot.name}-dark", language))
            theme(page, "Light")


def side_shot(page: Page, server: Server, language: str) -> None:
    """The notebook, and the portal beside it."""
    notebook(server.folder, "beside.ipynb", iter(_SIDE_CELLS))
    page.set_viewport_size(_SIDE)
    shown = Notebook(page, server, "beside.ipynb")
    shown.open()
    shown.command("application:toggle-left-area")
    shown.command("statusbar:toggle")  # it counts Jupyter kernels, of which there may be others
    shown.run_all()
    view = page.locator(".labkit-view")
    view.locator(".labkit-to-dashboard").click()
    view.locator(".labkit-block-table tbody tr").first.wait_for()
    page.add_style_tag(content=".jp-Notebook-ExecutionIndicator { visibility: hidden; }")  # is never twice the same
    page.mouse.move(1, 1)
    written(steady(page, page.screenshot), path(SIDE, language))


def pictures(language: str, names: list[str], work: Path) -> None:
    """All pictures in a language."""
    folder = work / language
    folder.mkdir(parents=True)
    texts.set_language(language)
    for name, make in LABS.items():
        make(folder / f"{name}.lab", language)
    server = Server(folder, work / f"own-{language}", LABKIT_LANG=language, MPLBACKEND="Agg")
    try:
        server.setting("@jupyterlab/notebook-extension", "tracker", windowingMode="none")
        server.setting("@jupyterlab/translation-extension", "plugin", locale=_LOCALES[language])
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page(viewport=_SIZE)
            shots = [shot for shot in SHOTS if not names or shot.name in names]
            if shots:
                portal_shots(page, server, shots, language)
            if not names or SIDE in names:
                side_shot(page, server, language)
            browser.close()
    finally:
        server.close()


def main(arguments: list[str] | None = None) -> int:
    """Make all pictures, or those named, in all languages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", choices=[*(shot.name for shot in SHOTS), SIDE, []], help="all when left out"
    )
    names = list(parser.parse_args(arguments).names)
    with tempfile.TemporaryDirectory() as work:
        for language in texts.LANGUAGES:
            pictures(language, names, Path(work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
