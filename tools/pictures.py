"""Draws the guide's four pictures (rule 1.1-8) from real labs, in both languages, into ``docs/pictures/``.

    python tools/pictures.py

Run it when the site map looks different, or when its words were translated.
"""

from __future__ import annotations

import sys
from pathlib import Path

from labkit.engine import texts
from labkit.views import sitemap

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"


def path(name: str, language: str, folder: Path = FOLDER) -> Path:
    """Where a picture is kept: ``map-ordinary.en.svg``."""
    return folder / f"map-{name}.{language}.svg"


def draw(language: str, folder: Path = FOLDER) -> None:
    """Write all pictures in a language."""
    texts.set_language(language)
    for name in sitemap.PICTURES:
        path(name, language, folder).write_text(sitemap.picture(name).file, encoding="utf-8", newline="\n")


def main() -> int:
    """Write all pictures in all languages."""
    for language in texts.LANGUAGES:
        draw(language)
    return 0


if __name__ == "__main__":
    sys.exit(main())
