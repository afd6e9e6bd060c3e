"""Plans that are being changed in a portal: a draft each, with what the plan was like when the draft was taken."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from labkit.engine.errors import LabError

if TYPE_CHECKING:
    from labkit.lab import Lab
    from labkit.lab.plandraft import PlanDraft
    from labkit.lab.plans import Plan


@dataclasses.dataclass
class Held:
    """A draft. ``version``, ``saved``: the plan it began from; ``dropped``: an older one's changes went with its plan.

    ``late``: the plan was saved meanwhile by someone else, with another version.
    """

    draft: PlanDraft
    version: int
    saved: list[Any]
    dropped: bool = False
    late: bool = False

    @property
    def changed(self) -> bool:
        """Whether there is anything to save."""
        return drawn(self.draft) != self.saved[1:]


def drawn(draft: PlanDraft) -> list[Any]:
    """What the editor shows of a draft, to be compared."""
    return [(list(group.vms), list(group.before), list(group.after)) for group in draft.groups]


def _fresh(plan: Plan) -> Held:
    draft = plan.draft()
    return Held(draft, plan.version, [(plan.server, plan.target), *drawn(draft)])


def of(lab: Lab, drafts: dict[str, Held], name: str) -> Held:
    """The draft of a plan, taken anew where nothing is lost by it or its plan is gone; 900010 for no such plan.

    A plan that was deleted and made anew under the same name is another one: what was changed in the old one is
    dropped.
    """
    try:
        now = _fresh(lab.vault.plans[name])
    except LabError:
        drafts.pop(name, None)
        raise
    held = drafts.get(name)
    if held is not None:
        if (held.version, held.saved) == (now.version, now.saved):
            return held
        if held.changed and drawn(held.draft) != now.saved[1:]:
            if now.version > held.version:
                held.late = True
                return held
            now.dropped = True
    drafts[name] = now
    return now
