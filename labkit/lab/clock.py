"""``lab.clock``: virtual time, and live play on an asyncio loop.

Live play is a task on the loop of the caller (in a notebook, the Jupyter kernel's): each turn aims at
``now + min(elapsed, 1 s) * speed``, works on it for about 50 ms at the most, and yields. A blocked kernel is not caught
up in full (``live-widgets``).
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from labkit.engine import lease, pace, units
from labkit.engine.errors import LabError
from labkit.engine.facts import Fact
from labkit.engine.lease import Owner
from labkit.lab import runbooks
from labkit.recovery import planactions
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab.door import Lab

_BUDGET, _MOST_ELAPSED, _TURN = 0.05, 1.0, 0.05


class Clock:
    """Virtual time of a lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._task: asyncio.Task[None] | None = None
        self._hold = ExitStack()
        self.speed = 600.0
        self.until: int | None = None
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
        return self._task is not None and not self._task.done() and not self._task.cancelling()

    @property
    def player(self) -> Owner | None:
        """The process that plays this lab now, if one does; it may be this one."""
        owner = lease.owner(self._lab._session.store)
        return owner if owner.living else None

    def play(
        self,
        speed: float = 600.0,
        *,
        until: int | None = None,
        take_over: bool = False,
        each: Callable[[], None] | None = None,
    ) -> None:
        """Begin live play on the running asyncio loop, ``speed`` virtual seconds per second; each turn calls ``each``.

        ``until``: the instant (ms) at which it ends by itself. 900052 for a speed that is not positive, 900053 without
        a loop, 900030 while another process plays. Playing already: only speed and ``until`` change. What ends it
        later, such as 900031, is found in ``error``.
        """
        self.check_speed(speed)
        self.speed, self.until = float(speed), until
        if self.playing:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise LabError(900053) from None
        hold = ExitStack()
        hold.enter_context(self._lab._session.playing(take_over=take_over))
        self.error, self._hold = None, hold
        self._task = loop.create_task(self._play(each))
        self._task.add_done_callback(lambda _: hold.close())

    @staticmethod
    def check_speed(speed: float) -> None:
        """Refuse a speed that is not positive (900052)."""
        if not 0 < speed < math.inf:
            raise LabError(900052, found=speed)

    def pause(self) -> None:
        """Stop live play and give the lease back; what has happened is committed."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
        self._hold.close()

    def skip(self, until: int | None = None) -> Fact | None:
        """Let time pass to the next thing that happens, a fact, but a day at most; what happened (``None``: nothing).

        Not beyond ``until`` (ms). 900030 while another process plays.
        """
        session = self._lab._session
        now, seen, _ = self._lab.news(sys.maxsize)
        limit = now + units.DAY if until is None else max(now, min(now + units.DAY, until))
        with session.playing():
            runbooks.advance(self._lab, limit, lambda world: world.facts.total > seen)
        _, _, news = self._lab.news(seen)
        return news[0] if news else None

    async def stopped(self) -> None:
        """Wait until live play has ended; its error, if there was one, is raised here."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        if self.error is not None:
            raise self.error

    async def _play(self, each: Callable[[], None] | None) -> None:
        try:
            before, rest = pace.ticks(), 0.0
            while True:
                await asyncio.sleep(_TURN)
                elapsed, before = pace.ticks() - before, pace.ticks()
                rest += min(elapsed, _MOST_ELAPSED) * self.speed * 1000
                now = self.ms
                target = now + int(rest)
                rest -= int(rest)
                # Time that a command or a skip let pass meanwhile counts too: never back, only on.
                target = target if self.until is None else max(now, min(target, self.until))
                self._lab._session.advance(target, planactions.ordered, seconds=_BUDGET)
                wanted = self._lab.read(runbooks.order)
                if wanted is not None:
                    # In a thread of its own, so that the kernel's loop goes on; the time it takes does not count.
                    runbooks.record(self._lab, wanted, await asyncio.to_thread(runbooks.execute, wanted))
                    before = pace.ticks()
                if each is not None:
                    each()
                if self.until is not None and self.ms >= self.until:
                    return
        except LabError as error:  # nobody awaits the task of a notebook: a traceback at the end of it helps no one
            self.error = error
        except Exception as error:
            self.error = error
            raise
