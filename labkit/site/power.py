"""Whether the site stands: lost as a whole, or its hosts crashed."""

from __future__ import annotations

import msgspec

from labkit.engine.world import Entity, World, entity


@entity("site")
class SiteState(Entity):
    """The site; ``lost_at``: since when it is gone (ms), 0 while it stands; ``ran``: the VMs that ran then.

    ``hosts_down``: its hosts have crashed and are not up again.
    """

    lost_at: int = 0
    ran: list[str] = msgspec.field(default_factory=list)
    hosts_down: bool = False

    @property
    def dark(self) -> bool:
        """Whether no host works: none can run a VM or send anything."""
        return bool(self.lost_at) or self.hosts_down


def state(world: World) -> SiteState:
    """The state of the site."""
    return world.get(SiteState, "site")
