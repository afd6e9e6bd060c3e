"""Everything a person reads goes through here: gettext, English as the source, Japanese beside it.

The language is asked for, in this order: ``set_language``, ``LABKIT_LANG``, the environment's ``LANGUAGE``,
``LC_ALL``, ``LC_MESSAGES``, ``LANG``, the locale of the operating system.
"""

from __future__ import annotations

import gettext as _gettext
import locale
import os
from pathlib import Path

LANGUAGES = ("en", "ja")
_FOLDER = Path(__file__).resolve().parents[1] / "locale"
_state: dict[str, _gettext.NullTranslations | str | None] = {"chosen": None, "loaded": None, "translations": None}


def language() -> str:
    """The language of this process: ``"en"`` or ``"ja"``."""
    chosen = _state["chosen"]
    if isinstance(chosen, str):
        return chosen
    for name in ("LABKIT_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "ja" if value.lower().startswith("ja") else "en"
    try:
        found = locale.getlocale()[0] or ""
    except ValueError:
        found = ""
    return "ja" if found.lower().startswith("ja") else "en"


def set_language(name: str | None) -> None:
    """Choose ``"en"`` or ``"ja"`` for this process; ``None`` goes back to the environment's."""
    if name is not None and name not in LANGUAGES:
        raise ValueError(f"language {name!r}: allowed are {', '.join(LANGUAGES)}")
    _state["chosen"] = name


def _translations() -> _gettext.NullTranslations:
    wanted = language()
    loaded = _state["translations"]
    if _state["loaded"] != wanted or not isinstance(loaded, _gettext.NullTranslations):
        loaded = _gettext.translation("labkit", _FOLDER, languages=[wanted], fallback=True)
        _state["loaded"], _state["translations"] = wanted, loaded
    return loaded


def gettext(message: str) -> str:
    """The text in the language of this process; nothing stays nothing (gettext would give the catalogue's header)."""
    return _translations().gettext(message) if message else ""


def whole(text: str) -> bool:
    """Whether a text can be written to a file: no half of a character is in it."""
    try:
        return text.encode() is not None
    except UnicodeEncodeError:
        return False


def ngettext(one: str, many: str, count: int) -> str:
    """The singular or plural text for ``count``."""
    return _translations().ngettext(one, many, count)


def mark(message: str) -> str:
    """Mark a text for translation where it is defined, to be translated where it is shown."""
    return message
