"""Everything a person reads goes through here: gettext, English as the source, Japanese beside it.

The language is asked for, in this order: ``set_language``, ``LABKIT_LANG``, the setting of the lab opened last that has
one, the nearest folder above (below the person's home) called ``ja`` or ``en``, the environment's ``LANGUAGE``,
``LC_ALL``, ``LC_MESSAGES``, ``LANG``, the locale of the operating system.
"""

from __future__ import annotations

import functools
import gettext as _gettext
import locale
import os
from pathlib import Path

LANGUAGES = ("en", "ja")
_FOLDER = Path(__file__).resolve().parents[1] / "locale"
_state: dict[str, _gettext.NullTranslations | str | None] = {
    "chosen": None,
    "lab": None,
    "loaded": None,
    "translations": None,
}


def language() -> str:
    """The language of this process: ``"en"`` or ``"ja"``."""
    chosen = _state["chosen"]
    if isinstance(chosen, str):
        return chosen
    return _environment(("LABKIT_LANG",)) or _lab_or_folder() or _computer()


def _environment(names: tuple[str, ...]) -> str | None:
    for name in names:
        value = os.environ.get(name)
        if value:
            return "ja" if value.lower().startswith("ja") else "en"
    return None


def _lab_or_folder() -> str | None:
    of_lab = _state["lab"]
    if isinstance(of_lab, str):
        return of_lab
    try:
        return folder_language(os.getcwd())  # noqa: PTH109 - asked with every text; a Path would cost more than the look
    except OSError:  # the folder is gone
        return None


@functools.lru_cache(maxsize=8)
def folder_language(folder: str) -> str | None:
    """``"en"`` or ``"ja"`` of the nearest folder so called, the folder itself or above it; None for none.

    Not the person's home or what is above: somebody may be called Ja.
    """
    ends = {Path(folder).anchor}
    try:
        home = Path.home()
        ends |= {str(path) for path in (home, *home.parents)}
    except RuntimeError:  # no home
        pass
    for path in (Path(folder), *Path(folder).parents):
        if str(path) in ends:
            return None
        if path.name in LANGUAGES:
            return path.name
    return None


def _computer() -> str:
    found = _environment(("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    if found is not None:
        return found
    try:
        local = locale.getlocale()[0] or ""
    except ValueError:
        local = ""
    return "ja" if local.lower().startswith("ja") else "en"


def follow_lab(name: str | None) -> None:
    """Take over a lab's setting, ``"en"`` or ``"ja"``; ``None`` for a lab without one changes nothing."""
    if name in LANGUAGES:
        _state["lab"] = name


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
