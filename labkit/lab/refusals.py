"""What a command would be refused with, asked without doing it: by the function of the rule that refuses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.recovery import operations, planruns

if TYPE_CHECKING:
    from labkit.lab.door import Lab

# By the command of the vault what can be done with a job.
JOB_RULES: dict[str, Callable[[World, JobRecord], None]] = {
    "cancel": operations.cancellable,
    "restart": planruns.require_failed,
    "skip": planruns.skippable,
    "release_plan": planruns.require_failed,
}


def refusal(lab: Lab, rule: Callable[[World], object]) -> LabError | None:
    """The error that ``rule`` raises now, None when it raises none; a rule looks and changes nothing."""

    def why(world: World) -> LabError | None:
        try:
            rule(world)
        except LabError as error:
            return error
        return None

    return lab.read(why)
