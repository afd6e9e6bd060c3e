"""The table of states, walked cell by cell: what is in it is accepted, all else is refused and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import labkit
from labkit.lab import Lab
from labkit.lab.vault import VaultDoor
from labkit.lab.views import Job
from labkit.recovery import states
from tests.recovery.labs import error_of, journal_tail, new_lab, state_of

VM = "SHOP"
# A quiet guest behind a thin line: initial replication takes minutes, so that its states can be stood in.
SLOW_SHOP = (
    "{name: SHOP, os: Windows Server 2012 R2, orders: 6/min,"
    " disks: [{name: os, size: 24MB, used: 8MB}, {name: data, size: 20MB}]}"
)

DOORS: dict[str, Callable[[VaultDoor], Job]] = {
    "EnableProtection": lambda vault: vault.enable_protection(VM),
    "DisableProtection": lambda vault: vault.disable_protection(VM),
    "TestFailover": lambda vault: vault.test_failover(VM),
    "TestFailoverCleanup": lambda vault: vault.complete_test(VM),
    "PlannedFailover": lambda vault: vault.planned_failover(VM),
    "UnplannedFailover": lambda vault: vault.unplanned_failover(VM),
    "ChangePit": lambda vault: vault.change_recovery_point(VM),
    "Commit": lambda vault: vault.commit(VM),
    "Failback": lambda vault: vault.failback(VM, synchronise="during"),
    "CompleteFailover": lambda vault: vault.complete_failover(VM),
    "ReverseReplicate": lambda vault: vault.reverse_replication(VM),
}
ASKED = [pair for pair in states.TABLE if pair[1] not in states.INTERNAL]
REFUSED = [(state, operation) for state in states.STATES for operation in DOORS if (state, operation) not in ASKED]


def _walk(lab: Lab, kept: dict[str, Path], *operations: str) -> None:
    for operation in operations:
        if operation == "wait":
            lab.wait(lab.vault.items[VM])
            lab.run("30s")
        elif operation == "Failback before":
            lab.vault.failback(VM, wait=True)
        else:
            lab.wait(DOORS[operation](lab.vault))
        state = state_of(lab, VM)
        if state not in kept:
            kept[state] = lab.copy(lab.path.with_name(f"at-{state}.lab"))


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For every state a lab whose VM is in it."""
    kept: dict[str, Path] = {}
    with new_lab(tmp_path_factory.mktemp("states"), SLOW_SHOP, stage="configured", bandwidth="200kbps") as lab:
        kept[states.UNPROTECTED] = lab.copy(lab.path.with_name("at-Unprotected.lab"))
        _walk(lab, kept, "EnableProtection", "wait", "TestFailover", "TestFailoverCleanup")
        _walk(lab, kept, "PlannedFailover", "Commit", "Failback before", "CompleteFailover", "Commit")
    with labkit.open(kept[states.PROTECTED], read_only=True) as lab:
        other = lab.copy(lab.path.with_name("unplanned.lab"))
    with labkit.open(other) as lab:
        _walk(lab, kept, "UnplannedFailover", "Commit")
    return kept


@pytest.fixture
def standing(at: dict[str, Path], tmp_path: Path) -> Callable[[str], Lab]:
    """``standing(state)``: a lab of its own whose VM is in the state."""

    def copy(state: str) -> Lab:
        with labkit.open(at[state], read_only=True) as lab:
            return labkit.open(lab.copy(tmp_path / "standing.lab"))

    return copy


def test_every_state_can_be_reached(at: dict[str, Path]) -> None:
    """No state of the table is a dead letter."""
    assert set(at) == set(states.STATES)


@pytest.mark.promise(6)
@pytest.mark.parametrize(("state", "operation"), ASKED)
def test_what_the_table_allows_is_accepted(standing: Callable[[str], Lab], state: str, operation: str) -> None:
    """Each cell of the table: the operation is accepted and leads where the table says, and the lab stays whole."""
    with standing(state) as lab:
        assert lab.vault.items == {} or operation in lab.vault.items[VM].allowed_operations
        lab.wait(DOORS[operation](lab.vault))
        assert state_of(lab, VM) == states.TABLE[state, operation]
        assert lab.verify() == []


