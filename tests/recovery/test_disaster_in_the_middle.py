"""A site that goes while a planned failover waits for it; plans whose VMs fail, or are there already."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.lab import Lab
from tests.recovery.labs import error_of, facts, records
from tests.recovery.planlabs import manual, tiers_lab


def test_a_planned_failover_is_given_up(shop: Lab) -> None:
    """Site lost while the rest is being sent: 532 for anything else; cancelled, the unplanned failover goes."""
    job = shop.vault.planned_failover("SHOP")
    shop.run("25s")
    shop.faults.lose_site()
    shop.run("2d")
    if job.state == "InProgress":
        assert error_of(lambda: shop.vault.unplanned_failover("SHOP")).code == 532
        shop.vault.cancel(job)
    assert job.state == "Failed"
    shop.vault.unplanned_failover("SHOP", wait=True)
    assert records(shop)[-1].operation == "UnplannedFailover"
    assert error_of(lambda: shop.vault.cancel(job)).code == 900911
    assert shop.verify() == []


def test_nothing_else_is_cancelled(shop: Lab) -> None:
    """Other jobs, and planned failovers whose VM is being made: 900996, and they go on; of a test that waits, which is
    completed instead, the refusal names the job to complete; one that has ended says so."""
    test = shop.vault.test_failover("SHOP")
    assert error_of(lambda: shop.vault.cancel(test)).code == 900996
    shop.wait(test)
    refused = error_of(lambda: shop.vault.cancel(test))
    assert (refused.code, refused.details["word"]) == (900912, test.id)
    shop.wait(test.complete())
    assert error_of(lambda: shop.vault.cancel(test)).code == 900911
    job = shop.vault.planned_failover("SHOP")
    shop.run("90s")
    assert error_of(lambda: shop.vault.cancel(job)).code == 900996
    shop.wait(job)
    assert job.state == "Succeeded"


def test_every_vm_of_a_running_plan_is_locked(tmp_path: Path) -> None:
    """Also one that had failed over before and is passed over: 532 while the plan waits, free at its end."""
    with tiers_lab(tmp_path, groups=[["DB"], {"vms": ["APP"], "before": [manual()]}, ["WEB1", "WEB2"]]) as lab:
        lab.vault.planned_failover("DB", wait=True)
        job = lab.vault.planned_failover_plan("Shop", wait=True)
        assert job.state == "Suspended"
        assert error_of(lambda: lab.vault.commit("DB")).code == 532
        job.complete()
        lab.wait(job)
        lab.vault.commit("DB", wait=True)


def test_a_stopped_plan_switches_what_it_has_shut_down(tmp_path: Path) -> None:
    """The database's guest cannot be shut down: the plan stops; the others, which are off, are switched."""
    db = (
        "{name: DB, os: Windows Server 2012 R2, integration: none, churn: 20KB/s, orders: 6/min,"
        " disks: [{name: os, size: 24MB, used: 8MB}, {name: data, size: 20MB}]}"
    )
    web = "{name: WEB1, os: FreeBSD 10.0, disks: [{name: os, size: 24MB, used: 4MB}]}"
    with tiers_lab(tmp_path, db, web, groups=[["DB"], ["WEB1"]]) as lab:
        job = lab.vault.planned_failover_plan("Shop")
        assert error_of(lambda: lab.wait(job)).code == 900853
        lab.run("3h")
        assert [fact["entity"] for fact in facts(lab, "failover")] == ["WEB1"]
        assert lab.site.machines["DB"].state == "Running"


def test_the_clock_of_a_plan_does_not_start_anew(tmp_path: Path) -> None:
    """A VM that needed a second attempt has the recovery time since the plan's click."""
    with tiers_lab(tmp_path) as lab:
        for name in ("DB", "APP", "WEB1", "WEB2"):
            lab.vault.set_target(name, size="XL")
        job = lab.vault.planned_failover_plan("Shop")
        assert error_of(lambda: lab.wait(job)).code == 28031
        lab.run("3h")
        lab.azure.raise_quota("cores", 100)
        lab.wait(lab.vault.restart(job))
        begun = next(fact["at"] for fact in lab.facts if fact.get("scenario") == "PlanPlannedFailover")
        assert {record.triggered for record in records(lab)} == {begun}


@pytest.mark.parametrize(("field", "value"), [("takes", 2**63 - 1), ("limit", 2**62), ("timeout", 10**9)])
def test_actions_end_some_day(tmp_path: Path, field: str, value: int) -> None:
    """Times of actions have an end: more than 30 days of virtual time, or a day of real time, is refused."""
    with tiers_lab(tmp_path) as lab:
        action = {**manual(), field: value}
        before = lab.vault.plans["Shop"].version
        refused = error_of(
            lambda: lab.vault.save_plan("Shop", [["DB"], {"vms": ["APP", "WEB1", "WEB2"], "before": [action]}])
        )
        assert 900900 <= refused.code < 900930 or refused.code < 900200
        assert lab.vault.plans["Shop"].version == before
