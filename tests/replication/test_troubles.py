"""Troubles that meet: power, pauses, faults and settings in the middle of something else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.lab import Lab
from labkit.replication import statistics
from labkit.replication.relation import Relation
from tests.recovery.labs import HOUR, MINUTE, QUIET, SHOP, error_of, facts, new_lab, rows
from tests.recovery.labs import export as exported

ROOMY = "{name: BUSY, os: FreeBSD 10.0, churn: {rate: 200KB/s, hot: 5%}, disks: [{name: os, size: 8GB, used: 64MB}]}"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """BUSY, protected for half an hour."""
    with new_lab(tmp_path, ROOMY) as made:
        made.run("30min")
        yield made


def relation_of(lab: Lab, vm: str = "BUSY") -> Relation:
    return lab.read(lambda world: world.get(Relation, vm))


def in_flight(lab: Lab) -> None:
    """Over a thinner line, until a log is under way."""
    lab.faults.set_bandwidth("10Mbps")
    while relation_of(lab).flight is None:
        lab.run("3s")


@pytest.mark.parametrize("trouble", ["site", "crash"])
def test_what_waits_for_its_time_of_day_goes_on_waiting(tmp_path: Path, trouble: str) -> None:
    """Power lost and back before 13:00: initial replication still starts at 13:00."""
    with new_lab(tmp_path, ROOMY, stage="registered") as lab:
        lab.vault.configure_protection(initial_start="13:00", wait=True)
        lab.vault.enable_protection("BUSY", wait=True)
        if trouble == "site":
            lab.faults.lose_site()
            lab.run("10min")
            lab.faults.restore_site()
        else:
            lab.faults.crash_host()
        lab.run(until="2014-10-01T13:00:00+09:00")
        assert len(facts(lab, "initial.started")) == 1
        lab.wait(lab.vault.items["BUSY"])
        assert lab.verify(full=True) == []


def test_a_disk_changed_during_initial_replication(tmp_path: Path) -> None:
    """No log tells of it: as soon as initial replication is through the disks are compared, and the change is there."""
    with new_lab(tmp_path, ROOMY, stage="configured", bandwidth="20Mbps") as lab:
        lab.site.shut_down("BUSY")
        lab.vault.enable_protection("BUSY", wait=True)
        lab.run("5s")
        assert relation_of(lab).state == "initial"
        lab.faults.edit_disk("BUSY", "os", 100)
        lab.wait(lab.vault.items["BUSY"])
        assert [fact["reason"] for fact in facts(lab, "resync.required")] == ["disk edited"]
        lab.vault.resynchronise("BUSY", wait=True)
        lab.wait(lab.vault.items["BUSY"])
        assert facts(lab, "resync.ended")[0]["blocks"] == 1
        assert lab.verify(full=True) == []


def test_a_vm_is_not_started_while_a_failback_writes_its_disks(lab: Lab) -> None:
    """Refused with the job's name; the failback goes through, and the guest runs once."""
    lab.vault.planned_failover("BUSY", wait=True)
    lab.vault.commit("BUSY", wait=True)
    lab.vault.failback("BUSY", wait=True)
    assert error_of(lambda: lab.site.start("BUSY")).code == 532
    lab.vault.complete_failover("BUSY", wait=True)
    lab.run("10min")
    assert lab.site.machines["BUSY"].state == "Running"
    assert lab.verify() == []


def test_a_crash_and_then_the_whole_site(lab: Lab) -> None:
    """The host crashes, the site loses power before it is up again, power comes back: the crash is not forgotten."""
    lab.faults.crash_host()
    assert error_of(lab.faults.crash_host).code == 900557
    lab.run("2min")
    lab.faults.lose_site()
    lab.run("30min")
    lab.faults.restore_site()
    assert lab.site.machines["BUSY"].state != "Off"
    assert [fact["reason"] for fact in facts(lab, "resync.required")] == ["host crash"]
    assert lab.verify() == []


def test_while_the_hosts_are_down_nothing_is_sent_or_started(lab: Lab) -> None:
    """No cycle, no chunk of a comparison, no start, no pause, no planned failover; after five minutes it goes on."""
    lab.faults.fail_log("BUSY")
    lab.vault.resynchronise("BUSY", wait=True)
    lab.run("10s")
    lab.faults.crash_host()
    told = len(list(lab.facts))
    for refused in (lab.site.start, lab.site.pause_replication, lab.site.resume_replication):
        assert error_of(lambda refused=refused: refused("BUSY")).code == 900530  # type: ignore[misc]
    lab.run("4min")
    assert [fact["kind"] for fact in list(lab.facts)[told:]] == []
    lab.run("2min")
    assert relation_of(lab).state == "resync-required", "a comparison starts over after a crash"
    assert lab.site.machines["BUSY"].state == "Running"


