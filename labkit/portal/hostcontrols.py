"""The controls of Hyper-V Replica alone, and of the faults: see :mod:`labkit.portal.controls`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from labkit.engine.texts import mark
from labkit.portal import choices as offered
from labkit.portal.forms import Control, Values

if TYPE_CHECKING:
    from labkit.lab import Lab


def hyperv() -> Iterable[Control]:
    """Replication from host to host, without a vault."""
    replicas = {"vm": lambda lab, _values: offered.plain(lab.hyperv.replicas)}
    points = {"point": _replica_points}
    yield Control("hyperv.enable", mark("Enable replication"), choices={"to": offered.hosts})
    for command, title in (
        ("import_initial", mark("Import the initial replication")),
        ("end_test", mark("End the test failover")),
        ("planned_failover", mark("Planned failover")),
        ("cancel_planned_failover", mark("Cancel the planned failover")),
        ("cancel_failover", mark("Cancel the failover")),
        ("complete_failover", mark("Complete Failover")),
        ("reverse", mark("Reverse replication")),
        ("shut_down", mark("Shut down")),
        ("start", mark("Start")),
        ("resynchronise", mark("Resynchronize")),
        ("remove", mark("Remove replication")),
        ("wait", mark("Let time pass until initial replication is through")),
    ):
        yield Control(f"hyperv.{command}", title, choices=replicas)
    yield Control("hyperv.test_failover", mark("Test failover"), choices={**replicas, **points})
    yield Control("hyperv.failover", mark("Failover"), choices={**replicas, **points})
    yield Control(
        "hyperv.delete", mark("Delete"), choices={"vm": lambda lab, _values: offered.plain(lab.hyperv.machines)}
    )


def _replica_points(lab: Lab, values: Values) -> Sequence[tuple[Any, str]]:
    found = lab.hyperv.replicas.get(str(values.get("vm")))
    known = found.recovery_points if found is not None else []
    return [(None, "-"), *offered.newest_first(known)]


def _first_lost(lab: Lab, values: Values) -> str | None:
    return next((to for to, _title in offered.lost_lines(lab, values)), None)


def faults() -> Iterable[Control]:
    """What a trainer breaks, and mends."""
    lines = {"to": offered.lines}
    reasons = {"reason": offered.obstacles, "vm": lambda lab, values: [(None, "*"), *offered.items(lab, values)]}
    yield Control("faults.lose_line", mark("Lose the line"), choices=lines)
    yield Control(
        "faults.restore_line",
        mark("Bring the line back"),
        choices={"to": offered.lost_lines},
        defaults={"to": _first_lost},
    )
    yield Control("faults.set_bandwidth", mark("Bandwidth of the line"), choices=lines)
    yield Control("faults.set_quality", mark("Quality of the line"), choices=lines)
    yield Control("faults.obstruct", mark("Put something in the way"), choices=reasons)
    yield Control("faults.clear", mark("Take it out of the way"), choices=reasons)
    for command, title in (
        ("lose_vpn", mark("Lose the VPN")),
        ("restore_vpn", mark("Bring the VPN back")),
        ("break_dns", mark("Break dynamic DNS")),
        ("mend_dns", mark("Mend dynamic DNS")),
        ("lose_site", mark("Lose the site")),
        ("restore_site", mark("Bring the site back")),
        ("crash_host", mark("Crash the host")),
        ("lose_vm", mark("Lose a virtual machine")),
        ("fail_log", mark("Fail the change log")),
        ("edit_disk", mark("Edit a disk while it is off")),
        ("revert_disks", mark("Put disks back")),
        ("flip_block", mark("Flip a block of the replica")),
        ("drop_cycle", mark("Drop the next cycle")),
        ("double_cycle", mark("Apply the next cycle twice")),
        ("swap_cycles", mark("Swap the next two cycles")),
        ("cut_cycle", mark("Cut the next cycle short")),
        ("corrupt_cycle", mark("Damage the next cycle")),
        ("restore_replica", mark("Put the replica back to a point")),
    ):
        yield Control(f"faults.{command}", title)
