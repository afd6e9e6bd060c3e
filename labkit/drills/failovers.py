"""Every switch of a drill from one side to the other, with its times, counted from the lab's evidence and facts."""

from __future__ import annotations

from typing import Any, NamedTuple

from labkit.engine import units
from labkit.engine.world import World
from labkit.recovery.evidence import DiskIntegrity, FailoverRecord
from labkit.site import inventory

TO_AZURE = ("PlannedFailover", "UnplannedFailover", "ChangePit")
_UP, _ANSWERS, _MADE = "guest.up", "application.answers", "azure.vm.created"


class Instants:
    """What happened to machines and to the site, by entity, in order: ``(at, kind)``."""

    def __init__(self, facts: list[dict[str, Any]]) -> None:
        self._of: dict[str, list[tuple[int, str]]] = {}
        for fact in facts:
            if fact["kind"] in (_UP, _ANSWERS, _MADE, "vm.stopped", "site.lost", "line.lost"):
                self._of.setdefault(fact["entity"], []).append((fact["at"], fact["kind"]))

    def first(self, entity: str, kind: str, after: int) -> int | None:
        """The first of a kind at or after an instant, before the machine is stopped or made anew."""
        for at, found in self._of.get(entity, []):
            if at >= after and found == kind:
                return at
            if at > after and found in ("vm.stopped", _MADE):
                return None
        return None

    def last_outage(self, before: int) -> int | None:
        """The last loss of the site or of the line at or before an instant, the first of two that belong together."""
        lost = [at for entity in ("site", "line") for at, _kind in self._of.get(entity, []) if at <= before]
        return max(lost, default=None)


class Switch(NamedTuple):
    """A record of a switch and the instants that the record cannot know (ms)."""

    record: FailoverRecord
    answered: int | None
    outage: int | None

    @property
    def rto(self) -> int | None:
        """From the trigger to an application that answers."""
        return None if self.answered is None else self.answered - self.record.triggered

    @property
    def outage_time(self) -> int | None:
        """From the outage to an application that answers; None without an outage."""
        return None if self.answered is None or self.outage is None else self.answered - self.outage

    @property
    def downtime(self) -> int | None:
        """From the source's last instant to an application that answers; a test interrupts nothing."""
        if self.answered is None or self.record.operation == "TestFailover":
            return None
        return max(0, self.answered - self.record.source_at)


def switches(world: World, facts: list[dict[str, Any]]) -> list[Switch]:
    """All switches in the order they happened; a VM without an application answers when its guest is up."""
    instants, found = Instants(facts), []
    restored = [fact["at"] for fact in facts if fact["kind"] in ("site.restored", "line.connected")]
    for record in sorted(world.all(FailoverRecord), key=lambda record: (record.at, record.id)):
        machine = inventory.machine(world, record.vm)
        answered = instants.first(record.machine, _ANSWERS if machine.application else _UP, record.at)
        outage = instants.last_outage(record.triggered) if record.operation == "UnplannedFailover" else None
        if outage is not None and any(outage <= at <= record.triggered for at in restored):
            outage = None
        found.append(Switch(record, answered, outage))
    return found


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
