"""Wizards as data (``data/wizards.yml``): pages in order, fields with kinds and defaults, and what each page checks.

A page's check refuses what the real page would refuse; what a wizard changes, it changes at its end. One call with
arguments walks the same pages.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.names import meant
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark, whole
from labkit.engine.world import World

Values = dict[str, Any]
Check = Callable[[World, str, Values], None]
Note = Callable[[World, str, Values], str]
_CHECKS: dict[tuple[str, str], Check] = {}
_NOTES: dict[tuple[str, str], Note] = {}
REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "REQUIRED"})()
_KINDS = {
    "flag": mark("yes or no"),
    "port": mark("a port from 1 to 65535"),
    "list": mark("a list of texts"),
    "text": mark("a text"),
    "path": mark("a path"),
    "address": mark("an address without a user name, which has its own field"),
    "secret": mark("a text"),
}


class Field(msgspec.Struct, frozen=True):
    """A field of a page: ``default`` is ``REQUIRED`` when it has to be given; titles are English texts."""

    name: str
    title: str
    kind: str
    default: Any
    choices: tuple[str, ...] = ()


class Page(msgspec.Struct, frozen=True):
    """A page of a wizard."""

    name: str
    title: str
    fields: tuple[Field, ...]


class Definition(msgspec.Struct, frozen=True):
    """A wizard; ``guide`` is the section of the guide that shows it."""

    name: str
    title: str
    guide: str
    pages: tuple[Page, ...]

    @property
    def fields(self) -> dict[str, Field]:
        """All fields by name; a name stands on one page only."""
        return {field.name: field for page in self.pages for field in page.fields}

    def page(self, name: str) -> Page:
        """The page of that name."""
        return next(page for page in self.pages if page.name == name)


@functools.cache
def definition(name: str) -> Definition:
    """A wizard of the table."""
    row = resources.yaml("wizards.yml")[name]
    pages = tuple(
        Page(page, body["title"], tuple(_field(field, told) for field, told in body["fields"].items()))
        for page, body in row["pages"].items()
    )
    return Definition(name, row["title"], row["guide"], pages)


def _field(name: str, row: dict[str, Any]) -> Field:
    return Field(name, row["title"], row["kind"], row.get("default", REQUIRED), tuple(row.get("choices", ())))


def kept(wizard: str, values: Mapping[str, Any]) -> Values:
    """Values as the journal keeps them: nothing of what is secret, nor of a user name in an address."""
    fields = definition(wizard).fields
    return {
        name: "***" if value and name in fields and _hidden(fields[name], value) else value
        for name, value in values.items()
    }


def _hidden(field: Field, value: Any) -> bool:
    return field.kind == "secret" or (field.kind == "address" and "@" in str(value))


def check(wizard: str, page: str) -> Callable[[Check], Check]:
    """Register what a page checks, given the server (or other thing) the wizard runs on and all values so far."""

    def register(function: Check) -> Check:
        _CHECKS[wizard, page] = function
        return function

    return register


def note(wizard: str, page: str) -> Callable[[Note], Note]:
    """Register what a page tells beside its fields, as :func:`check`."""

    def register(function: Note) -> Note:
        _NOTES[wizard, page] = function
        return function

    return register


def told(world: World, wizard: str, page: str, subject: str, values: Values) -> str:
    """What a page tells beside its fields; "" for nothing."""
    function = _NOTES.get((wizard, page))
    return function(world, subject, values) if function else ""


def start_values(wizard: str, known: Mapping[str, str]) -> Values:
    """The defaults of all fields that have one; ``known`` fills what stands in braces."""
    values: Values = {}
    for name, field in definition(wizard).fields.items():
        if field.default is not REQUIRED:
            default = field.default
            values[name] = known[default[1:-1]] if isinstance(default, str) and default[:1] == "{" else default
    return values


def enter(wizard: str, page: str, values: Values, given: Mapping[str, Any]) -> Values:
    """The values with those given for the fields of a page; 900631 for one that is not on it.

    900632 for one that has to be given and is not, 900633 for one of another kind.
    """
    fields = {field.name: field for field in definition(wizard).page(page).fields}
    entered = dict(values)
    for name, value in given.items():
        if name not in fields:
            choices = ", ".join(fields) or "-"
            raise LabError(900631, field=name, page=_(definition(wizard).page(page).title), choices=choices)
        entered[name] = _read(fields[name], value)
    for name, field in fields.items():
        if name not in entered or _emptied(field, entered[name]):
            raise LabError(900632, field=name, title=_(field.title), page=_(definition(wizard).page(page).title))
    return entered


def _emptied(field: Field, value: Any) -> bool:
    """Whether a field that begins with a text was left without any: where none will do, none is the default."""
    return field.default not in (REQUIRED, "") and isinstance(value, str) and not value.strip()


def enter_fields(wizard: str, given: Mapping[str, Any]) -> Values:
    """Values for some fields of a wizard, read as its pages would; errors as of :func:`enter`."""
    told = definition(wizard)
    for name in given:
        if name not in told.fields:
            raise LabError(900631, field=name, page=_(told.title), choices=", ".join(told.fields))
    return {name: _read(told.fields[name], value) for name, value in given.items()}


def _fits(field: Field, value: Any) -> bool:
    if field.kind == "flag":
        return isinstance(value, bool)
    if field.kind == "port":
        return type(value) is int and 1 <= value <= 65_535
    if field.kind == "list":
        return isinstance(value, list | tuple) and all(
            isinstance(one, str) and one.strip() and whole(one) for one in value
        )
    if field.kind == "choice":
        return isinstance(value, str) and value in field.choices
    if field.kind == "address" and "@" in str(value):
        return False
    return isinstance(value, str) and whole(value)


def _read(field: Field, value: Any) -> Any:
    if field.kind == "list" and isinstance(value, str):
        value = [line.strip() for line in value.splitlines() if line.strip()]
    if field.kind == "text" and type(value) is int:
        value = str(value)  # a port, for example
    if field.kind == "path" and isinstance(value, Path):
        value = str(value)
    if not _fits(field, value):
        values = ", ".join(field.choices) if field.choices else _(_KINDS[field.kind])
        found = "***" if _hidden(field, value) else value
        raise LabError(900633, field=field.name, found=found, values=values, meant=meant(value, field.choices))
    return list(value) if field.kind == "list" else value


def look(world: World, wizard: str, page: str, subject: str, values: Values) -> None:
    """Let a page check what has been entered so far."""
    if (wizard, page) in _CHECKS:
        _CHECKS[wizard, page](world, subject, values)


def walk(world: World, wizard: str, subject: str, known: Mapping[str, str], given: Mapping[str, Any]) -> Values:
    """All pages in one go with the values given and the defaults; the first page that refuses, refuses."""
    told = definition(wizard)
    enter_fields(wizard, given)
    values = start_values(wizard, known)
    for page in told.pages:
        names = {field.name for field in page.fields}
        values = enter(wizard, page.name, values, {k: v for k, v in given.items() if k in names})
        look(world, wizard, page.name, subject, values)
    return values
