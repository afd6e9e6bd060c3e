"""The heart of a lab's views in one process: it lets each send what is new, and pauses a clock nobody watches.

It beats on the Jupyter kernel's loop, five times a second, as long as a page shows one of the views. Pages send a beat
of their own every two seconds; after 90 s without one the clock is paused, so that a closed tab or a closed laptop does
not leave a lab running on. Time in which the loop itself stood still (a long cell) does not count.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any, Protocol

from labkit.engine import pace
from labkit.engine.texts import gettext as _
from labkit.views.rpo import Follower

if TYPE_CHECKING:
    from labkit.lab import Lab

EVERY, SILENCE, LISTENING, _MOST_ELAPSED = 0.2, 90.0, 10.0, 1.0


class Listener(Protocol):
    """What a heart moves: a view."""

    silent: float
    known: bool

    def close(self) -> None:
        """Forget it."""

    def flush(self) -> None:
        """Send what is new."""

    def fail(self, error: BaseException) -> None:
        """Show an error."""


class Heart:
    """Moves the views of one lab. ``note``: what the clock's bar should say beside the state, empty for nothing.

    ``waiting``: the instant (ms) a cell waits for, None for none; ``waited``: whether a cell has already given a page
    the time to load; ``alone``: no page was heard for 90 s. ``follower`` reads the facts for all.
    ``aside``: the tab beside the notebook that the portal is in, None for none.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.follower = Follower()
        self.views: weakref.WeakSet[Listener] = weakref.WeakSet()
        self.note = ""
        self.waiting: int | None = None
        self.waited = self.alone = False
        self.aside: Any = None
        self._said: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def silent(self) -> float:
        """Seconds since any page was heard, of time in which the loop ran; endless when none ever was."""
        return min((view.silent for view in self.views), default=float("inf"))

    @property
    def heard(self) -> bool:
        """Whether a page shows one of the views now."""
        return self.silent < LISTENING

    def leave(self) -> None:
        """Let go of views that no page shows any more: a cell that is run again makes a new one each time."""
        for view in [view for view in self.views if view.known and view.silent >= SILENCE]:
            self.views.discard(view)
            view.close()

    def start(self) -> None:
        """Beat from now on; called whenever a page is heard."""
        if not self.lab.closed and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        before = pace.ticks()
        while self.silent < SILENCE:
            await asyncio.sleep(EVERY)
            elapsed, before = pace.ticks() - before, pace.ticks()
            for view in list(self.views):
                view.silent += min(elapsed, _MOST_ELAPSED)
            self.turn()
            if self.lab.closed:
                return
        self.alone = True  # also while paused: a cell that waits must not wait for ever
        if self.lab.clock.playing:
            self.lab.clock.pause()
            self.note = _("Paused: no page showed this lab for {seconds} s.").format(seconds=round(SILENCE))

    def turn(self) -> None:
        """Look at the lab once and let every view that is watched send what is new; an error is said once."""
        watched, failed = [view for view in self.views if view.silent < LISTENING], dict[str, BaseException]()
        try:
            self.follower.look(self.lab)
        except Exception as error:  # a closed or broken lab, or one that is busy for a moment
            failed[repr(error)] = error
        for view in watched if not failed else ():
            try:
                view.flush()
            except Exception as error:  # of one view: the others go on
                failed[repr(error)] = error
        for words, what in failed.items():
            if words not in self._said:
                for view in watched:
                    view.fail(what)
        self._said = set(failed)


# By the lab's identity: a heart holds its lab, and lives as long as one of its views.
_hearts: weakref.WeakValueDictionary[int, Heart] = weakref.WeakValueDictionary()


def of(lab: Lab) -> Heart:
    """The heart of a lab's views in this process."""
    found = _hearts.get(id(lab))
    if found is None:
        found = _hearts[id(lab)] = Heart(lab)
    return found
