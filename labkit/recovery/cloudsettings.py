"""The settings of a cloud's protection that both targets know, and their ranges (rules 1.1-1, 2.7-4 to 2.7-7)."""

from __future__ import annotations

from typing import Any

from labkit.engine import units
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.recovery.vault import AT_ONCE
from labkit.replication import relation as replication
from labkit.site import clouds, inventory

JOB = "AssociateProtectionProfile"


def systems(world: World, *names: str) -> list[str]:
    """The systems of the hosts of these clouds, each once; what the site file says of them all while there are none."""
    there = [cloud for name in names if (cloud := world.find(clouds.VmmCloud, name)) is not None]
    found = {host.os for cloud in there for host in clouds.hosts(world, cloud)}
    return sorted(found) or [inventory.site_of(world).servers.host_os]


def check_frequency(frequency: int, hosts: list[str]) -> None:
    """Refuse a frequency that not all of the hosts know, by their systems (900514, rule 1.1-1)."""
    known = min((replication.frequencies(system) for system in hosts), key=len)
    if frequency not in known:
        allowed = ", ".join(units.show_duration(value) for value in known)
        raise LabError(900514, setting="frequency", found=units.show_duration(frequency), values=allowed)


def check_points(snapshots: int, points: int) -> None:
    """Site to site there is no application-consistent snapshot less often than there are points (900514)."""
    if snapshots > points:
        raise LabError(900514, setting="app_consistent", found=snapshots, values=f"0-{min(12, points)} h")


def check_settings(world: World, settings: dict[str, Any], *names: str) -> dict[str, Any]:
    """The settings for these clouds, or 900514 with what is allowed (rules 2.7-4 to 2.7-6)."""
    frequency, retention, snapshots = settings["frequency"], settings["retention"], settings["app_consistent"]
    check_frequency(frequency, systems(world, *names))
    if not isinstance(retention, int) or not 0 <= retention <= 24:
        raise LabError(900514, setting="retention", found=retention, values="0-24 h")
    if not isinstance(snapshots, int) or not 0 <= snapshots <= 12:
        raise LabError(900514, setting="app_consistent", found=snapshots, values="0 (none), 1-12 h")
    start = settings.get("initial_start", AT_ONCE)
    if start != AT_ONCE and (not 0 <= start < 24 * 60 or start % 30):
        shown = f"{start // 60:02}:{start % 60:02}"
        raise LabError(900514, setting="initial_start", found=shown, values="00:00, 00:30, ... 23:30")
    return settings
