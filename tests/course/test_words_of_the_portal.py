"""What the course says of the portal is there: pages, buttons and fields by the names the texts give them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit import Lab, LabError
from labkit.course import looks
from labkit.engine import resources, texts
from labkit.engine.texts import gettext as _
from labkit.portal import words
from labkit.portal.controls import CONTROLS
from labkit.portal.dialogs import Pages, open_dialog
from labkit.portal.screen import _Holder
from tests.portal.clicks import Person, visits
from tests.portal.labs import all_kinds
from tests.portal.test_controls import LATER
from tools import notebooks

SOURCES = sorted((notebooks.SOURCES / notebooks.COURSE).glob("*.py"))
OPENED = re.compile(r"portal\.open\(lab((?:, \"[^\"]+\")*)(?:, side=True)?\)")
# How a text writes what can be clicked; names of the lab's own things are code.
NAME = {"en": r"\*[A-Z][^*]*\*|`[^`]+`", "ja": r"\[[^\]]+\]|`[^`]+`"}
SAID = {"en": r"\*\*In the portal(?::\*\*|\*\*)", "ja": r"\*\*ポータルで:\*\*"}
IN_CODE = r"\*\*(?:In code|コードで)"
ELSEWHERE = {
    "en": r"2014|guide|Hyper-V Manager",
    "ja": r"2014|自習書|Hyper-V マネージャー",
}  # a sentence of other windows


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts_in(one)


def _asked(person: Person) -> Iterator[str]:
    """What the dialogs of a page ask."""
    for command in person.screen._page.commands:
        root = _Holder(person.lab, {}, "Plan") if command.control.startswith("draft.") else person.lab
        try:
            dialog = open_dialog(person.lab, CONTROLS[command.control], dict(command.preset), root)
        except LabError:  # a wizard that has nothing to begin with
            continue
        yield from _texts_in(dialog.data())
        if isinstance(dialog, Pages):
            dialog.cancel()


def _of_wizards() -> Iterator[str]:
    """What the later pages of the wizards ask; their dialogs begin with the first."""
    for wizard in resources.yaml("wizards.yml").values():
        for page in wizard["pages"].values():
            yield from (_(field["title"]) for field in page["fields"].values())


class Portal:
    """Each part of the portal with all that can be read in it, in one language."""

    def __init__(self, labs: dict[str, Lab], language: str) -> None:
        self.language = language
        self.parts: dict[str, set[str]] = {}
        for lab in labs.values():
            for person in visits(lab):
                [part] = [tab["title"] for tab in person.seen["nav"] if tab["here"]]
                there = self.parts.setdefault(part, {words.page()["view_job"]})
                there.update(_texts_in([person.seen["head"], person.seen["commands"], person.seen["blocks"]]))
                there.update(_asked(person))
        self.later = {_(CONTROLS[one].title) for one in LATER} | {_("Complete manual action")}
        self.later.update(_of_wizards())
        self.later.update(text for key, text in words.page().items() if key.startswith("button_"))
        self.every = {*self.parts, *self.later, *set().union(*self.parts.values())}

    def misnamed(self, text: str) -> list[str]:
        """What a text names of the portal and the portal has not, or not there: "part > name", or the name."""
        flat = re.sub(r"[ \t]*\n(?!\n)[ \t]*", " ", text.replace("\n\n", "\0")).replace("\0", "\n\n")
        name, found = NAME[self.language], []
        for sentence in re.split(r"(?<=[.。])\s", flat):
            if re.search(ELSEWHERE[self.language], sentence):
                continue
            for path in re.findall(rf"(?:{name})(?:\s*>\s*(?:{name}))+", sentence):
                part, *names = [one.strip("*[]") for one in re.findall(name, path)]
                known = self.parts.get(part, set()) | self.later
                found += [f"{part} > {one}" for one in names if one[0] != "`" and one not in known]
        for said in re.findall(rf"{SAID[self.language]}(.*?)(?=\n\n|{IN_CODE}|\Z)", flat, re.S):
            for sentence in re.split(r"(?<=[.。])\s", said):
                # an aside in brackets is no step
                names = [one.strip("*[]") for one in re.findall(rf"{name}|\([^()]*\)", sentence) if one[0] not in "(`"]
                if not re.search(ELSEWHERE[self.language], re.sub(r"\([^()]*\)", "", sentence)):
                    found += [one for one in names if one not in self.every]
        return found


@pytest.fixture(scope="module")
def portals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Portal]]:
    """The portal of labs in which everything of it can be met, in each language."""
    labs, found = all_kinds(tmp_path_factory.mktemp("labs")), {}
    for language in notebooks.LANGUAGES:
        texts.set_language(language)
        found[language] = Portal(labs, language)
    texts.set_language(None)
    yield found
    for lab in labs.values():
        lab.close()


@pytest.mark.parametrize("language", notebooks.LANGUAGES)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_notebook_names_what_is_there(portals: dict[str, Portal], source: Path, language: str) -> None:
    """Every path and every button of its steps in the portal is there under this name, and it says how to open it."""
    cells = notebooks.notebook(source, language).cells
    texts_of = [cell.source for cell in cells if cell.cell_type == "markdown"]
    found = {name: text for text in texts_of for name in portals[language].misnamed(text)}
    assert found == {}
    whole = "\n".join(texts_of)
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    opened = OPENED.search(whole)
    assert opened is not None, "how the portal is opened is not said"
    assert re.search(r"^from labkit import .*\bportal\b", code, re.M), "portal is not at hand"
    steps = [said.end() for said in re.finditer(SAID[language], whole)]
    assert opened.start() <= min(steps, default=opened.start()) + 80, "said after the first step already needs it"


def test_a_wrong_name_is_found(portals: dict[str, Portal]) -> None:
    """A button on another page than said, a page that there is not, a wrong word in a step; what is right is none."""
    english, japanese = portals["en"], portals["ja"]
    assert english.misnamed("*Lab* > *Faults* > *Declare a disaster*") == ["Lab > Declare a disaster"]
    assert english.misnamed("**In the portal:** choose `VM`, *Protect it*. **In code:** *x*") == ["Protect it"]
    assert english.misnamed("*Site* > *Line*") == ["Site > Line"]
    assert english.misnamed("*Dashboard* > *Declare a disaster*, then *Lab* > *Faults* > *Lose the site*.") == []
    assert japanese.misnamed("[ラボ] > [障害] > [災害の宣言]") == ["ラボ > 災害の宣言"]
    assert japanese.misnamed("[ダッシュボード] > [災害の宣言]") == []


@pytest.mark.parametrize("language", notebooks.LANGUAGES)
def test_where_to_look_is_a_place(portals: dict[str, Portal], language: str) -> None:
    """Every "where to look" of a check that begins with a part of the portal names what is there."""
    texts.set_language(language)
    places = {_(value[0]) for name, value in vars(looks).items() if name.isupper() and isinstance(value, tuple)}
    texts.set_language(None)
    portal = portals[language]
    assert len(places) > 20
    paths = [place.split(" > ") for place in places if place.split(" > ")[0] in portal.parts]
    assert len(paths) > 20
    wrong = [path for path in paths for one in path[1:] if one not in portal.parts[path[0]]]
    assert wrong == []


def test_every_page_that_is_opened_is_there(portals: dict[str, Portal], tmp_path: Path) -> None:
    """What the notebooks hand to ``portal.open`` is a page of a lab in which everything is."""
    found = {
        tuple(re.findall(r'"([^"]+)"', arguments))
        for source in SOURCES
        for arguments in OPENED.findall(source.read_text("utf-8"))
    }
    assert len(found) > 8
    with labkit.create(tmp_path / "full.lab", stage="protected") as lab:
        for path in found - {("items", "Primary Cloud")}:
            person = Person(lab).go(*path)
            assert "error" not in person.seen["blocks"]["changed"], path
            assert person.seen["head"]["path"] == list(path or ("quick",))
