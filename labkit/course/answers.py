"""Which answers to a question are right: not their spelling counts, but what they say."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark

_CLOSE = 0.01  # an answer in figures is right within a hundredth: nobody counts the last digit
_FIGURE = re.compile(r"(?P<before>\D*?)(?P<figure>-?\d[\d,]*(?:\.\d+)?)(?P<after>\D*)")
_BETWEEN = (re.compile(r"[,;、]"), re.compile(r"[,;、\s]"))  # a name may have spaces in it

MINUTES = (mark("minutes"), "minute", "min", "mins")
VM_DAYS = (mark("VM days"), "VM day", mark("days"), "day", "台")


class Wanted(NamedTuple):
    """A right answer, others that say the same, and the words that may stand beside a figure.

    Texts (marked for translation) are taken in English and in the session's language.
    """

    value: object
    also: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


def plain(answer: object) -> object:
    """An answer without what does not count: case, width and spaces of texts, the order of lists.

    >>> plain(["MYBSD01", " mywsv01 "]), plain("Yes"), plain("５ 分"), plain(3)
    (['mybsd01', 'mywsv01'], 'yes', '5 分', 3)
    """
    if isinstance(answer, str):
        return " ".join(unicodedata.normalize("NFKC", answer).split()).casefold()
    if isinstance(answer, bool) or answer is None:
        return str(answer).casefold()
    if isinstance(answer, list | tuple | set):
        return sorted(map(str, map(plain, answer)))
    return answer


def right(given: object, wanted: object) -> bool:
    """Whether an answer is the right one, or one of a :class:`Wanted`; names in one text stand for a list.

    None is what a lab cannot tell yet: nothing is right then.
    """
    value, also, units = wanted if isinstance(wanted, Wanted) else Wanted(wanted)
    if value is None:
        return False
    answer = plain(given)
    return _same(answer, plain(value), _words(units)) or _close_up(answer) in _words(also)


def shown(wanted: object) -> object:
    """The right answer itself, as a solution gives it."""
    return wanted.value if isinstance(wanted, Wanted) else wanted


def _same(given: object, wanted: object, units: set[str]) -> bool:
    if isinstance(wanted, int | float):
        figure = _figure(given, units) if isinstance(given, str) else given
        return isinstance(figure, int | float) and abs(figure - wanted) <= _CLOSE * abs(wanted)
    if isinstance(wanted, list) and isinstance(given, str):
        readings = (sorted(filter(None, map(str.strip, between.split(given)))) for between in _BETWEEN)
        return wanted in readings
    if isinstance(wanted, str):
        return _close_up(given) == _close_up(wanted)
    return given == wanted


def _figure(text: str, units: set[str]) -> float | None:
    """The figure of a text in which nothing but a unit stands beside it; None when it is no such text."""
    found = _FIGURE.fullmatch(text)
    if found is None or not {_close_up(found["before"]), _close_up(found["after"])} <= {"", *units}:
        return None
    return float(found["figure"].replace(",", ""))


def _words(texts: tuple[str, ...]) -> set[str]:
    return {_close_up(plain(one)) for text in texts for one in (text, _(text))}


def _close_up(text: object) -> str:
    """Without spaces: Japanese words stand with them or without."""
    return "".join(str(text).split())
