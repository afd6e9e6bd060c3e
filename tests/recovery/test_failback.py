"""Failback and reverse replication (rules 3.6, F-8, F-9, F-10)."""

from __future__ import annotations

from pathlib import Path

import pytest

import labkit
from labkit.engine.jobs import JobRecord
from labkit.lab import Lab
from labkit.recovery.item import ProtectedItem
from labkit.replication.relation import Relation
from tests.recovery.labs import (
    SHOP,
    blocks_that_differ,
    error_of,
    export,
    facts,
    fail_back,
    new_lab,
    records,
    rows,
    state_of,
    task_states,
    twin,
)


@pytest.fixture
def away(shop: Lab) -> Lab:
    """SHOP failed over as planned and committed, and for three hours at work in Azure."""
    shop.vault.planned_failover("SHOP", wait=True)
    shop.vault.commit("SHOP", wait=True)
    shop.run("3h")
    return shop


def _downtime(lab: Lab) -> int:
    """From the last answer of the Azure VM to the first of the site's, in ms."""
    answers = facts(lab, "application.answers", "site/SHOP")[-1]["at"]
    return int(answers - facts(lab, "vm.stopped", "azure/SHOP")[-1]["at"])


def _sent(lab: Lab) -> int:
    """Bytes that crossed the line from Azure to the site."""
    return sum(fact["bytes"] for kind in ("initial.piece", "cycle") for fact in facts(lab, kind, "failback/SHOP"))


@pytest.mark.rule("3.6-2")
def test_the_two_options_compared(away: Lab) -> None:
    """One history, both options: "before" is down for less, "during" sends no more; nothing is lost by either."""
    figures = {}
    away.faults.set_bandwidth("1Mbps")
    for option in ("before", "during"):
        with twin(away, f"{option}.lab") as lab:
            fail_back(lab, "SHOP", option)
            lab.run("10min")
            figures[option] = _downtime(lab), _sent(lab)
            assert records(lab, "Failback")[0].lost.blocks == 0
    assert figures["before"][0] < figures["during"][0]
    assert 0 < figures["during"][1] <= figures["before"][1]


@pytest.mark.rule("3.6-2")
def test_synchronising_first_waits_for_the_word(away: Lab) -> None:
    """With "before" the Azure VM runs and answers until the operator gives the word, however late that is."""
    job = away.vault.failback("SHOP", synchronise="before", wait=True)
    assert (job.state, state_of(away, "SHOP")) == ("Suspended", "FailbackWaiting")
    away.run("5h")
    assert away.azure.machines["SHOP"].answering
    assert away.site.machines["SHOP"].state == "Off"
    assert away.vault.items["SHOP"].allowed_operations == ("CompleteFailover",)
    away.wait(job.complete("go"))
    away.run("10min")
    assert away.azure.machines["SHOP"].state == "Off"
    assert away.site.machines["SHOP"].answering


def test_synchronising_during_stops_azure_first(away: Lab) -> None:
    """With "during" nothing crosses the line before the Azure VM has stopped."""
    job = away.vault.failback("SHOP", synchronise="during", wait=True)
    assert task_states(job)["DataSyncAllActionGroup"] == "Skipped"
    stopped = facts(away, "vm.stopped", "azure/SHOP")[-1]["at"]
    assert all(fact["started"] >= stopped for fact in facts(away, "initial.piece", "failback/SHOP"))
    assert all(fact["started"] >= stopped for fact in facts(away, "cycle", "failback/SHOP"))
    assert _sent(away) > 0


def _switched(lab: Lab) -> bool:
    def at_boot(world: object) -> bool:
        found = [job for job in world.all(JobRecord) if job.scenario == "Failback"]  # type: ignore[attr-defined]
        return bool(found) and found[-1].task.name == "BootGroup1ActionGroup"

    return lab.run_until(at_boot, within="3h")


