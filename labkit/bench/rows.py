"""What a benchmark reports."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """``rate`` in ``unit``; ``reference``: the peer's in the same run; ``ratio`` higher is better."""

    name: str
    rate: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
