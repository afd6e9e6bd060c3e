"""``lab.clock``: virtual time, and live play on an asyncio loop.

Live play is a task on the loop of the caller (in a notebook, the Jupyter kernel's): each turn aims at
``now + min(elapsed, 1 s) * speed``, works on it for about 50 ms at the most, and yields. A blocked kernel is not caught
up in full (``live-widgets``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from labkit.engine import pace, units
from labkit.engine.errors import LabError
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab.door import Lab

_BUDGET, _MOST_ELAPSED, _TURN = 0.05, 1.0, 0.05


class Clock:
    """Virtual time of a lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._task: asyncio.Task[None] | None = None
        self.speed = 600.0
        self.error: BaseException | None = None

    @property
    def ms(self) -> int:
        """Now, in ms since the Unix epoch."""
        return self._lab.read(lambda world: world.now)

    @property
    def now(self) -> str:
        """Now, ISO 8601 in the site's zone."""
        return self._lab.read(lambda world: units.show_instant(world.now, inventory.site_of(world).offset_min))

    @property
    def playing(self) -> bool:
        """Whether this lab object plays the clock."""
        return self._task is not None and not self._task.done()

    def play(self, speed: float = 600.0, *, take_over: bool = False, each: Callable[[], None] | None = None) -> None:
        """Begin live play on the running asyncio loop, ``speed`` virtual seconds per second; each turn calls ``each``.

        900052 for a speed that is not positive. Playing already: only the speed changes.
        """
        if not speed > 0:
            raise LabError(900052, found=speed)
        self.speed = float(speed)
        if not self.playing:
            self.error = None
            self._task = asyncio.get_running_loop().create_task(self._play(take_over, each))

    def pause(self) -> None:
        """Stop live play; what has happened is committed."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()

    async def stopped(self) -> None:
        """Wait until live play has ended; its error, if there was one, is raised here."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        if self.error is not None:
            raise self.error

    async def _play(self, take_over: bool, each: Callable[[], None] | None) -> None:
        session = self._lab._session
        try:
            with session.playing(take_over=take_over):
                before, rest = pace.ticks(), 0.0
                while True:
                    await asyncio.sleep(_TURN)
                    elapsed, before = pace.ticks() - before, pace.ticks()
                    rest += min(elapsed, _MOST_ELAPSED) * self.speed * 1000
                    target = self.ms + int(rest)
                    rest -= int(rest)
                    session.advance(target, seconds=_BUDGET)
                    if each is not None:
                        each()
        except Exception as error:
            self.error = error
            raise
