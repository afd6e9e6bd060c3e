"""What was done in a portal, in Python: blocks of lines in order, one for each dialog that ended; the latest are kept.

A plan's editor works on a draft, which its lines name by a variable; each plan has one of its own, so that plans can
be changed in turn.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from labkit.portal import forms

MOST_LINES = 200


@dataclasses.dataclass
class _Block:
    """Lines that belong together. ``session``: of which draft, 0 for none."""

    lines: list[str]
    session: int = 0


class Script:
    """Lines that run as they stand, the oldest blocks left out."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._variables: dict[str, str] = {}  # by the plan's name
        self._open: dict[str, tuple[Any, int]] = {}  # by plan: the draft that its variable holds, its session
        self._sessions = 0

    def variable(self, plan: str) -> str:
        """What the plan's draft is called."""
        first = "draft" if not self._variables else f"draft_{len(self._variables) + 1}"
        return self._variables.get(plan, first)

    def add(self, lines: list[str]) -> None:
        """Lines of a command of the lab."""
        self._keep(_Block(list(lines)))

    def add_of_draft(self, plan: str, draft: Any, lines: list[str], *, last: bool = False) -> None:
        """Lines that change a plan's draft; ``last``: it was saved or its changes discarded, and is done with."""
        name = self._variables.setdefault(plan, self.variable(plan))
        held, session = self._open.get(plan, (None, 0))
        if held is not draft:
            self._sessions += 1
            session = self._sessions
            lines = [forms.draft_line(plan, name), *lines]
        self._open[plan] = (draft, session)
        if last:
            del self._open[plan]
        self._keep(_Block(list(lines), session))

    def lines(self) -> list[str]:
        """All of them, with the import that they need."""
        return forms.script([line for block in self._blocks for line in block.lines])

    def _keep(self, block: _Block) -> None:
        """Whole blocks are left out, of a draft all or none; what leads to a draft that is still changed stays."""
        self._blocks.append(block)
        going_on = {session for _draft, session in self._open.values()}
        while sum(len(one.lines) for one in self._blocks) > MOST_LINES:
            first = next((one for one in self._blocks[:-1] if one.session not in going_on), None)
            if first is None:
                return
            self._blocks = [
                one for one in self._blocks if one is not first and (not first.session or one.session != first.session)
            ]
