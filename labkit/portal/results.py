"""What a command gave back, as blocks: records as facts, lists as tables, files by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from labkit.engine.errors import word
from labkit.engine.texts import gettext as _
from labkit.portal import blocks, statistics, titles
from labkit.portal.blocks import Block
from labkit.recovery.requirements import Finding
from labkit.replication.statistics import Statistics

if TYPE_CHECKING:
    from labkit.lab import Lab

# Attributes of records whose values are keys, with what errors.word calls the key.
_KEYS = {"basis": "basis", "role": "role", "plan": "subscription_plan", "vpn": "vpn"}


def text(value: Any) -> str:
    """A value in a line."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return blocks.yes_no(value)
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {text(one)}" for name, one in value.items()) or "-"
    fields = _fields(value)
    if fields is not None:
        return ", ".join(text(one) for one in fields.values())
    if isinstance(value, list | tuple):
        return ", ".join(text(one) for one in value) or "-"
    return str(value)


def plain(value: Any) -> str:
    """A value in a line, its numbers as they are typed: ports, versions."""
    if isinstance(value, Mapping):
        return ", ".join(f"{titles.of(name)}: {plain(one)}" for name, one in value.items()) or "-"
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)


def _fields(value: Any) -> dict[str, Any] | None:
    """The attributes of a record, None for what is none."""
    if isinstance(value, Finding):
        error = value.error
        told = word("severity", value.severity), str(value.code or "-"), "-" if error is None else error.message
        return {"rule": value.rule, **dict(zip(("severity", "code", "message"), told, strict=True))}
    if hasattr(value, "_asdict"):
        fields = dict(value._asdict())
    elif isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
    else:
        return None
    return {name: word(_KEYS[name], one) if one and name in _KEYS else one for name, one in fields.items()}


def shown(lab: Lab, value: Any, key: str = "result") -> list[Block]:
    """Blocks for what a command gave back; none for a job or for nothing."""
    if value is None or hasattr(value, "tasks") or hasattr(value, "draft") or hasattr(value, "groups"):
        return []
    if isinstance(value, Path):
        return [blocks.note(key, _("Saved as {path}").format(path=value), state=blocks.GOOD)]
    if isinstance(value, Statistics):
        return [statistics.block(lab, value, key, _("Replication Health"))]
    fields = _fields(value)
    if fields is not None:
        return [blocks.facts(key, [(titles.of_attribute(value, name), text(one)) for name, one in fields.items()])]
    if isinstance(value, list | tuple):
        return [_listed(value, key)]
    return [blocks.note(key, text(value))]


def _listed(value: Sequence[Any], key: str) -> Block:
    if not value:
        return blocks.note(key, _("Nothing was found."), state=blocks.GOOD)
    first = _fields(value[0])
    if first is None:
        return blocks.note(key, "\n".join(text(one) for one in value))
    rows = [(str(place), [text(one) for one in (_fields(row) or {}).values()]) for place, row in enumerate(value)]
    return blocks.table(key, [titles.of_attribute(value[0], name) for name in first], rows)
