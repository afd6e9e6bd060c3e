"""The guard at the doors: what is given to a public method is of the kind its annotation says, or refused (900063).

What a door takes is kept in the lab's file; a number where a text belongs would make that file unreadable.
"""

from __future__ import annotations

import functools
import inspect
import os
import reprlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from labkit.engine.errors import LabError, listed
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark, whole

_SECRET = ("password", "card", "phone", "product_key")
_WORDS = {
    "str": mark("a text"),
    "int": mark("a whole number"),
    "float": mark("a number"),
    "bool": mark("True or False"),
    "Path": mark("a path"),
    "Job": mark("a job"),
    "dict[str, str]": mark("texts by name"),
    "Sequence[str]": mark("a list of texts"),
    "Iterable[str]": mark("a list of texts"),
    "Sequence[Any]": mark("a list"),
}
_LISTS = ("Sequence[str]", "Iterable[str]", "Sequence[Any]")


def _text(value: Any) -> bool:
    return isinstance(value, str) and whole(value)


def _path(value: Any) -> bool:
    try:
        return isinstance(value, Path) and os.fsencode(value) is not None
    except UnicodeEncodeError:
        return False


_FITS: dict[str, Callable[[Any], bool]] = {
    "str": _text,
    "int": lambda value: type(value) is int,
    "float": lambda value: type(value) in (int, float),
    "bool": lambda value: type(value) is bool,
    "Path": _path,
    "Job": lambda value: type(value).__name__ == "Job" and isinstance(getattr(value, "id", None), str),
    "Reason": lambda value: type(value).__name__ == "Reason",
    "dict[str, str]": lambda value: (
        isinstance(value, Mapping) and all(_text(one) for pair in value.items() for one in pair)
    ),
    "Sequence[str]": lambda value: isinstance(value, list) and all(_text(one) for one in value),
    "Sequence[Any]": lambda value: isinstance(value, list) and _whole(value),
    "None": lambda value: value is None,
}
_FITS["Iterable[str]"] = _FITS["Sequence[str]"]


def _whole(value: Any) -> bool:
    """No half of a character in the texts of a value of any kind."""
    if isinstance(value, Mapping):
        return all(_whole(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple):
        return all(map(_whole, value))
    return not isinstance(value, str) or _text(value)


def require(name: str, value: Any, annotation: str) -> Any:
    """The value as the method gets it, if it is of a kind the annotation names; 900063 otherwise.

    A list is what can be gone through once; a text in its place is one a line.
    """
    kinds = annotation.split(" | ")
    if any(kind in _LISTS for kind in kinds):
        value = _listed(value)
    if not all(kind in _FITS for kind in kinds):  # "Any", or a kind of our own: no halves of characters, no more
        kinds, fits = ["str"], _whole(value)
    else:
        fits = any(_FITS[kind](value) for kind in kinds)
    if not fits:
        words = [_(_WORDS[kind]) if kind in _WORDS else kind for kind in kinds]
        found = "***" if name in _SECRET else reprlib.repr(value)
        raise LabError(900063, argument=name, found=found, values=listed(dict.fromkeys(words)))
    return value


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray | Mapping):
        return list(value)
    return value


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, with a look at what it is given."""

    @functools.cache
    def told() -> tuple[list[str], str, dict[str, str]]:
        """Names of what is given by place, "" or the name for any number of more, annotations by name."""
        known = list(inspect.signature(method).parameters.values())[1:]
        places = [one.name for one in known if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
        more = next((one.name for one in known if one.kind is inspect.Parameter.VAR_POSITIONAL), "")
        open_ended = (inspect.Parameter.VAR_KEYWORD,)
        return places, more, {one.name: str(one.annotation) for one in known if one.kind not in open_ended}

    @functools.wraps(method)
    def guard(self: Any, /, *given: Any, **named: Any) -> Any:
        places, more, kinds = told()
        names = [*places, *[more] * (len(given) - len(places))]
        taken = [require(n, value, kinds.get(n, "Any")) for n, value in zip(names, given, strict=False)]
        return method(self, *taken, **{n: require(n, value, kinds.get(n, "Any")) for n, value in named.items()})

    return guard


def guard(*doors: type) -> None:
    """Let the public methods of these classes, and of those they stand on, look at what they are given."""
    for door in dict.fromkeys(one for given in doors for one in given.__mro__[:-1]):
        for name, method in list(vars(door).items()):
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(door, name, _guarded(method))