@pytest.mark.parametrize("option", ["before", "during"])
def test_the_sites_disks_are_azures_at_the_switch(away: Lab, option: str) -> None:
    """At the instant between the two guests both sides' disks are equal, byte by byte, and so the digests say."""
    job = away.vault.failback("SHOP", synchronise=option)
    if option == "before":
        away.wait(job)
        away.run("2h")
        job.complete()
    assert _switched(away)
    assert away.site.machines["SHOP"].state == away.azure.machines["SHOP"].state == "Off"
    for disk in ("os", "data"):
        assert blocks_that_differ(*(export(away, "SHOP", disk, side) for side in ("site", "azure"))) == []
    away.wait(job)
    record = records(away, "Failback")[0]
    assert [(disk.disk, disk.equal, disk.sample_equal) for disk in record.integrity] == [
        ("os", True, True),
        ("data", True, True),
    ]
    assert record.lost.blocks == 0


@pytest.mark.parametrize("option", ["before", "during"])
def test_no_order_taken_in_azure_is_lost(away: Lab, option: str) -> None:
    """The site's database after failback has every order of both sides, each once, counted by our own SQL."""
    fail_back(away, "SHOP", option)
    azure = rows(export(away, "SHOP", "data", "azure"), "orders")  # Azure's VM is off, and kept until commit
    site = rows(export(away, "SHOP", "data", "site"), "orders")
    assert {token >> 40 for token in azure} != {next(iter(azure)) >> 40}  # orders of two guests
    assert azure.items() <= site.items()
    assert away.verify(full=True) == []


def test_what_the_site_wrote_meanwhile_is_lost(shop: Lab) -> None:
    """After an unplanned failover the site's VM took orders of its own; failback overwrites them."""
    shop.vault.unplanned_failover("SHOP", wait=True)
    shop.vault.commit("SHOP", wait=True)
    shop.run("3h")
    own = rows(export(shop, "SHOP", "data", "site"), "orders")
    fail_back(shop, "SHOP")
    after = rows(export(shop, "SHOP", "data", "site"), "orders")
    cut = records(shop, "UnplannedFailover")[0].cut
    assert len([token for token in own if token not in after]) > 900
    assert {token for token in own if token in after} == {token for token, at in own.items() if at <= cut}
    assert records(shop, "Failback")[0].lost.blocks == 0


@pytest.mark.rule("3.6-1")
def test_only_after_commit_and_only_planned(shop: Lab) -> None:
    """A failover not yet committed must be committed first; while Azure is active no unplanned failover is offered."""
    shop.vault.planned_failover("SHOP", wait=True)
    error = error_of(lambda: shop.vault.failback("SHOP"))
    assert (error.code, "Commit" in error.allowed) == (900501, True)
    shop.vault.commit("SHOP", wait=True)
    assert "UnplannedFailover" not in shop.vault.items["SHOP"].allowed_operations
    assert error_of(lambda: shop.vault.unplanned_failover("SHOP")).code == 900501


def test_an_unknown_option_is_refused(away: Lab) -> None:
    """900523 names both options, before anything is begun."""
    error = error_of(lambda: away.vault.failback("SHOP", synchronise="bevore"))
    assert error.code == 900523
    assert "before, during" in error.action


@pytest.mark.parametrize("outage", ["lose_site", "lose_line"])
def test_the_site_must_be_reachable(away: Lab, outage: str) -> None:
    """A failback to a site that cannot be reached fails at its check; Azure stays active and answers."""
    getattr(away.faults, outage)()
    assert error_of(lambda: away.vault.failback("SHOP", wait=True)).code == 900521
    assert away.vault.items["SHOP"].allowed_operations == ("Failback", "DisableProtection")
    assert away.azure.machines["SHOP"].answering


def test_a_line_lost_before_the_switch_only_delays(away: Lab) -> None:
    """Word given, then the line lost: the switch waits for the rest, which arrives once the line is back."""
    job = away.vault.failback("SHOP", wait=True)
    away.faults.lose_line()
    job.complete()
    away.run("2h")
    assert job.state == "InProgress"
    away.faults.restore_line()
    away.wait(job)
    assert records(away, "Failback")[0].lost.blocks == 0
    assert all(disk.equal for disk in records(away, "Failback")[0].integrity)


