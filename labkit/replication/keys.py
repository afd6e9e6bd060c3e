"""The site's part of encryption: the data keys with which its hosts seal what they send (rule 2.7-3).

Code of the site takes the key from here: cycles, merges, resynchronisation, ``verify``. Code of Azure's side does not;
it is given a key by whoever has the ``.pfx`` (``labkit.recovery.encryption``).
"""

from __future__ import annotations

from labkit.disks.record import DiskSet
from labkit.disks.sealing import Key
from labkit.engine.world import Entity, World, entity


@entity("data-key")
class DataKey(Entity):
    """``id`` is the cloud's name."""

    secret: bytes

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


def of(world: World, disks: DiskSet) -> Key | None:
    """The key of a sealed set; None for one that is not sealed."""
    if not disks.sealed:
        return None
    return Key(world.get(DataKey, disks.sealed).secret)