@pytest.mark.promise(6)
def test_initial_replication_leads_to_protected(standing: Callable[[str], Lab]) -> None:
    """The one cell nobody asks for: the end of initial replication makes the item protected, and a fact tells it."""
    with standing(states.ENABLING) as lab:
        lab.wait(lab.vault.items[VM])
        assert state_of(lab, VM) == states.TABLE[states.ENABLING, states.INITIAL_COMPLETED]
        moves = [fact for fact in lab.facts if fact["kind"] == "item.state"]
        assert moves[-1]["operation"] == states.INITIAL_COMPLETED


@pytest.mark.promise(2, 4, 6)
@pytest.mark.parametrize(("state", "operation"), REFUSED)
def test_all_else_is_refused_and_changes_nothing(standing: Callable[[str], Lab], state: str, operation: str) -> None:
    """Each gap of the table: a code, the operations that are allowed, an entry in the journal, and no other trace."""
    with standing(state) as lab:
        before = lab.status(), len(lab.journal)
        error = error_of(lambda: DOORS[operation](lab.vault))
        expected = 20013 if state == states.TEST_WAITING else 900501
        if state == states.UNPROTECTED:
            expected = 900502
        elif operation == "EnableProtection":
            expected = 900520
        assert error.code == expected
        if operation != "EnableProtection":
            assert error.allowed == states.allowed(state)
        assert VM in error.message
        assert (lab.status(), len(lab.journal)) == (before[0], before[1] + 1)
        entry = journal_tail(lab)
        assert (entry["outcome"], entry["code"]) == ("refused", expected)


@pytest.mark.promise(6)
def test_enabling_twice_says_what_is_allowed_instead(standing: Callable[[str], Lab]) -> None:
    """The refusal to protect a protected VM names the operations that are allowed, as every refusal does."""
    with standing(states.PROTECTED) as lab:
        assert error_of(lambda: lab.vault.enable_protection(VM)).allowed == states.allowed(states.PROTECTED)


@pytest.mark.promise(6)
@pytest.mark.parametrize("operation", [name for name in DOORS if name != "EnableProtection"])
def test_one_operation_at_a_time(standing: Callable[[str], Lab], operation: str) -> None:
    """While a job is at work on an item nothing else is begun on it: 532 names the job, and nothing is allowed."""
    with standing(states.PROTECTED) as lab:
        job = lab.vault.planned_failover(VM)
        lab.run("1s")
        digest = lab.events_digest
        error = error_of(lambda: DOORS[operation](lab.vault))
        assert (error.code, error.allowed) == (532, ())
        assert job.id in error.message
        assert lab.vault.items[VM].allowed_operations == ()
        assert lab.events_digest == digest


@pytest.mark.rule("3.3-6")
def test_an_open_test_keeps_all_else_away(standing: Callable[[str], Lab]) -> None:
    """While a test is open every other failover of the item is refused with 20013; completed, they are allowed."""
    with standing(states.TEST_WAITING) as lab:
        for operation in ("PlannedFailover", "UnplannedFailover", "TestFailover"):
            assert error_of(lambda operation=operation: DOORS[operation](lab.vault)).code == 20013  # type: ignore[misc]
        lab.vault.complete_test(VM, wait=True)
        assert set(lab.vault.items[VM].allowed_operations) >= {"PlannedFailover", "UnplannedFailover", "TestFailover"}


def test_only_the_job_that_waits_takes_the_word(standing: Callable[[str], Lab]) -> None:
    """``complete`` on another job of the same item is refused with 900020; the open test stays open."""
    with standing(states.TEST_WAITING) as lab:
        first, test = (
            next(job for job in lab.jobs.values() if job.scenario == s) for s in ("EnableDr", "TestFailover")
        )
        assert error_of(lambda: first.complete("done")).code == 900020
        assert test.state == "Suspended"


def test_names_come_with_a_guess(standing: Callable[[str], Lab]) -> None:
    """A misspelled VM is told from one that is not protected: 900010 with the name that was meant."""
    with standing(states.PROTECTED) as lab:
        for work in (lambda: lab.vault.planned_failover("SHOPP"), lambda: lab.vault.items["SHOPP"]):
            error = error_of(work)
            assert error.code == 900010
            assert "Did you mean 'SHOP'?" in error.cause
        assert "Did you mean 'SHOP'?" in error_of(lambda: lab.vault.enable_protection("shop")).cause
