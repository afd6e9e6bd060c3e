"""What costs much to ask is asked so seldom that it takes a few thousandths of the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from labkit.engine import pace

T = TypeVar("T")
_SHARE, _LEAST = 400, 1.0  # at most one part in so many of the time, and so many seconds of rest


class Seldom:
    """Asks for something no more often than it may cost."""

    def __init__(self) -> None:
        self._next = float("-inf")

    @property
    def due(self) -> bool:
        """Whether it may be asked again."""
        return pace.ticks() >= self._next

    def ask(self, question: Callable[[], T]) -> T:
        """Ask, and note what it took."""
        begin = pace.ticks()
        found = question()
        end = pace.ticks()
        self._next = end + max(_LEAST, _SHARE * (end - begin))
        return found


class Answers:
    """Answers by name. ``late``: one that was given since this was last set was of an earlier state."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Any, Any, Seldom]] = {}
        self.late = False

    def ask(self, name: str, state: Any, question: Callable[[], T]) -> T:
        """The answer for a ``state`` of what is asked; that for an earlier one while it is too soon to ask anew."""
        before, answer, seldom = self._known.get(name, (None, None, Seldom()))
        if before is not None and before != state and not seldom.due:
            self.late = True
        elif before != state:
            answer = seldom.ask(question)
            self._known[name] = (state, answer, seldom)
        return answer  # type: ignore[no-any-return]

    def forget(self) -> None:
        """Everything may be another now."""
        self._known.clear()