def test_a_site_lost_while_data_flows_back_goes_on_later(tmp_path: Path) -> None:
    """The site dies while it is being synchronised; with power back the failback goes on and ends without loss."""
    with new_lab(tmp_path, SHOP) as lab:
        lab.vault.planned_failover("SHOP", wait=True)
        lab.vault.commit("SHOP", wait=True)
        lab.run("3h")
        lab.faults.set_bandwidth("200kbps")
        job = lab.vault.failback("SHOP")
        lab.run("40s")
        assert task_states(job)["DataSyncAllActionGroup"] == "InProgress"
        lab.faults.lose_site()
        lab.run("10min")
        lab.faults.restore_site()
        lab.run("6h")
        assert job.state == "Suspended"
        lab.wait(job.complete())
        assert records(lab, "Failback")[0].lost.blocks == 0


def test_nothing_starts_on_a_lost_site(away: Lab) -> None:
    """The site lost before the word is given: neither data nor a guest can appear on hosts without power."""
    job = away.vault.failback("SHOP", wait=True)
    away.faults.lose_site()
    sent = _sent(away)
    job.complete()
    away.run("1h")
    assert away.site.machines["SHOP"].state == "Off"
    assert _sent(away) == sent


@pytest.mark.rule("3.6-3", "F-8")
def test_commit_deletes_the_azure_vm(away: Lab) -> None:
    """The Azure VM is kept, off, until commit; commit deletes it and what belongs to it."""
    fail_back(away, "SHOP")
    assert away.azure.machines["SHOP"].state == "Off"
    away.vault.commit("SHOP", wait=True)
    assert away.azure.machines == {}
    assert facts(away, "azure.vm.deleted", "azure/SHOP")
    assert away.vault.items["SHOP"].active_location == "Primary"
    assert away.verify() == []


@pytest.mark.rule("3.6-4", "3.6-5")
def test_initial_replication_starts_anew_at_commit(away: Lab) -> None:
    """After commit the whole disks are sent again, as long as at first; until then no failover is possible."""
    first = facts(away, "initial.started", "SHOP")[0]
    fail_back(away, "SHOP")
    away.faults.set_bandwidth("500kbps")
    away.vault.commit("SHOP", wait=True)
    again = facts(away, "initial.started", "SHOP")[1]
    assert again["bytes"] >= first["bytes"]
    assert away.vault.items["SHOP"].description == "Failback finalized"
    assert away.vault.items["SHOP"].allowed_operations == ("ReverseReplicate", "DisableProtection")
    away.vault.reverse_replication("SHOP", wait=True)
    assert away.vault.items["SHOP"].description == "Initial replication in progress"  # clicked during it
    assert error_of(lambda: away.vault.unplanned_failover("SHOP")).code == 900501
    away.wait(away.vault.items["SHOP"])
    ended = facts(away, "initial.ended", "SHOP")[1]["at"]
    assert ended - again["at"] >= again["bytes"] * 8 // 500
    assert away.vault.items["SHOP"].state == "Protected"


@pytest.mark.rule("3.6-4")
def test_clicking_late_makes_it_ready_at_once(away: Lab) -> None:
    """Initial replication done long since, the click alone is missing: with it the item is ready, cycles running."""
    fail_back(away, "SHOP", "during")
    away.vault.commit("SHOP", wait=True)
    away.run("2h")
    assert away.vault.items["SHOP"].description == "Failback finalized"
    cycles = len(facts(away, "cycle", "SHOP"))
    assert facts(away, "cycle", "SHOP")[-1]["at"] > facts(away, "initial.ended", "SHOP")[-1]["at"]
    away.vault.reverse_replication("SHOP", wait=True)
    assert away.vault.items["SHOP"].state == "Protected"
    away.run("1h")
    assert len(facts(away, "cycle", "SHOP")) >= cycles + 12
    assert away.verify(full=True) == []


