"""Objectives of a drill and their verdicts: met, missed, or not tested - never "passed" for want of a test."""

from __future__ import annotations

from typing import Any

MET, MISSED, NOT_TESTED, FAILED = "met", "missed", "not_tested", "failed"
PLANNED = "PlannedFailover"


def verdict(objectives: list[dict[str, Any]], error: dict[str, Any] | None) -> str:
    """The whole drill's: failed with an error, missed when an objective was missed or none was tested, else met."""
    if error is not None:
        return FAILED
    found = {objective["verdict"] for objective in objectives}
    return MET if MISSED not in found and MET in found else MISSED


def objective(name: str, target: Any, achieved: Any, met: bool | None) -> dict[str, Any]:
    """One objective; ``met`` None: not tested."""
    word = NOT_TESTED if met is None else MET if met else MISSED
    return {"name": name, "target": target, "achieved": achieved, "verdict": word}


def objectives(
    targets: dict[str, float | None], achieved: dict[str, Any], failovers: list[dict[str, Any]], left: int | None
) -> list[dict[str, Any]]:
    """All objectives: ``rto``, ``rpo`` and ``mtd`` in seconds, ``integrity``, ``planned_loss``, ``clean_up``.

    ``targets``: seconds by name (``mtd`` may be None); ``achieved``: as in result.json; ``failovers``: every switch of
    the drill; ``left``: number of things left over, None when the drill does not clean up.
    """
    switched = achieved["recovered"]
    found = [
        _at_most("rto", targets["rto"], achieved["rto_s"], switched),
        _at_most("rpo", targets["rpo"], achieved["rpo_s"], switched),
    ]
    if targets["mtd"] is not None:
        found.append(_at_most("mtd", targets["mtd"], achieved["outage_s"], achieved["outage"]))
    unequal = sum(not disk["equal"] for failover in failovers for disk in failover["integrity"])
    found.append(objective("integrity", 0, unequal if failovers else None, unequal == 0 if failovers else None))
    planned = [failover for failover in failovers if failover["operation"] == PLANNED]
    lost = sum(failover["lost"]["blocks"] + (failover["lost"]["orders"] or 0) for failover in planned)
    found.append(objective("planned_loss", 0, lost if planned else None, lost == 0 if planned else None))
    found.append(objective("clean_up", 0, left, None if left is None else left == 0))
    return found


def _at_most(name: str, target: float | None, achieved: float | None, tested: bool) -> dict[str, Any]:
    """Seconds that may not be more than the target; a switch that never got there has missed it."""
    if not tested:
        return objective(name, target, None, None)
    met = achieved is not None and target is not None and achieved <= target
    return objective(name, target, achieved, met)
