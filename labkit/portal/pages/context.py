"""What a page is made from: the lab, where one is, what is chosen; and the commands it places on the way."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.portal.blocks import Command
from labkit.portal.controls import CONTROLS
from labkit.portal.seldom import Answers

if TYPE_CHECKING:
    from labkit.lab import Lab
    from labkit.views.rpo import Follower


class Context:
    """``path``: names from the first page on; ``chosen``: ids of rows by table; ``drafts``: plans being changed.

    ``charts``: the live charts that the view has.
    """

    def __init__(
        self,
        lab: Lab,
        path: tuple[str, ...],
        chosen: dict[str, list[str]],
        drafts: dict[str, Any],
        follower: Follower,
        charts: Collection[str] = (),
        answers: Answers | None = None,
    ) -> None:
        self.lab, self.path, self.chosen, self.drafts, self.follower = lab, path, chosen, drafts, follower
        self.charts, self._answers = charts, Answers() if answers is None else answers
        self.commands: list[Command] = []

    def remembered(self, name: str, question: Callable[[], Any]) -> Any:
        """An answer that costs much: asked anew after a command, and else as seldom as its cost demands."""
        follower = self.follower
        return self._answers.ask(name, (follower.round, follower.now, follower.seen), question)

    @functools.cached_property
    def status(self) -> dict[str, Any]:
        """``lab.status()`` without recovery points, read once for a page."""
        return self.lab.status(points=False)

    @property
    def now(self) -> int:
        """The instant (ms) of the heart's last look."""
        return self.follower.now

    def at(self, place: int) -> str:
        """A name of the path, "" where it ends before."""
        return self.path[place] if place < len(self.path) else ""

    def rows(self, key: str) -> list[str]:
        """What is chosen in a table."""
        return self.chosen.get(key, [])

    def command(
        self,
        control: str,
        preset: dict[str, Any] | None = None,
        *,
        why: str = "",
        title: str = "",
        bar: bool = True,
        key: str = "",
    ) -> str:
        """Place a control; ``why`` greys it. Returns its key on the page."""
        name = key or f"{control}#{len(self.commands)}"
        shown = title or _(CONTROLS[control].title)
        self.commands.append(Command(name, control, shown, preset or {}, why, bar))
        return name

    def replace(self, command: Command, preset: dict[str, Any]) -> None:
        """Let a command that is placed already begin with other arguments."""
        self.commands[self.commands.index(command)] = dataclasses.replace(command, preset=preset)

    def on_one(
        self, control: str, table: str, argument: str, *, title: str = "", bar: bool = True, **preset: Any
    ) -> str:
        """A control for the one row that is chosen in a table; greyed while none is."""
        rows = self.rows(table)
        why = "" if len(rows) == 1 else _("Choose a row first.")
        return self.command(control, {**preset, argument: rows[0] if rows else None}, why=why, title=title, bar=bar)


def refusal_text(error: LabError | None) -> str:
    """Why something is greyed, and what is allowed instead; "" when it is not."""
    if error is None:
        return ""
    allowed = [line for line in str(error).splitlines()[1:] if error.allowed and line == str(error).splitlines()[-1]]
    return " ".join([error.message, *allowed])
