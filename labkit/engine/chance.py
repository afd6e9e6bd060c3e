"""Counter-based chance: every draw is a function of (seed, names, counter), never of what was drawn before.

Integer arithmetic only, so that every platform agrees. ``mix`` is the finaliser of SplitMix64 (Steele, Lea and Flood,
2014), applied once for each part of the name.
"""

from __future__ import annotations

import functools
import hashlib

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


@functools.lru_cache(maxsize=4096)
def _word(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8"), digest_size=8).digest(), "little")


def mix(*parts: int | str) -> int:
    """A 64-bit integer that depends on all parts and their order.

    >>> mix(1, "disk") == mix(1, "disk"), mix(1, "disk") == mix("disk", 1)
    (True, False)
    """
    state = 0
    for part in parts:
        state = (state + _GOLDEN + (_word(part) if isinstance(part, str) else part)) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


def below(limit: int, *parts: int | str) -> int:
    """An integer in ``[0, limit)``; the bias is below ``limit / 2**64``."""
    return (mix(*parts) * limit) >> 64
