"""Every switch of a drill from one side to the other, with its times, counted from the lab's evidence and facts."""

from __future__ import annotations

from typing import Any

from labkit.engine import units
from labkit.recovery.achieved import TO_AZURE, Switch, switches
from labkit.recovery.evidence import DiskIntegrity

__all__ = ["describe", "last_to_azure", "seconds", "switches"]


def last_to_azure(found: list[Switch]) -> dict[str, Switch]:
    """The last switch to Azure of each VM, by its name: what result.json calls ``vms``."""
    return {switch.record.vm: switch for switch in found if switch.record.operation in TO_AZURE}


def seconds(ms: int | None) -> float | None:
    """Seconds of ms, whole ones as an integer."""
    if ms is None:
        return None
    return ms // 1000 if ms % 1000 == 0 else ms / 1000


def describe(switch: Switch, zone: int) -> dict[str, Any]:
    """A switch as result.json shows it; instants in the zone ``zone`` minutes east of UTC."""
    record = switch.record
    lost = record.lost
    return {
        "operation": record.operation,
        "recovery_point": {"id": record.point, "kind": record.kind, "time": units.show_instant(record.cut, zone)},
        "rto_s": seconds(switch.rto),
        "rpo_s": seconds(record.rpo),
        "lost": {
            "orders": lost.orders,
            "duplicated": lost.duplicated,
            "without_invoice": lost.without_invoice,
            "blocks": lost.blocks,
            "bytes": lost.bytes,
            "seconds": seconds(lost.seconds_ms),
        },
        "integrity": [_disk(disk) for disk in record.integrity],
        "outage_s": seconds(switch.outage_time),
        "downtime_s": seconds(switch.downtime),
        "triggered": units.show_instant(record.triggered, zone),
        "answered": None if switch.answered is None else units.show_instant(switch.answered, zone),
        "source_stopped": units.show_instant(record.source_at, zone),
        "job": record.job,
    }


def _disk(disk: DiskIntegrity) -> dict[str, Any]:
    return {
        "disk": disk.disk,
        "source_digest": disk.source_digest,
        "target_digest": disk.target_digest,
        "equal": disk.equal and disk.sample_equal,
        "sampled": disk.sampled,
        "sample_equal": disk.sample_equal,
    }