@pytest.mark.rule("F-9")
def test_replication_turns_round_only_with_failback(away: Lab) -> None:
    """After a failover to Azure nothing is replicated to the site; it begins with the failback."""
    names = away.read(lambda world: [relation.id for relation in world.all(Relation)])
    assert names == ["SHOP"]
    assert _sent(away) == 0
    away.vault.failback("SHOP", wait=True)
    names = away.read(lambda world: [relation.id for relation in world.all(Relation)])
    assert names == ["SHOP", "failback/SHOP"]


def test_round_and_round(shop: Lab) -> None:
    """Two whole rounds, planned and unplanned, with every order of the last guest at the site in the end."""
    for operation, option in (("planned_failover", "before"), ("unplanned_failover", "during")):
        getattr(shop.vault, operation)("SHOP", wait=True)
        shop.vault.commit("SHOP", wait=True)
        shop.run("2h")
        fail_back(shop, "SHOP", option)
        shop.vault.commit("SHOP", wait=True)
        shop.vault.reverse_replication("SHOP", wait=True)
        shop.wait(shop.vault.items["SHOP"])
        shop.run("2h")
        assert shop.verify(full=True) == []
    assert len(shop.read(lambda world: world.get(ProtectedItem, "SHOP").failovers[:])) == 4
    shop.vault.planned_failover("SHOP", wait=True)
    assert records(shop)[-1].lost.orders == 0


@pytest.mark.rule("F-10")
def test_removed_while_active_the_azure_vm_stays(shop: Lab) -> None:
    """A failover cannot be cancelled; protection removed, the Azure VM runs on until it is deleted by hand."""
    shop.vault.unplanned_failover("SHOP", wait=True)
    shop.vault.disable_protection("SHOP", wait=True)
    assert dict(shop.vault.items) == {}
    shop.run("5h")
    assert shop.azure.machines["SHOP"].answering
    assert shop.verify() == []
    shop.azure.delete_machine("SHOP")
    assert shop.azure.machines == {}
    shop.run("1h")
    assert shop.verify() == []


@pytest.mark.rule("F-10")
def test_the_way_back_begins_with_initial_replication(shop: Lab) -> None:
    """After removal and deletion protection is enabled anew: initial replication of everything, then protected."""
    shop.vault.planned_failover("SHOP", wait=True)
    shop.vault.disable_protection("SHOP", wait=True)
    shop.azure.delete_machine("SHOP")
    shop.vault.enable_protection("SHOP", wait=True)
    shop.wait(shop.vault.items["SHOP"])
    assert len(facts(shop, "initial.started", "SHOP")) == 2
    assert shop.vault.items["SHOP"].state == "Protected"
    assert shop.verify(full=True) == []


def test_a_vm_long_off_can_be_protected_anew(shop: Lab) -> None:
    """The site's VM stays off after its protection was removed; half a day later it is protected again all the same."""
    shop.run("9h")
    shop.vault.planned_failover("SHOP", wait=True)
    shop.vault.disable_protection("SHOP", wait=True)
    shop.azure.delete_machine("SHOP")
    shop.run("12h")
    shop.vault.enable_protection("SHOP", wait=True)
    shop.wait(shop.vault.items["SHOP"])
    shop.run("1h")
    assert shop.vault.items["SHOP"].state == "Protected"
    assert shop.verify(full=True) == []


def test_a_left_behind_vm_can_be_deleted_after_protecting_anew(shop: Lab) -> None:
    """Protected anew before the old Azure VM was deleted: it is nobody's, and can still be deleted by hand."""
    shop.vault.unplanned_failover("SHOP", wait=True)
    shop.vault.disable_protection("SHOP", wait=True)
    shop.vault.enable_protection("SHOP", wait=True)
    shop.wait(shop.vault.items["SHOP"])
    shop.azure.delete_machine("SHOP")
    shop.vault.planned_failover("SHOP", wait=True)
    assert records(shop)[-1].lost.orders == 0


