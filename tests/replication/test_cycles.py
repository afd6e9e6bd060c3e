"""Cycles on their grid, late cycles, RPO and pending bytes at any instant (rules 2.7-4, 2.9-4, 1.1-4)."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from labkit.lab import Lab
from tests.recovery.labs import (
    BUSY,
    MINUTE,
    QUIET,
    SECOND,
    SHOP,
    blocks_that_differ,
    export,
    facts,
    new_lab,
)

FREQUENCIES = [("30s", 30 * SECOND), ("5min", 5 * MINUTE), ("15min", 15 * MINUTE)]


@pytest.mark.rule("2.7-4")
@pytest.mark.parametrize(("name", "frequency"), FREQUENCIES)
def test_cuts_lie_one_frequency_apart(tmp_path: Path, name: str, frequency: int) -> None:
    """From the second cycle on, cut by cut, exactly the frequency that was set."""
    with new_lab(tmp_path, SHOP, frequency=name) as lab:
        lab.run("3h")
        cuts = [fact["cut"] for fact in facts(lab, "cycle", "SHOP")][2:]
        assert len(cuts) >= 3 * 3_600_000 // frequency - 2
        assert {after - before for before, after in itertools.pairwise(cuts)} == {frequency}
        assert all(fact["late"] == 0 for fact in facts(lab, "cycle", "SHOP"))
        assert lab.vault.items["SHOP"].health == "Normal"


@pytest.mark.parametrize(("name", "frequency"), FREQUENCIES)
def test_rpo_at_any_instant(tmp_path: Path, name: str, frequency: int) -> None:
    """RPO is now minus the cut of the newest log wholly applied: at 200 odd instants, from the facts."""
    with new_lab(tmp_path, SHOP, frequency=name, bandwidth="1Mbps") as lab:
        highest = 0.0
        for _ in range(200):
            lab.run("23700ms")
            cut = facts(lab, "cycle", "SHOP")[-1]["cut"]
            assert lab.vault.items["SHOP"].rpo == (lab.clock.ms - cut) / 1000
            highest = max(highest, lab.vault.items["SHOP"].rpo or 0)
        slowest = max(fact["at"] - fact["started"] for fact in facts(lab, "cycle", "SHOP"))
        assert highest <= (frequency + slowest) / 1000
        assert highest > 0.7 * frequency / 1000


def test_rpo_at_the_very_instant_of_an_arrival(tmp_path: Path) -> None:
    """One millisecond before a log arrives the older cut counts, at its arrival the new one."""
    with new_lab(tmp_path, SHOP, bandwidth="1Mbps") as lab:
        with new_lab(tmp_path, SHOP, bandwidth="1Mbps") as ahead:
            ahead.run("1h")
            before, cycle = facts(ahead, "cycle", "SHOP")[-2:]
        lab.run(f"{cycle['at'] - 1 - lab.clock.ms}ms")
        assert lab.vault.items["SHOP"].rpo == (cycle["at"] - 1 - before["cut"]) / 1000
        lab.run("1ms")
        assert lab.vault.items["SHOP"].rpo == (cycle["at"] - cycle["cut"]) / 1000


def test_pending_bytes_are_the_blocks_that_differ(tmp_path: Path) -> None:
    """A guest that writes whole blocks: pending is 64 KiB for each block in which both exports differ now."""
    vm = BUSY.replace("churn: 20KB/s", "churn: {rate: 10KB/s, write: 64KB, hot: 100%}")
    with new_lab(tmp_path, vm) as lab:
        amounts = set()
        for _ in range(10):
            lab.run("97s")
            differ = blocks_that_differ(*(export(lab, "BUSY", "os", side) for side in ("site", "azure")))
            assert lab.vault.items["BUSY"].pending == 65_536 * len(differ)
            amounts.add(len(differ))
        assert len(amounts) > 5


def test_small_writes_cost_pages_not_blocks(tmp_path: Path) -> None:
    """A guest that writes 4 KB at a time: at least one page and at most sixteen for each block that differs."""
    vm = BUSY.replace("churn: 20KB/s", "churn: {rate: 1KB/s, write: 4KB, hot: 100%}")
    with new_lab(tmp_path, vm) as lab:
        lab.run("30min")
        lab.faults.lose_line()
        lab.run("10min")
        differ = blocks_that_differ(*(export(lab, "BUSY", "os", side) for side in ("site", "azure")))
        pending = lab.vault.items["BUSY"].pending
        assert pending is not None
        assert 4_096 * len(differ) <= pending < 65_536 * len(differ) // 4


def test_pending_becomes_the_next_log(tmp_path: Path) -> None:
    """What is pending one millisecond before a swap is what the log then carries, plus the overhead of a cycle."""
    with new_lab(tmp_path, BUSY) as lab:
        with new_lab(tmp_path, BUSY) as ahead:
            ahead.run("2h")
            cycles = facts(ahead, "cycle", "BUSY")[-6:]
        for cycle in cycles:
            lab.run(f"{cycle['started'] - 1 - lab.clock.ms}ms")
            assert lab.vault.items["BUSY"].pending == cycle["bytes"] - 4_096


def test_an_idle_guest_costs_only_the_overhead(tmp_path: Path) -> None:
    """No write, no data: each cycle is its overhead, pending is 0, recovery points come all the same."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.run("2h")
        assert {fact["bytes"] for fact in facts(lab, "cycle", "QUIET")} == {4_096}
        assert lab.vault.items["QUIET"].pending == 0
        assert lab.vault.items["QUIET"].rpo is not None


