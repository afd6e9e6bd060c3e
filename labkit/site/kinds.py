"""Simple kinds of values of a site file: each reads a node, reports what is wrong, and can say what it allows.

A kind returns ``BAD`` after it has reported a fault; reading goes on, so that all faults come out in one go.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from labkit.engine import units
from labkit.engine.errors import LabError
from labkit.engine.names import nearest
from labkit.engine.texts import gettext as _
from labkit.site.yamltext import Items, Node, Scalar, Table

BAD: Any = type("Bad", (), {"__repr__": lambda self: "BAD"})()
_LONGEST_SHOWN = 60
_MANY = 8


def show(text: str) -> str:
    """A text of the file as it may be shown in one line: odd characters escaped, cut when long."""
    plain = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:_LONGEST_SHOWN])
    return plain + ("…" if len(text) > _LONGEST_SHOWN else "")


def describe(node: Node, wanted: str = "str") -> str:
    """What was found, in words; ``wanted`` is the YAML type hoped for."""
    if isinstance(node, Items):
        return _("a list")
    if isinstance(node, Table):
        return _("a mapping")
    if node.tag == "null":
        return _("nothing")
    quoted = f"'{show(node.text)}'"
    if node.tag == "str" or wanted != "str":
        return quoted
    if node.tag == "bool":
        return _("{text} (YAML reads it as yes or no; put it in quotes)").format(text=quoted)
    if node.tag in ("int", "float"):
        return _("{text} (YAML reads it as a number; put it in quotes)").format(text=quoted)
    return _("{text} (YAML does not read it as a text; put it in quotes)").format(text=quoted)


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong: where, what was found, what is allowed, perhaps what was meant."""

    line: int
    path: str
    found: str
    allowed: str
    meant: str = ""

    def text(self, file: str) -> str:
        """The fault as one line."""
        line = _("{file}:{line}: {path}: found {found}, allowed: {allowed}").format(
            file=file, line=self.line, path=self.path or _("the file"), found=self.found, allowed=self.allowed
        )
        return line + (_("; did you mean '{meant}'?").format(meant=self.meant) if self.meant else "")


@dataclass
class Report:
    """The faults found so far."""

    faults: list[Fault] = field(default_factory=list)

    def add(self, line: int, path: str, found: str, allowed: str, meant: str | None = None) -> Any:
        """Note a fault; returns ``BAD``."""
        self.faults.append(Fault(line, path, found, allowed, meant or ""))
        return BAD


class Kind(ABC):
    """A kind of value. Composite kinds implement ``_read``, simple ones ``_value``; all of them ``_allowed``."""

    def allowed(self) -> str:
        """What is allowed, in words."""
        return self._allowed()

    def read(self, node: Node, path: str, report: Report) -> Any:
        """The value, or ``BAD`` after a fault was reported."""
        return self._read(node, path, report)

    @abstractmethod
    def _allowed(self) -> str: ...

    def _read(self, node: Node, path: str, report: Report) -> Any:
        value = self._value(node) if isinstance(node, Scalar) else BAD
        return self._refuse(node, path, report) if value is BAD else value

    def _value(self, node: Scalar) -> Any:
        return BAD

    def _refuse(self, node: Node, path: str, report: Report) -> Any:
        meant = self._meant(node.text) if isinstance(node, Scalar) else None
        return report.add(node.line, path, describe(node, self._wanted()), self.allowed(), meant)

    def _wanted(self) -> str:
        return "str"

    def _meant(self, text: str) -> str | None:
        return None


@dataclass(frozen=True)
class Text(Kind):
    """A text; with ``name`` one that can be part of a file name and of a command."""

    name: bool = True
    longest: int = 100

    def _allowed(self) -> str:
        if not self.name:
            return _("a text of 1 to {count} characters").format(count=self.longest)
        return _(
            'a name of 1 to {count} characters, without / \\ : * ? " < > |, control characters and blanks at the ends'
        ).format(count=self.longest)

    def _value(self, node: Scalar) -> Any:
        return node.text if node.tag == "str" and self._fits(node.text) else BAD

    def _fits(self, text: str) -> bool:
        if not text or len(text) > self.longest or text != text.strip():
            return False
        if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text):
            return False
        return not self.name or (not set(text) & set('/\\:*?"<>|') and text.strip(".") != "")


NAME = Text()


def is_name(text: str) -> bool:
    """Whether a text is a name as a site file takes it."""
    return NAME._fits(text)


@dataclass(frozen=True)
class Label(Text):
    """A text that may be a whole number: what other programs call a thing."""

    def _value(self, node: Scalar) -> Any:
        return node.text if node.tag in ("str", "int") and self._fits(node.text) else BAD


def names_of(load: Callable[[], Iterable[tuple[str, tuple[str, ...]]]]) -> Callable[[], dict[str, str]]:
    """A table for ``Choice``, read when first needed: ``load`` gives names with their aliases."""

    @functools.cache
    def table() -> dict[str, str]:
        return {written: name for name, aliases in load() for written in (name, *aliases)}

    return table


