"""Kinds that hold others: lists and mappings with known keys. All their faults are found in one reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labkit.engine.names import nearest
from labkit.engine.texts import gettext as _
from labkit.site.kinds import BAD, Kind, Report, describe, show
from labkit.site.yamltext import Items, Node, Scalar, Table

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "REQUIRED"})()
EMPTY: Any = type("Empty", (), {"__repr__": lambda self: "EMPTY"})()
MOST_KEYS = 200


@dataclass(frozen=True)
class Either(Kind):
    """A plain value or, for those who want to say more, a mapping."""

    plain: Kind
    table: Record

    def _allowed(self) -> str:
        return _("{plain}, or a mapping of {keys}").format(
            plain=self.plain.allowed(), keys=", ".join(self.table.fields)
        )

    def _read(self, node: Node, path: str, report: Report) -> Any:
        if isinstance(node, Table):
            return self.table.read(node, path, report)
        if isinstance(node, Items):
            return report.add(node.line, path, describe(node, "other"), self.allowed())
        return self.plain.read(node, path, report)


@dataclass(frozen=True)
class Listing(Kind):
    """A list of ``low`` to ``high`` things of one kind; a bad one stands in it as ``BAD``.

    ``most``: more than ``high`` that are read, too, for a later check to judge.
    """

    kind: Kind
    low: int
    high: int
    most: int = 0

    def _allowed(self) -> str:
        return _("a list with {low} to {high} entries").format(low=self.low, high=self.high)

    def _read(self, node: Node, path: str, report: Report) -> Any:
        if not isinstance(node, Items):
            return report.add(node.line, path, describe(node, "other"), self.allowed())
        if not self.low <= len(node.nodes) <= max(self.high, self.most):
            found = _("a list with {count} entries").format(count=len(node.nodes))
            return report.add(node.line, path, found, self.allowed())
        return [self.kind.read(item, f"{path}[{index}]", report) for index, item in enumerate(node.nodes)]


@dataclass(frozen=True)
class Field:
    """A key of a mapping: its kind, and its value when it is not there .

    ``REQUIRED``: it must be there. ``EMPTY``: as an empty mapping, which fills in the defaults below it.
    """

    kind: Kind
    default: Any = REQUIRED


class Values(dict[str, Any]):
    """A mapping as read: defaults filled in, bad values left out; it knows its lines."""

    def __init__(self, line: int, path: str) -> None:
        super().__init__()
        self.line = line
        self.path = path
        self.lines: dict[str, int] = {}

    def where(self, key: str) -> tuple[int, str]:
        """Line and path of a key, for a fault; the mapping's own line when the key was not written."""
        return self.lines.get(key, self.line), f"{self.path}.{key}" if self.path else key


@dataclass(frozen=True)
class Record(Kind):
    """A mapping with known keys."""

    fields: dict[str, Field]

    def _allowed(self) -> str:
        return _("a mapping of {keys}").format(keys=", ".join(self.fields))

    def _read(self, node: Node, path: str, report: Report) -> Any:
        if not isinstance(node, Table):
            return report.add(node.line, path, describe(node, "other"), self.allowed())
        if len(node.pairs) > MOST_KEYS:
            found = _("a mapping with {count} keys").format(count=len(node.pairs))
            return report.add(node.line, path, found, self.allowed())
        values = Values(node.line, path)
        for key, value in node.pairs:
            self._entry(values, key, value, report)
        for name, known in self.fields.items():
            if name in values.lines:
                continue
            if known.default is REQUIRED:
                report.add(*values.where(name), _("nothing"), known.kind.allowed())
            elif known.default is EMPTY:
                values[name] = known.kind.read(Table(node.line, []), values.where(name)[1], report)
            else:
                values[name] = known.default
        return values

    def _entry(self, values: Values, key: Node, value: Node, report: Report) -> None:
        name = key.text if isinstance(key, Scalar) else None
        if name is None or name not in self.fields:
            found = _("the unknown key {key}").format(key=describe(key, "key"))
            spot = f"{values.path}.{show(name)}" if name and values.path else show(name or "?")
            report.add(key.line, spot, found, ", ".join(self.fields), nearest(name, self.fields) if name else None)
        elif name in values.lines:
            found = _("the key a second time (the first is in line {line})").format(line=values.lines[name])
            report.add(key.line, f"{values.path}.{name}" if values.path else name, found, _("every key once"))
        else:
            values.lines[name] = key.line
            read = self.fields[name].kind.read(value, values.where(name)[1], report)
            if read is not BAD:
                values[name] = read
