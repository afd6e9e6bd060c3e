"""What a trainer can break at the site and on the line, and how it is mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.lab import Lab
from tests.recovery.labs import BUSY, SHOP, error_of, export, facts, new_lab, records, rows


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """SHOP and BUSY, protected for an hour."""
    lab = new_lab(tmp_path, SHOP, BUSY)
    lab.run("1h")
    return lab


def test_a_lost_site_stops_everything(lab: Lab) -> None:
    """All guests are dead at that instant and nothing replicates; back, they answer again.

    Their logs were not closed cleanly (facts.md 1.8): a resynchronisation is required, then cycles go on.
    """
    with lab:
        at = lab.clock.ms
        lab.faults.lose_site()
        assert {machine.state for machine in lab.site.machines.values()} == {"Off"}
        assert {fact["at"] for fact in facts(lab, "vm.stopped")} == {at}
        assert {fact["clean"] for fact in facts(lab, "vm.stopped")} == {0}
        cycles = len(facts(lab, "cycle"))
        lab.run("2h")
        assert len(facts(lab, "cycle")) == cycles
        lab.faults.restore_site()
        lab.run("10min")
        assert {item.health for item in lab.vault.items.values()} == {"Critical"}
        assert {fact["reason"] for fact in facts(lab, "resync.required")} == {"host crash"}
        for name in lab.vault.items:
            lab.vault.resynchronise(name)
        for item in lab.vault.items.values():
            lab.wait(item)
        lab.run("30min")
        assert {item.health for item in lab.vault.items.values()} == {"Normal"}
        assert {machine.answering for machine in lab.site.machines.values()} == {True, False}  # BUSY has no application
        assert {machine.state for machine in lab.site.machines.values()} == {"Running"}
        assert len(facts(lab, "cycle", "SHOP")) > cycles // 2 + 5
        assert (lab.vault.items["SHOP"].rpo or 999) < 310
        assert lab.verify(full=True) == []


def test_no_order_acknowledged_is_lost_by_a_power_failure(lab: Lab) -> None:
    """The database recovers its log when power is back: every order taken before is there, and new ones follow."""
    with lab:
        lab.run("130s")
        lab.faults.lose_site()
        before = rows(export(lab, "SHOP", "data", "site"), "orders")
        assert max(before.values()) > lab.clock.ms - 20_000
        lab.run("1h")
        lab.faults.restore_site()
        lab.vault.resynchronise("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        lab.run("1h")
        lab.vault.planned_failover("SHOP", wait=True)
        after = rows(export(lab, "SHOP", "data", "site"), "orders")
        assert before.items() < after.items()
        assert [f["recovered"] > 0 for f in facts(lab, "database.opened", "site/SHOP")] == [True]
        assert records(lab)[0].lost.orders == 0


def test_a_log_under_way_when_the_site_dies_never_counts(tmp_path: Path) -> None:
    """Half a log is nothing: after the outage the disks are compared, and nothing is missing."""
    with new_lab(tmp_path, BUSY.replace("size: 24MB", "size: 200MB"), bandwidth="200kbps") as lab:
        while (facts(lab, "cycle", "BUSY") or [{"at": 0}])[-1]["at"] < lab.clock.ms - 320_000 or lab.clock.ms % 7:
            lab.run("11s")
            if lab.clock.ms > 1_412_121_600_000 + 7_200_000:
                break
        lab.faults.lose_site()
        cut = facts(lab, "cycle", "BUSY")[-1]["cut"]
        lab.run("1h")
        assert facts(lab, "cycle", "BUSY")[-1]["cut"] == cut
        lab.faults.restore_site()
        lab.vault.resynchronise("BUSY", wait=True)
        lab.wait(lab.vault.items["BUSY"])
        lab.run("1h")
        assert facts(lab, "cycle", "BUSY")[-1]["cut"] > cut
        assert lab.verify(full=True) == []


def test_twice_lost_and_twice_restored_is_refused(lab: Lab) -> None:
    """A site that is lost cannot be lost again, nor one that stands be restored."""
    with lab:
        assert error_of(lab.faults.restore_site).code == 900531
        lab.faults.lose_site()
        assert error_of(lab.faults.lose_site).code == 900530
        lab.faults.restore_site()
        assert error_of(lab.faults.restore_site).code == 900531


def test_a_vm_active_in_azure_is_not_started_with_the_site(lab: Lab) -> None:
    """Power back at the site: what failed over meanwhile stays off there, its neighbour starts."""
    with lab:
        lab.faults.lose_site()
        lab.vault.unplanned_failover("SHOP", wait=True)
        lab.faults.restore_site()
        lab.run("10min")
        assert lab.site.machines["SHOP"].state == "Off"
        assert lab.site.machines["BUSY"].state == "Running"
        assert lab.azure.machines["SHOP"].answering


def test_the_lost_line_shows_in_the_status(lab: Lab) -> None:
    """Status tells whether the line is there, and its bandwidth as it is now."""
    with lab:
        whole = {"bandwidth": 100_000_000, "latency_ms": 20, "loss_per_million": 0, "connected": True, "limit": 0}
        assert lab.status()["line"] == whole
        lab.faults.lose_line()
        lab.faults.set_bandwidth("20Mbps")
        assert lab.status()["line"] == {**whole, "bandwidth": 20_000_000, "connected": False}


@pytest.mark.parametrize("found", ["0Mbps", "1bps", "-5Mbps", "fast", "20MB", ""])
def test_a_bandwidth_that_cannot_be(lab: Lab, found: str) -> None:
    """Nonsense for a bandwidth is refused in words, and the line stays as it was."""
    with lab:
        assert error_of(lambda: lab.faults.set_bandwidth(found)).code in (900103, 900503)
        assert lab.status()["line"]["bandwidth"] == 100_000_000


def test_faults_are_told_in_log_and_journal(lab: Lab) -> None:
    """What the trainer did is in the facts and, with its arguments, in the journal."""
    with lab:
        lab.faults.lose_line()
        lab.faults.restore_line()
        lab.faults.set_bandwidth("5Mbps")
        kinds = [fact["kind"] for fact in lab.facts if fact["kind"].startswith("line.")]
        assert kinds == ["line.lost", "line.connected", "line.bandwidth"]
        assert [entry["command"] for entry in lab.journal[-3:]] == [
            "faults.lose_line",
            "faults.restore_line",
            "faults.set_bandwidth",
        ]
        assert "5Mbps" in lab.journal[-1]["arguments"]
