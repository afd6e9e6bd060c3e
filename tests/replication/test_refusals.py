"""Refused logs, the hours for resynchronisation, pauses of either side, disks that grow (facts.md 1.6, 1.8)."""

from __future__ import annotations

from pathlib import Path

import pytest

import labkit
from tests.recovery.labs import HOUR, QUIET, START, error_of, export, facts, new_lab

ROOMY = "{name: BUSY, os: FreeBSD 10.0, churn: {rate: 20KB/s, hot: 1%}, disks: [{name: os, size: 2GB, used: 4MB}]}"


# --- what the replica's side sees -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["old replica", "damaged log"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_what_the_replica_refuses(tmp_path: Path, how: str, encrypted: bool) -> None:
    """facts.md 1.8, secondary: a log that does not follow on the replica, or is damaged, leads to a resynchronisation.

    The replica stays what it was until it has been compared; then both sides are equal byte for byte.
    """
    with new_lab(tmp_path, ROOMY, stage="registered") as lab:
        if encrypted:
            lab.site.make_certificate(tmp_path, password="word")
        lab.vault.configure_protection(encrypt=encrypted, wait=True)
        lab.vault.map_network(wait=True)
        lab.vault.enable_protection("BUSY", wait=True)
        lab.wait(lab.vault.items["BUSY"])
        lab.run("3h")
        points = lab.vault.items["BUSY"].recovery_points
        if how == "old replica":
            lab.faults.restore_replica("BUSY", points[-4].id)
            assert lab.vault.items["BUSY"].health == "Normal"  # nobody knows yet
            assert len(lab.vault.items["BUSY"].recovery_points) == len(points) - 3
        else:
            lab.faults.corrupt_cycle("BUSY")
        lab.run("6min")
        reason = "out of sequence" if how == "old replica" else "invalid log"
        assert [fact["reason"] for fact in facts(lab, "resync.required", "BUSY")] == [reason]
        assert lab.vault.items["BUSY"].health == "Critical"
        lab.vault.resynchronise("BUSY", wait=True)
        lab.wait(lab.vault.items["BUSY"])
        ended = facts(lab, "resync.ended", "BUSY")[0]
        assert ended["blocks"] > 0
        lab.run("1h")
        assert lab.verify(full=True) == []
        assert lab.vault.items["BUSY"].health == "Normal"
        assert min(point.cut for point in lab.vault.items["BUSY"].recovery_points) >= ended["since"]


def test_a_point_that_is_none_is_no_old_replica(tmp_path: Path) -> None:
    """900522 with the points there are; nothing is changed."""
    with new_lab(tmp_path, ROOMY) as lab:
        lab.run("1h")
        digest = lab.events_digest
        assert error_of(lambda: lab.faults.restore_replica("BUSY", 999)).code == 900522
        assert lab.events_digest == digest


# --- the hours for it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "begins"),
    [("00:00-06:00", 15 * HOUR), ("22:00-04:00", 13 * HOUR), ("08:00-12:00", 0), ("14:30-15:00", 5 * HOUR + HOUR // 2)],
)
def test_hours_of_a_vm(tmp_path: Path, hours: str, begins: int) -> None:
    """Required at 9:00 of the host's day: it begins by itself when the hours of the VM come, or at once in them."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.site.resynchronise_by_itself("QUIET", hours)
        nine = START + 24 * HOUR
        lab.run(f"{nine - lab.clock.ms}ms")
        lab.faults.fail_log("QUIET")
        lab.run("16h")
        assert facts(lab, "resync.started", "QUIET")[0]["at"] == nine + begins


def test_only_at_a_click(tmp_path: Path) -> None:
    """Switched off it waits for ever; switched on again it begins in the hours given; odd ones are refused."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.site.resynchronise_by_itself("QUIET", None)
        lab.faults.fail_log("QUIET")
        lab.run("3d")
        assert facts(lab, "resync.started") == []
        for odd in ("6", "06:00-06:00", "25:00-26:00", "night"):
            assert error_of(lambda odd=odd: lab.site.resynchronise_by_itself("QUIET", odd)).code == 900556  # type: ignore[misc]
        lab.site.resynchronise_by_itself("QUIET", "00:00-24:00")
        assert facts(lab, "resync.started") == []
        lab.run("1ms")
        assert len(facts(lab, "resync.started")) == 1
        assert error_of(lambda: lab.site.resynchronise_by_itself("NOBODY")).code == 900010


# --- paused on either side --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "health"), [("primary", "Warning"), ("replica", "Critical")])
def test_paused_on_either_side(tmp_path: Path, side: str, health: str) -> None:
    """facts.md 1.6: paused at the primary is a warning, on the replica's side critical; no data moves either way."""
    path = tmp_path / "rules.yml"
    cloud = "cloud: {frequency: 5min, health_rules: windows-2012}"
    path.write_text(f"site: rules\n{cloud}\nvms:\n  - {QUIET}\n", encoding="utf-8")
    with labkit.create(tmp_path / "rules.lab", site=path, stage="protected") as lab:
        lab.run("1h")
        lab.site.pause_replication("QUIET", side=side)
        assert lab.vault.items["QUIET"].health == health
        arrived = len(facts(lab, "cycle", "QUIET"))
        lab.run("30min")
        assert len(facts(lab, "cycle", "QUIET")) == arrived
        assert lab.alerts[-1].health == health
        lab.site.resume_replication("QUIET")
        lab.run("1min")
        assert lab.site.replication("QUIET").details == (
            "missed",
        )  # six of some twenty cycles, and no longer the pause
        assert error_of(lambda: lab.site.pause_replication("QUIET", side="middle")).code == 900571


# --- a disk that grows ------------------------------------------------------------------------------------------------


def test_a_disk_cannot_grow_while_protected(tmp_path: Path) -> None:
    """To Azure: disable, resize, enable again (facts.md 1.8); the new part is zeros, and what is written there arrives.

    24 MB become 32; smaller, the same, odd sectors and more than 127 GB are refused.
    """
    vm = "{name: BUSY, os: FreeBSD 10.0, churn: {rate: 20KB/s, hot: 100%}, disks: [{name: os, size: 24MB, used: 4MB}]}"
    with new_lab(tmp_path, vm) as lab:
        lab.run("1h")
        assert error_of(lambda: lab.site.resize_disk("BUSY", "os", "32MB")).code == 900572
        lab.vault.disable_protection("BUSY", wait=True)
        for size in ("24MB", "20MB", "33554433B", "128GB"):
            assert error_of(lambda size=size: lab.site.resize_disk("BUSY", "os", size)).code == 900573  # type: ignore[misc]
        assert error_of(lambda: lab.site.resize_disk("BUSY", "nodisk", "32MB")).code == 900534
        lab.site.resize_disk("BUSY", "os", "32MB")
        lab.site.turn_off("BUSY")
        lab.site.start("BUSY")  # the guest sees the new size from its next start on
        lab.vault.enable_protection("BUSY", wait=True)
        lab.wait(lab.vault.items["BUSY"])
        lab.run("3h")
        out = export(lab, "BUSY", "os", "azure")
        assert out.stat().st_size == 32 << 20
        assert any(out.read_bytes()[24 << 20 :])
        assert lab.verify(full=True) == []
