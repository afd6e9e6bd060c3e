"""Blocks and stamps: the few numbers every layer above the disks speaks in.

A disk is a row of 64 KiB blocks, each with a *stamp*, a 64-bit integer that says what the block holds: 0 = zeros,
bit 62 set = real (the low bits number stored bytes), anything else = synthetic, its bytes made when somebody reads.
"""

from __future__ import annotations

BLOCK = 65_536
PAGE = 4_096
REAL = 1 << 62
ZERO = 0

_SLOT_BITS = 40


def is_real(stamp: int) -> bool:
    """Whether a stamp names stored bytes."""
    return bool(stamp & REAL)


def synthetic_stamp(stream: int, slot: int) -> int:
    """The stamp that write ``slot`` (0 to 2^40 - 2) of ``stream`` (0 to 2^22 - 1) leaves; never zero, never real.

    >>> synthetic_stamp(1, 0) == (1 << 40) + 1
    True
    """
    return stream << _SLOT_BITS | (slot + 1)