def test_a_vm_that_failed_over_after_a_crash_stays_off(lab: Lab) -> None:
    """Failed over within the five minutes: the site's machine is not started beside it."""
    lab.faults.crash_host()
    lab.vault.unplanned_failover("BUSY", wait=True)
    lab.run("10min")
    assert lab.site.machines["BUSY"].state == "Off"
    assert lab.azure.machines["BUSY"].state == "Running"


def test_after_a_failover_there_is_nothing_to_resume(lab: Lab) -> None:
    """Paused, then failed over: the pause ends with replication, and no timer is left."""
    lab.site.pause_replication("BUSY")
    lab.vault.unplanned_failover("BUSY", wait=True)
    assert not lab.status()["items"]["BUSY"]["paused"]
    assert error_of(lambda: lab.site.resume_replication("BUSY")).code == 900549
    timers = lab.read(lambda world: [timer.kind for timer in world.timers.rows() if timer.entity == "BUSY"])
    assert timers == []


def test_the_last_log_of_a_planned_failover_is_not_paused(lab: Lab) -> None:
    """A pause while the rest is sent is refused, and the failover goes through."""
    in_flight(lab)
    job = lab.vault.planned_failover("BUSY")
    while not relation_of(lab).final:
        lab.run("1s")
    assert error_of(lambda: lab.site.pause_replication("BUSY")).code == 900548
    lab.wait(job)
    assert lab.vault.failovers[0].equal


def test_a_planned_failover_whose_log_fails_ends_with_the_reason(lab: Lab) -> None:
    """The log fails while the rest is sent: the job fails with 900546 instead of waiting for ever."""
    in_flight(lab)
    job = lab.vault.planned_failover("BUSY")
    while not relation_of(lab).final:
        lab.run("1s")
    lab.faults.fail_log("BUSY")
    assert error_of(lambda: lab.wait(job)).code == 900546
    assert "Resynchronize" in lab.vault.items["BUSY"].allowed_operations


def test_another_frequency_while_a_log_is_under_way(tmp_path: Path) -> None:
    """15 min to 30 s in mid-air: the next cycles are 30 s apart, not a quarter of an hour away."""
    with new_lab(tmp_path, ROOMY, frequency="15min") as lab:
        lab.run("1h")
        lab.faults.set_bandwidth("20Mbps")
        while relation_of(lab).flight is None:
            lab.run("3s")
        lab.vault.change_protection(frequency="30s", wait=True)
        lab.faults.set_bandwidth("100Mbps")
        cycles = len(facts(lab, "cycle"))
        lab.run("10min")
        assert len(facts(lab, "cycle")) - cycles > 15


def test_a_snapshot_whose_log_is_given_up_is_taken_again(tmp_path: Path) -> None:
    """Paused while the frozen log was under way: the next log is frozen, not the one four hours later."""
    with new_lab(tmp_path, ROOMY) as lab:
        lab.vault.change_protection(app_consistent=1, wait=True)
        lab.run("50min")
        lab.faults.set_bandwidth("10Mbps")
        while (flight := relation_of(lab).flight) is None or flight.kind == "crash-consistent":
            lab.run("3s")
        lab.site.pause_replication("BUSY")
        lab.faults.set_bandwidth("100Mbps")
        lab.site.resume_replication("BUSY")
        before = len(facts(lab, "cycle"))
        lab.run("5min")
        assert "consistency" in facts(lab, "cycle")[before]


def test_a_cancelled_comparison_waits_for_the_next_night(lab: Lab) -> None:
    """Cancelled at 1 in the night: it does not begin again before the next midnight."""
    lab.run(until="2014-10-01T23:00:00+09:00")
    lab.faults.fail_log("BUSY")
    lab.run(until="2014-10-02T00:01:00+09:00")
    lab.vault.cancel_resynchronise("BUSY")
    lab.run(until="2014-10-02T23:59:59+09:00")
    assert len(facts(lab, "resync.started")) == 1
    lab.run(until="2014-10-03T00:00:00+09:00")
    assert len(facts(lab, "resync.started")) == 2