# --- late cycles ------------------------------------------------------------------------------------------------------


# So much room that no log gets too large, written to in a few MB.
ROOMY = BUSY.replace("churn: 20KB/s", "churn: {rate: 20KB/s, hot: 0.1%}").replace("size: 24MB", "size: 2GB")


def _thin(folder: Path) -> Lab:
    return new_lab(folder, ROOMY, bandwidth="20kbps")


def test_a_late_cycle_makes_the_next_one_begin_at_once(tmp_path: Path) -> None:
    """A log longer than the interval: the swap that was due happens when it arrives; never two under way."""
    with _thin(tmp_path) as lab:
        lab.run("12h")
        cycles = facts(lab, "cycle", "BUSY")
        late = [fact for fact in cycles if fact["late"]]
        assert len(late) > 10
        for before, after in itertools.pairwise(cycles):
            assert after["started"] >= before["at"]  # one at a time
            assert after["started"] == before["at"] or not before["late"]
            assert after["cut"] == after["started"]
        for fact in late:
            assert fact["at"] - fact["started"] > 0
        assert lab.status()["items"]["BUSY"]["missed"] == len(late)
        assert lab.verify() == []


@pytest.mark.rule("2.9-4")
def test_critical_from_the_first_late_cycle_until_the_first_in_time(tmp_path: Path) -> None:
    """Data flows but not within the frequency: critical; after the first cycle in time, normal again."""
    with new_lab(tmp_path, ROOMY) as lab:
        lab.run("1h")
        assert lab.vault.items["BUSY"].health == "Normal"
        lab.faults.set_bandwidth("20kbps")
        lab.run("30min")
        assert lab.vault.items["BUSY"].health == "Critical"
        arrived = len(facts(lab, "cycle", "BUSY"))
        lab.run("30min")
        assert len(facts(lab, "cycle", "BUSY")) > arrived  # data still flows
        lab.faults.set_bandwidth("100Mbps")
        lab.run("11min")
        assert facts(lab, "cycle", "BUSY")[-1]["late"] == 0
        assert lab.vault.items["BUSY"].health == "Normal"


@pytest.mark.rule("2.9-4")
def test_the_next_longer_frequency_may_cure_it(tmp_path: Path) -> None:
    """A guest that writes the same blocks again and again: late at 30 s, in time at 15 min, with a longer RPO."""
    found = {}
    for name, _ in FREQUENCIES:
        with new_lab(tmp_path, BUSY, frequency=name, bandwidth="60kbps") as lab:
            lab.run("6h")
            cycles = facts(lab, "cycle", "BUSY")[-10:]
            rpo = max(after["at"] - before["cut"] for before, after in itertools.pairwise(cycles))
            found[name] = (sum(fact["late"] for fact in cycles), lab.vault.items["BUSY"].health, rpo)
    assert found["30s"][0] > 5
    assert found["30s"][1] == "Critical"
    assert found["15min"][:2] == (0, "Normal")
    assert found["15min"][2] > found["30s"][2]


def test_catching_up_after_an_outage_of_the_line(tmp_path: Path) -> None:
    """Two hours without the line: RPO climbs second by second, health turns critical, afterwards all is sent."""
    with new_lab(tmp_path, SHOP.replace("size: 24MB", "size: 600MB")) as lab:
        lab.run("1h")
        item, cut = lab.vault.items["SHOP"], facts(lab, "cycle", "SHOP")[-1]["cut"]
        lab.faults.lose_line()
        for _ in range(4):
            lab.run("30min")
            assert item.rpo == (lab.clock.ms - cut) / 1000
        assert item.health == "Critical"
        assert facts(lab, "cycle", "SHOP")[-1]["cut"] == cut
        lab.faults.restore_line()
        assert item.health == "Critical"  # nothing hurries: the next attempt may be half an hour away
        lab.site.resume_replication("SHOP")
        lab.run("11min")
        assert item.rpo is not None
        assert item.rpo < 310
        assert item.health == "Normal"
        assert lab.verify(full=True) == []


@pytest.mark.promise(3)
def test_the_way_there_does_not_matter(tmp_path: Path) -> None:
    """Six hours in one go and in odd small steps end with the same digest of events."""
    with (
        new_lab(tmp_path, SHOP, BUSY, bandwidth="500kbps") as one,
        new_lab(tmp_path, SHOP, BUSY, bandwidth="500kbps") as two,
    ):
        one.run("6h")
        while two.clock.ms < one.clock.ms:
            two.run(f"{min(417_001, one.clock.ms - two.clock.ms)}ms")
        assert one.events_digest == two.events_digest
        assert one.now == two.now


@pytest.mark.promise(4)
def test_seed_and_frequency_change_the_digest(tmp_path: Path) -> None:
    """The same seed twice gives one digest; another seed or another frequency another one."""
    found = []
    for seed, frequency in ((5, "5min"), (5, "5min"), (6, "5min"), (5, "15min")):
        with new_lab(tmp_path, SHOP, seed=seed, frequency=frequency) as lab:
            lab.run("2h")
            found.append(lab.events_digest)
    # The name of a site file is no part of the world.
    assert found[0] == found[1]
    assert len(set(found)) == 3
