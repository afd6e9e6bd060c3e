"""The wall clock: the only place that reads it or sleeps on it, and never for facts (promise 8).

Used for the journal's times, for waiting on another process, for the budget of a batch, and for live play.
"""

from __future__ import annotations

import time
from datetime import datetime


def wall_time() -> str:
    """The wall clock as ISO 8601 with zone and milliseconds."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def wall_stamp() -> str:
    """The wall clock as ``YYYYMMDD-HHMMSS``, for names of folders."""
    return datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")


def seconds_since_2000() -> int:
    """Seconds since 2000-01-01 UTC, the unit of time stamps in a VHD footer."""
    return int(time.time()) - 946_684_800


def ticks() -> float:
    """Seconds of a clock that only goes forward; differences alone mean something."""
    return time.perf_counter()


def sleep(seconds: float) -> None:
    """Let other processes work."""
    time.sleep(seconds)
