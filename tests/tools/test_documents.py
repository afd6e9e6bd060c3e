"""The documents: what they link to is there, and the portal's pictures are of the sizes that were promised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import screenshots

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    """Every file, folder or picture that a document links to is in the repository."""
    links = [link.split("#")[0] for link in LINK.findall(document.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if link and not (document.parent / link).exists()] == []


def test_every_picture_of_the_portal_is_small_and_shown() -> None:
    """Each picture exists in both languages, under 150 kB, and one of the documents shows it; none is left over."""
    wanted = {screenshots.path(name, language).name for name, language in screenshots.all_names()}
    there = {path.name: path.stat().st_size for path in screenshots.FOLDER.glob("*.png")}
    assert set(there) == wanted
    assert max(there.values()) <= screenshots.MOST_BYTES
    text = "".join(document.read_text("utf-8") for document in DOCUMENTS)
    assert [name for name in wanted if name not in text] == []
