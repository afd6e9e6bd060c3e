"""The states of a protected item as a table: ``(state, operation) -> state`` (promise 6).

The names of states are the lab's; ``data/states.yml`` maps each to the service's name and to the guide's words. An
operation takes time (a job); the table says where it leads when the job has succeeded, or, for operations that stop
in the middle for the operator, when it has got there.
"""

from __future__ import annotations

from typing import Any

from labkit.engine import resources

UNPROTECTED = "Unprotected"
ENABLING = "EnablingProtection"
PROTECTED = "Protected"
TEST_WAITING = "TestFailoverWaiting"
PLANNED_PENDING, UNPLANNED_PENDING = "PlannedCommitPending", "UnplannedCommitPending"
PLANNED_COMMITTED, UNPLANNED_COMMITTED = "PlannedCommitted", "UnplannedCommitted"
FAILBACK_WAITING, FAILBACK_PENDING = "FailbackWaiting", "FailbackCommitPending"
RESTORED = "RestoreFinalized"

# What the lab itself reports rather than a person asks for.
INITIAL_COMPLETED = "InitialReplicationCompleted"
INTERNAL = frozenset({INITIAL_COMPLETED})

# The recovery points were merged into the disk: none can be chosen any more.
MERGED = frozenset({PLANNED_COMMITTED, UNPLANNED_COMMITTED, FAILBACK_WAITING, FAILBACK_PENDING})

TABLE: dict[tuple[str, str], str] = {
    (UNPROTECTED, "EnableProtection"): ENABLING,
    (ENABLING, INITIAL_COMPLETED): PROTECTED,
    (ENABLING, "DisableProtection"): UNPROTECTED,
    (PROTECTED, "PlannedFailover"): PLANNED_PENDING,
    (PROTECTED, "UnplannedFailover"): UNPLANNED_PENDING,
    (PROTECTED, "TestFailover"): TEST_WAITING,
    (PROTECTED, "DisableProtection"): UNPROTECTED,
    (TEST_WAITING, "TestFailoverCleanup"): PROTECTED,
    (PLANNED_PENDING, "Commit"): PLANNED_COMMITTED,
    (PLANNED_PENDING, "ChangePit"): PLANNED_PENDING,
    (PLANNED_PENDING, "DisableProtection"): UNPROTECTED,
    (UNPLANNED_PENDING, "Commit"): UNPLANNED_COMMITTED,
    (UNPLANNED_PENDING, "ChangePit"): UNPLANNED_PENDING,
    (UNPLANNED_PENDING, "DisableProtection"): UNPROTECTED,
    (PLANNED_COMMITTED, "Failback"): FAILBACK_PENDING,
    (PLANNED_COMMITTED, "DisableProtection"): UNPROTECTED,
    (UNPLANNED_COMMITTED, "Failback"): FAILBACK_PENDING,
    (UNPLANNED_COMMITTED, "DisableProtection"): UNPROTECTED,
    (FAILBACK_WAITING, "CompleteFailover"): FAILBACK_PENDING,
    (FAILBACK_PENDING, "Commit"): RESTORED,
    (RESTORED, "ReverseReplicate"): ENABLING,
    (RESTORED, "DisableProtection"): UNPROTECTED,
}

# Site to site: the relation is turned round instead of being made anew (rule 1.2-8).
# The states hold on both sides: which one is active is another thing.
SITE_TABLE: dict[tuple[str, str], str] = {
    (UNPROTECTED, "EnableProtection"): ENABLING,
    (ENABLING, INITIAL_COMPLETED): PROTECTED,
    (ENABLING, "DisableProtection"): UNPROTECTED,
    (PROTECTED, "PlannedFailover"): ENABLING,
    (PROTECTED, "UnplannedFailover"): UNPLANNED_PENDING,
    (PROTECTED, "TestFailover"): TEST_WAITING,
    (PROTECTED, "DisableProtection"): UNPROTECTED,
    (TEST_WAITING, "TestFailoverCleanup"): PROTECTED,
    (UNPLANNED_PENDING, "Commit"): UNPLANNED_COMMITTED,
    (UNPLANNED_PENDING, "ChangePit"): UNPLANNED_PENDING,
    (UNPLANNED_PENDING, "ReverseReplicate"): ENABLING,
    (UNPLANNED_COMMITTED, "ReverseReplicate"): ENABLING,
}

STATES = tuple(dict.fromkeys([state for state, _ in TABLE] + list(TABLE.values())))


def table(*, to_site: bool) -> dict[tuple[str, str], str]:
    """The table of an item that is protected to Azure, or to another site."""
    return SITE_TABLE if to_site else TABLE


def allowed(state: str, *, to_site: bool = False) -> tuple[str, ...]:
    """Operations a person may ask for in a state, in the table's order."""
    known = table(to_site=to_site)
    return tuple(operation for found, operation in known if found == state and operation not in INTERNAL)


def words(state: str) -> dict[str, Any]:
    """The service's name and the guide's words of a state (English; translate where shown)."""
    return dict(resources.yaml("states.yml")["states"][state])