def test_a_comparison_that_finds_nothing(tmp_path: Path) -> None:
    """Nothing was written: no block crosses, logs begin anew, and verify sees no gap in them."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.run("10min")
        lab.faults.fail_log("QUIET")
        lab.run("10min")
        lab.vault.resynchronise("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        lab.run("10min")  # before the hour at which the record is tidied
        assert facts(lab, "resync.ended")[0]["blocks"] == 0
        assert lab.verify(full=True) == []


def test_tidying_during_a_pause_leaves_what_was_gathered(tmp_path: Path) -> None:
    """Two chunks have arrived, then hours of a pause with their tidying: all of it is merged at the end."""
    with new_lab(tmp_path, ROOMY.replace("hot: 5%", "hot: 100%")) as lab:
        lab.run("20min")
        lab.site.shut_down("BUSY")
        lab.faults.fail_log("BUSY")
        lab.site.start("BUSY")
        lab.run("30min")
        lab.vault.resynchronise("BUSY", wait=True)
        while len(facts(lab, "resync.chunk")) < 2:
            lab.run("10s")
        assert all(fact["blocks"] for fact in facts(lab, "resync.chunk"))
        lab.site.pause_replication("BUSY")
        lab.run("100min")
        lab.site.resume_replication("BUSY")
        lab.wait(lab.vault.items["BUSY"])
        chunks = facts(lab, "resync.chunk")
        assert sum(fact["blocks"] for fact in chunks) == facts(lab, "resync.ended")[0]["blocks"] > 100
        assert lab.verify(full=True) == []


def test_put_back_hours_later_is_exact_to_a_session(tmp_path: Path) -> None:
    """Four hours after an instant its state is still known to a session: all orders until then, none after."""
    with new_lab(tmp_path, SHOP.replace("size: 24MB", "size: 600MB")) as lab:
        lab.run("92min")
        taken = rows(exported(lab, "SHOP", "data", "site"), "orders")
        lab.run("4h")
        lab.site.shut_down("SHOP")
        lab.faults.revert_disks("SHOP", "4h")
        back = rows(exported(lab, "SHOP", "data", "site"), "orders")
        assert back.items() <= taken.items()
        (told,) = [fact for fact in facts(lab, "fault") if fact["fault"] == "revert"]
        known = [at for at in taken.values() if at <= told["to"]]
        assert len(back) == len(known), "exactly the orders until the instant the fact tells"


# --- statistics that do not change afterwards ---


def test_what_is_counted_stays_counted(lab: Lab) -> None:
    """A comparison, other settings, a reset, a failover: closed intervals keep their figures and stay in the log."""
    lab.run(until="2014-10-01T21:00:01+09:00")
    (first,) = [event for event in lab.site.event_log() if event.id == 29174]
    assert first.details["expected"] == first.details["successful"] > 130
    lab.faults.fail_log("BUSY")
    lab.vault.resynchronise("BUSY", wait=True)
    lab.wait(lab.vault.items["BUSY"])
    lab.vault.change_protection(frequency="30s", wait=True)
    lab.run("20min")
    found = lab.site.replication("BUSY", begin="2014-10-01T21:00:00+09:00")
    assert found.missed_count <= 1
    assert found.successful_count >= 35
    lab.site.reset_statistics("BUSY")
    in_flight(lab)
    assert [event for event in lab.site.event_log() if event.id == 29174] == [first]
    lab.vault.unplanned_failover("BUSY", wait=True)
    lab.run("40h")
    later = [event for event in lab.site.event_log() if event.id == 29174]
    assert later[0] == first
    assert len(later) == 2, "no cycle is due after the failover"
    lab.vault.disable_protection("BUSY", wait=True)
    assert [event for event in lab.site.event_log() if event.id == 29174] == later


def test_no_cycle_is_due_before_replication(tmp_path: Path) -> None:
    """Waiting for initial replication nothing is expected or missed; an end before its beginning is refused."""
    with new_lab(tmp_path, ROOMY, stage="registered") as lab:
        lab.vault.configure_protection(initial_start="23:00", wait=True)
        lab.vault.enable_protection("BUSY", wait=True)
        lab.run("8h")
        found = lab.site.replication("BUSY")
        assert (found.expected_count, found.missed_count) == (0, 0)
        assert statistics.closed_intervals(facts(lab, "grid"), lab.clock.ms, 540) == []
        begin, end = "2014-10-01T12:00:00+09:00", "2014-10-01T11:00:00+09:00"
        assert error_of(lambda: lab.site.replication("BUSY", begin=begin, end=end)).code == 900558


def test_an_hour_has_twelve_whatever_came_later(lab: Lab) -> None:
    """Asked for one past hour at 5 min: 12 due, 12 successful, also after the frequency has changed twice."""
    lab.run("2h")
    lab.vault.change_protection(frequency="30s", wait=True)
    lab.run("1h")
    lab.vault.change_protection(frequency="15min", wait=True)
    lab.run("1h")
    asked = {"begin": "2014-10-01T10:00:00+09:00", "end": "2014-10-01T11:00:00+09:00"}
    found = lab.site.replication("BUSY", **asked)
    assert (found.expected_count, found.successful_count, found.missed_count) == (12, 12, 0)
    assert found.maximum_latency < MINUTE < HOUR