def test_a_failover_beside_a_left_behind_vm_fails_in_words(shop: Lab) -> None:
    """The name is taken in Azure: the failover is refused or fails with an error that says so, and the lab lives on."""
    shop.vault.unplanned_failover("SHOP", wait=True)
    shop.vault.disable_protection("SHOP", wait=True)
    shop.vault.enable_protection("SHOP", wait=True)
    shop.wait(shop.vault.items["SHOP"])
    assert "SHOP" in error_of(lambda: shop.vault.planned_failover("SHOP", wait=True)).message
    shop.run("1h")


def test_commit_after_the_site_was_lost_does_not_break_the_lab(away: Lab) -> None:
    """The site lost between failback and commit: whatever becomes of the commit, time goes on and all is whole."""
    fail_back(away, "SHOP", "during")
    away.faults.lose_site()
    away.vault.commit("SHOP", wait=True)
    away.run("3h")
    away.faults.restore_site()
    away.run("3h")
    away.vault.reverse_replication("SHOP", wait=True)
    away.wait(away.vault.items["SHOP"])
    assert away.verify() == []


def test_a_lab_reopened_at_each_step_goes_on(shop: Lab, tmp_path: Path) -> None:
    """Nothing lives in the process: closed and opened after every call, the way there and back is the same."""
    path = shop.copy(tmp_path / "reopened.lab")
    steps = [
        lambda lab: lab.vault.planned_failover("SHOP"),
        lambda lab: lab.run("10min"),
        lambda lab: lab.vault.commit("SHOP"),
        lambda lab: lab.run("10min"),
        lambda lab: lab.vault.failback("SHOP"),
        lambda lab: lab.run("30min"),
        lambda lab: lab.vault.complete_failover("SHOP"),
        lambda lab: lab.run("30min"),
        lambda lab: lab.vault.commit("SHOP"),
        lambda lab: lab.run("1h"),
    ]
    for step in steps:
        step(shop)
        with labkit.open(path) as lab:
            step(lab)
    with labkit.open(path, read_only=True) as lab:
        assert lab.events_digest == shop.events_digest
        assert lab.verify() == []


def test_with_the_sites_vm_gone(shop: Lab) -> None:
    """Lost with its disks: it does not start, "before" is refused, "during" sends everything and makes it anew."""
    assert error_of(lambda: shop.faults.lose_vm("SHOP")).code == 900898
    shop.vault.planned_failover("SHOP", wait=True)
    assert error_of(lambda: shop.faults.lose_vm("SHOP")).code == 900898
    shop.vault.commit("SHOP", wait=True)
    shop.faults.lose_vm("SHOP")
    assert error_of(lambda: shop.site.start("SHOP")).code == 900995
    shop.run("2h")
    assert shop.verify(full=True) == []
    assert error_of(lambda: shop.vault.failback("SHOP")).code == 900899
    shop.vault.failback("SHOP", synchronise="during", wait=True)
    back = records(shop)[-1]
    assert all(disk.equal for disk in back.integrity)
    assert (back.lost.orders, back.lost.blocks) == (0, 0)
    sent = sum(fact["blocks"] for fact in facts(shop, "initial.piece") if fact["entity"] == "failback/SHOP")
    assert sent >= 8 * 2**20 // 65_536  # all that is in use, not only what was written in Azure
    shop.vault.commit("SHOP", wait=True)
    shop.vault.reverse_replication("SHOP", wait=True)
    shop.wait(shop.vault.items["SHOP"])
    shop.run("1h")
    assert shop.site.machines["SHOP"].answering
    assert shop.vault.items["SHOP"].state == "Protected"
    assert shop.verify(full=True) == []


def test_migrated_with_the_sites_vm_gone(shop: Lab) -> None:
    """Protection removed while it runs in Azure (F-11): the lost VM cannot be started or protected again."""
    shop.vault.planned_failover("SHOP", wait=True)
    shop.vault.commit("SHOP", wait=True)
    shop.faults.lose_vm("SHOP")
    shop.vault.disable_protection("SHOP", wait=True)
    assert error_of(lambda: shop.site.start("SHOP")).code == 900995
    assert error_of(lambda: shop.vault.enable_protection("SHOP")).code == 900995
    shop.run("2h")
    assert shop.verify(full=True) == []
