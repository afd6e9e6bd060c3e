"""What a switch from one side to the other achieved, counted from evidence and facts: one definition of each clock.

- *RPO*: the source's last instant minus the instant the recovery point shows.
- *RTO*: from the trigger (the operator's click) to the application answering at the target, waits included.
- *outage*: from the loss of site or line to the application answering (compared with the MTD).
- *downtime*: from the source's last instant to the application answering.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from labkit.engine.world import World
from labkit.recovery.evidence import FailoverRecord
from labkit.site import inventory

TO_AZURE = ("PlannedFailover", "UnplannedFailover", "ChangePit")
_UP, _ANSWERS, _MADE, _DECLARED = "guest.up", "application.answers", "azure.vm.created", "disaster.declared"
_OUTAGE = ("site.lost", "site.restored", "line.lost", "line.connected")


class Instants:
    """What happened to machines and to the site, by entity, in order: ``(at, kind)``."""

    def __init__(self, facts: list[dict[str, Any]]) -> None:
        self._of: dict[str, list[tuple[int, str]]] = {}
        for fact in facts:
            if fact["kind"] in (_UP, _ANSWERS, _MADE, "vm.stopped", _DECLARED, *_OUTAGE):
                self._of.setdefault(fact["entity"], []).append((fact["at"], fact["kind"]))

    def first(self, entity: str, kind: str, after: int) -> int | None:
        """The first of a kind at or after an instant, before the machine is stopped or made anew."""
        for at, found in self._of.get(entity, []):
            if at >= after and found == kind:
                return at
            if at > after and found in ("vm.stopped", _MADE):
                return None
        return None

    def declared(self, outage: int | None, before: int) -> int | None:
        """When the disaster was declared, between the outage and an instant."""
        said = [at for at, _kind in self._of.get("site", []) if _kind == _DECLARED and at <= before]
        return next((at for at in said if outage is None or at >= outage), None)

    def outage(self, before: int) -> int | None:
        """Since when the site is lost at an instant, or else the line to Azure; None when both are there."""
        for entity in ("site", "line"):
            since = None
            for at, kind in self._of.get(entity, []):
                if at <= before and kind in _OUTAGE:
                    since = (at if since is None else since) if kind.endswith(".lost") else None
            if since is not None:
                return since
        return None


class Switch(NamedTuple):
    """A record of a switch and the instants that the record cannot know (ms).

    ``outage``: site or line was lost; ``declared``: somebody said so (:func:`declare`); ``record.triggered``: click;
    ``up``: the target's guest; ``answered``: its application (without one: the guest).
    """

    record: FailoverRecord
    answered: int | None
    outage: int | None
    up: int | None = None
    declared: int | None = None

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
    for record in sorted(world.all(FailoverRecord), key=lambda record: (record.at, record.id)):
        machine = inventory.machine(world, record.vm)
        answered = instants.first(record.machine, _ANSWERS if machine.application else _UP, record.at)
        outage = instants.outage(record.triggered) if record.operation == "UnplannedFailover" else None
        up = instants.first(record.machine, _UP, record.at)
        declared = instants.declared(outage, record.triggered) if outage is not None else None
        found.append(Switch(record, answered, outage, up, declared))
    return found


def declare(world: World, note: str) -> None:
    """Somebody declares a disaster: the clock of deciding ends here; nothing else happens."""
    world.fact(_DECLARED, "site", note=note)