@dataclass(frozen=True)
class Choice(Kind):
    """One of some names, whatever its case. ``names`` gives ``written -> meant``, aliases included."""

    names: Callable[[], dict[str, str]]

    def _allowed(self) -> str:
        known = list(dict.fromkeys(self.names().values()))
        if len(known) <= _MANY:
            return ", ".join(known)
        rest = len(known) - _MANY
        return _("{names} and {count} more (docs/site-files.md)").format(names=", ".join(known[:_MANY]), count=rest)

    def _value(self, node: Scalar) -> Any:
        names = {written.casefold(): meant for written, meant in self.names().items()}
        return names.get(node.text.strip().casefold(), BAD) if node.tag == "str" else BAD

    def _meant(self, text: str) -> str | None:
        return nearest(text, self.names())


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number without unit."""

    low: int
    high: int

    def _allowed(self) -> str:
        return _("a whole number from {low} to {high}").format(low=self.low, high=self.high)

    def _value(self, node: Scalar) -> Any:
        plain = node.tag == "int" and re.fullmatch(r"0|[1-9][0-9]{0,18}", node.text)
        return int(node.text) if plain and self.low <= int(node.text) <= self.high else BAD

    def _wanted(self) -> str:
        return "int"


@dataclass(frozen=True)
class Truth(Kind):
    """yes or no."""

    def _allowed(self) -> str:
        return "yes, no, true, false"

    def _value(self, node: Scalar) -> Any:
        return node.text.casefold() in ("yes", "true", "on") if node.tag == "bool" else BAD

    def _wanted(self) -> str:
        return "bool"


_NUMBER_UNIT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%/]*)\s*")


@dataclass(frozen=True)
class Quantity(Kind):
    """A number with a unit, an integer when read.

    ``parse`` takes the text (``LabError`` or ``ValueError`` when it is none), ``example`` shows one, ``shape`` names
    the thing. Either ``among`` lists the texts allowed, or ``low`` and ``high`` are texts that bound it (and are
    parsed the same way) and ``step`` divides it. ``none``: the word "none" is allowed too and reads as 0.
    ``wide``: bounds beyond ``low`` and ``high`` that are read, too, for a later check to judge.
    """

    shape: str
    parse: Callable[[str], int]
    example: str
    units: tuple[str, ...]
    low: str = ""
    high: str = ""
    step: int = 1
    among: tuple[str, ...] = ()
    none: bool = False
    zero: bool = False
    wide: tuple[str, str] | None = None

    def _allowed(self) -> str:
        if self.among:
            return ", ".join(self.among)
        text = _("{shape} such as {example}, from {low} to {high}").format(
            shape=_(self.shape), example=self.example, low=self.low, high=self.high
        )
        return _("{allowed}, or none").format(allowed=text) if self.none else text

    def _value(self, node: Scalar) -> Any:
        if (self.none and node.text == "none") or ((self.zero or self.none) and node.text == "0"):
            return 0
        value = self._parsed(node.text)
        return value if value is not None and self._fits(value) else BAD

    def _wanted(self) -> str:
        return "quantity"

    def _parsed(self, text: str) -> int | None:
        if len(text) > _LONGEST_SHOWN:
            return None
        try:
            return self.parse(text)
        except (LabError, ValueError):
            return None

    def _fits(self, value: int) -> bool:
        if self.among:
            return value in {self.parse(text) for text in self.among}
        low, high = self.wide or (self.low, self.high)
        return self.parse(low) <= value <= self.parse(high) and value % self.step == 0

    def _meant(self, text: str) -> str | None:
        match = _NUMBER_UNIT.fullmatch(text[:_LONGEST_SHOWN])
        unit = self._unit(match[2].casefold()) if match and match[2] else None
        value = self._parsed(f"{match[1]}{unit}") if match and unit else None
        return f"{match[1]}{unit}" if match and value is not None and self._fits(value) else None

    def _unit(self, word: str) -> str | None:
        begun = [unit for unit in self.units if word.startswith(unit.casefold())]
        return max(begun, key=len) if begun else nearest(word, self.units)


_ODD_ZONE = re.compile(r"[+-][0-9]{2}:?[0-9]{2}:?[0-9]{2}(\.[0-9]+)?$")


@dataclass(frozen=True)
class Instant(Kind):
    """An ISO 8601 instant with a zone of whole minutes; read as ``(ms since the epoch, minutes east of UTC)``."""

    low: str
    high: str

    def _allowed(self) -> str:
        return _("an instant with its zone such as {example}, from {low} to {high}").format(
            example="2014-10-01T09:00:00+09:00", low=self.low[:10], high=self.high[:10]
        )

    def _value(self, node: Scalar) -> Any:
        text = node.text.strip()
        if len(text) > _LONGEST_SHOWN or _ODD_ZONE.search(text[10:]):
            return BAD
        try:
            value, offset = units.instant(text), units.offset_minutes(text)
        except (LabError, ValueError, OverflowError):
            return BAD
        return (value, offset) if units.instant(self.low) <= value <= units.instant(self.high) else BAD

    def _wanted(self) -> str:
        return "instant"
