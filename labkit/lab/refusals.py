"""What a command would be refused with, asked without doing it: by the function of the rule that refuses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from labkit.engine.errors import LabError
from labkit.engine.world import World

if TYPE_CHECKING:
    from labkit.lab.door import Lab


def refusal(lab: Lab, rule: Callable[[World], object]) -> LabError | None:
    """The error that ``rule`` raises now, None when it raises none; a rule looks and changes nothing."""

    def why(world: World) -> LabError | None:
        try:
            rule(world)
        except LabError as error:
            return error
        return None

    return lab.read(why)
