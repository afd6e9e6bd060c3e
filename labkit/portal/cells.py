"""How instants, durations and health stand in the cells of a page."""

from __future__ import annotations

from labkit.engine import units
from labkit.engine.texts import gettext as _
from labkit.portal import blocks
from labkit.portal.blocks import Cell


def instant(text: str | None) -> str:
    """An ISO 8601 instant as it is shown: day and time of the site."""
    return "" if not text else text[:19].replace("T", " ")


def seconds(ms: float | None) -> str:
    """A duration in whole seconds, such as an RPO; "-" for none."""
    return "-" if ms is None else units.show_duration(int(ms) // units.SECOND * units.SECOND)


_HEALTH = {"Normal": blocks.GOOD, "OK": blocks.GOOD, "Warning": blocks.WARN, "Critical": blocks.BAD}


def health(word: str) -> Cell:
    """Hyper-V's judgement, with its colour and sign."""
    return blocks.said(_(word), _HEALTH.get(word, blocks.WARN))
