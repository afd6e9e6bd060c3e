"""How a guest lets an administrator in: Remote Desktop or SSH, its firewall, network-level authentication.

The settings are on the guest's disk. So each change is kept with its instant, and a VM made from a recovery point has
what was set at that instant (rule 2.4-5).
"""

from __future__ import annotations

import msgspec

from labkit.engine.world import Entity, World, entity


class Settings(msgspec.Struct, frozen=True, array_like=True):
    """``enabled``: RDP or SSH runs; ``open``: the firewall lets it through; ``authentication``: at network level."""

    enabled: bool = True
    open: bool = True
    authentication: bool = True


class Change(msgspec.Struct, frozen=True, array_like=True):
    """What was set from an instant (ms) on."""

    at: int
    settings: Settings


@entity("guest-remote")
class Remote(Entity):
    """The settings of a machine (``id``) over time, oldest first."""

    changes: list[Change]


def at(world: World, machine: str, instant: int, default: Settings) -> Settings:
    """What was set at an instant; ``default`` is what the machine began with."""
    found = world.find(Remote, machine)
    known = [change.settings for change in found.changes if change.at <= instant] if found is not None else []
    return known[-1] if known else default


def put(world: World, machine: str, settings: Settings, began: Settings) -> None:
    """Set them from now on; ``began``: what the machine had before its first change."""
    found = world.find(Remote, machine)
    if found is None:
        found = world.add(Remote(machine, [Change(0, began)]))
    found.changes.append(Change(world.now, settings))


def forget(world: World, machine: str) -> None:
    """The machine is gone."""
    found = world.find(Remote, machine)
    if found is not None:
        world.remove(found)
