"""What a VM's guest is set to for Remote Desktop or SSH, on either side (rules 2.4-5, 3.3-4).

At the site it begins as the site file says; a VM made from its disks has what was set at the recovery point, and takes
what was changed in Azure home when it fails back.
"""

from __future__ import annotations

import msgspec

from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest import remote
from labkit.guest.machine import SITE, Machine
from labkit.guest.remote import Settings
from labkit.site.vms import VmSettings

FIREWALL = ("open", "closed")


def _began(world: World, machine: Machine) -> Settings:
    known = world.find(VmSettings, machine.name) if machine.side == SITE else None
    if known is None:
        return Settings()
    spec = known.spec
    return Settings(spec.remote, spec.firewall == "open", spec.network_level_authentication)


def of(world: World, machine: Machine, instant: int | None = None) -> Settings:
    """The settings of a machine's guest now, or at an instant (ms) of the past."""
    return remote.at(world, machine.id, world.now if instant is None else instant, _began(world, machine))


def inherit(world: World, target: Machine, source: Machine, instant: int | None = None) -> None:
    """A machine whose disks show another one's at an instant (None: now) is set as that one was."""
    found = of(world, source, instant)
    if found != of(world, target):
        _put(world, target, found)


def _put(world: World, machine: Machine, settings: Settings) -> None:
    began = _began(world, machine)
    remote.put(world, machine.id, settings, began)
    known = world.find(VmSettings, machine.name) if machine.side == SITE else None
    if known is not None:  # what readiness looks at
        known.spec = msgspec.structs.replace(
            known.spec,
            remote=settings.enabled,
            firewall=FIREWALL[not settings.open],
            network_level_authentication=settings.authentication,
        )


def change(
    world: World,
    machine: Machine,
    *,
    enabled: bool | None = None,
    firewall: str | None = None,
    authentication: bool | None = None,
) -> Settings:
    """Change what is given; 900545 for a firewall that is neither open nor closed."""
    if firewall is not None and firewall not in FIREWALL:
        raise LabError(900545, found=firewall, choices=", ".join(FIREWALL))
    before = of(world, machine)
    after = Settings(
        before.enabled if enabled is None else bool(enabled),
        before.open if firewall is None else firewall == "open",
        before.authentication if authentication is None else bool(authentication),
    )
    _put(world, machine, after)
    shown = dict(zip(("enabled", "open", "authentication"), map(int, msgspec.structs.astuple(after)), strict=True))
    world.fact("guest.remote", machine.id, **shown)
    return after
