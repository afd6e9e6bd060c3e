"""Closed forms, to the second: constant churn against the line, sharing, an outage and catching up, loss at failover.

The guest writes 64 KiB twice a second to ever new blocks (a sweep that takes nine hours to come round): 131,072 bytes a
second, 39,321,600 in five minutes, and nothing twice. What is expected is calculated here, with a pencil's formulas.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from labkit.lab import Lab
from labkit.replication.relation import Relation
from tests.recovery.labs import MINUTE, facts, new_lab, records

CHURN = 131_072  # bytes a second
WRITE = 65_536
DATA = 600 * WRITE  # of five minutes
OVERHEAD = 4_096
FIVE = 5 * MINUTE
# The time of one write on the line is what counting whole writes can be wrong by.


def vm(name: str = "SWEEP") -> str:
    """A guest with an exact pace; it holds 64 KiB at the start, so that initial replication is nothing."""
    churn = "{kind: defragmentation, shape: steady, rate: 128KB/s}"
    return f"{{name: {name}, os: FreeBSD 10.0, disks: [{{name: os, size: 4GB, used: 64KB, churn: {churn}}}]}}"


def settled(folder: Path, bandwidth: int, *vms: str, latency: str = "20ms") -> Lab:
    """An hour later, on a line of so many bit/s."""
    lab = new_lab(folder, *(vms or (vm(),)), bandwidth="100Mbps", latency=latency)
    lab.run("30min")
    lab.faults.set_bandwidth(f"{bandwidth}bps")
    lab.run("30min")
    return lab


def took(size: int, bandwidth: int, latency: int = 20) -> float:
    """Milliseconds of a transfer."""
    return (size + OVERHEAD) * 8_000 / bandwidth + latency


def test_churn_below_the_line(tmp_path: Path) -> None:
    """10 Mbit/s: each log takes 31.48 s; RPO falls to that and rises to 331.48 s, cycle by cycle."""
    with settled(tmp_path, 10_000_000) as lab:
        lab.run("3h")
        cycles = facts(lab, "cycle", "SWEEP")[-30:]
        by_hand = took(DATA, 10_000_000)
        assert by_hand == pytest.approx(31_480, abs=1)
        assert {fact["bytes"] for fact in cycles} == {DATA + OVERHEAD}
        for before, after in itertools.pairwise(cycles):
            assert after["at"] - after["cut"] == pytest.approx(by_hand, abs=1)  # lowest RPO
            assert after["at"] - before["cut"] == pytest.approx(FIVE + by_hand, abs=1)  # highest RPO
        assert lab.vault.items["SWEEP"].health == "Normal"


def test_churn_at_the_line(tmp_path: Path) -> None:
    """314,605,568 bits in 300 s are 1,048,685.2 bit/s. One bit/s more: each log arrives at the very instant of the next
    swap, in time for ever. Six less: each is late, and the lag grows.
    """
    with settled(tmp_path, 1_048_686, latency="0ms") as lab:
        lab.run("12h")
        cycles = facts(lab, "cycle", "SWEEP")[-100:]
        assert {fact["at"] - fact["started"] for fact in cycles} == {FIVE}
        assert {fact["late"] for fact in cycles} == {0}
        assert lab.vault.items["SWEEP"].rpo == pytest.approx(FIVE / 1000, abs=300)
    (tmp_path / "slower").mkdir()
    with settled(tmp_path / "slower", 1_048_680, latency="0ms") as lab:
        lab.run("12h")
        cycles = facts(lab, "cycle", "SWEEP")[-100:]
        assert {fact["late"] for fact in cycles} == {1}
        assert cycles[-1]["at"] - cycles[-1]["started"] > FIVE


def test_churn_above_the_line(tmp_path: Path) -> None:
    """900 kbit/s for 1,049 kbit/s: each log takes 1.165 times as long as the one before; RPO grows with it.

    T(k+1) = (131,072 T(k) + 4,096) x 8 / 900,000 + 20 ms, from 349.56 s on.
    """
    with settled(tmp_path, 900_000) as lab:
        changed = facts(lab, "line.bandwidth")[0]["at"]
        lab.run("5h")
        cycles = [fact for fact in facts(lab, "cycle", "SWEEP") if fact["started"] > changed]
        one_write = WRITE * 8_000 / 900_000
        expected = took(DATA, 900_000)
        assert expected == pytest.approx(349_582, abs=1)
        for number, fact in enumerate(cycles):
            assert fact["at"] - fact["started"] == pytest.approx(expected, abs=one_write + 1), number
            assert fact["late"] == 1
            expected = took(CHURN * (fact["at"] - fact["started"]) // 1_000, 900_000)
        lengths = [fact["at"] - fact["started"] for fact in cycles]
        assert len(lengths) > 10
        assert all(1.15 < after / before < 1.18 for before, after in itertools.pairwise(lengths))


def test_two_vms_share_the_line(tmp_path: Path) -> None:
    """Two logs of one size that overlap: alone, then half each, then alone; by hand from the instants of the swaps."""
    with settled(tmp_path, 4_000_000, vm("ONE"), vm("TWO")) as lab:
        lab.run("3h")
        alone = took(DATA, 4_000_000) - 20
        assert alone == pytest.approx(78_651, abs=1)
        pairs = list(zip(facts(lab, "cycle", "ONE")[-20:], facts(lab, "cycle", "TWO")[-20:], strict=True))
        overlapping = 0
        for one, two in pairs:
            first, second = sorted((one, two), key=lambda fact: fact["started"])
            head = second["started"] - first["started"]
            if head >= alone:
                continue
            overlapping += 1
            # The first still lacks alone - head, at half the rate; what the second lacks then goes alone.
            first_ends = second["started"] + 2 * (alone - head)
            second_ends = first_ends + head
            assert first["at"] == pytest.approx(first_ends + 20, abs=2)
            assert second["at"] == pytest.approx(second_ends + 20, abs=2)
        assert overlapping >= 19


def test_an_outage_of_one_hour_and_catching_up(tmp_path: Path) -> None:
    """At 5 min and 10 Mbit/s, from facts.md 1.9: attempts 0, 1, 3, 7, 15, 25, 55, 85 min after the first that fails.

    The first attempt after the hour carries all written since the last cut; while it is sent the next log grows.
    Each log takes 0.105 of the time it covers, so the second or third is in time again.
    """
    with settled(tmp_path, 10_000_000) as lab:
        lab.run("1h")
        cut = facts(lab, "cycle", "SWEEP")[-1]["cut"]
        lab.faults.lose_line()
        lost = lab.clock.ms
        lab.run("1h")
        lab.faults.restore_line()
        lab.run("2h")
        due = cut + FIVE
        offsets = [0, 1, 3, 7, 15, 25, 55, 85]
        back = next(due + minutes * MINUTE for minutes in offsets if due + minutes * MINUTE >= lost + 60 * MINUTE)
        failed = [fact["at"] for fact in facts(lab, "replication.failed", "SWEEP")]
        assert failed == [due + minutes * MINUTE for minutes in offsets if due + minutes * MINUTE < back]
        after = [fact for fact in facts(lab, "cycle", "SWEEP") if fact["cut"] > cut]
        one_write = WRITE * 8_000 / 10_000_000
        covered, begins = back - cut, back
        for fact in after[:4]:
            expected = took(CHURN * covered // 1_000, 10_000_000)
            assert fact["started"] == begins
            assert fact["at"] - begins == pytest.approx(expected, abs=one_write + 1)
            # Late: the next swap is at its arrival. In time: at the next instant of the grid.
            next_due = due + -(-(fact["started"] + 1 - due) // FIVE) * FIVE
            assert fact["late"] == (fact["at"] > next_due)
            begins_next = fact["at"] if fact["late"] else next_due
            covered, begins = begins_next - begins, begins_next
        worst = max(fact["at"] - before for before, fact in zip([cut, *(f["cut"] for f in after)], after, strict=False))
        assert worst == after[0]["at"] - cut
        assert worst / MINUTE == pytest.approx((back - cut) / MINUTE * 1.1049, abs=0.2)
        assert lab.verify() == []


@pytest.mark.parametrize("minutes", [1, 4, 17])
def test_loss_at_an_unplanned_failover(tmp_path: Path, minutes: int) -> None:
    """So long after the newest cut the site is gone: RPO is that time, lost are two writes for each of its seconds."""
    with settled(tmp_path, 10_000_000) as lab:
        arrived = len(facts(lab, "cycle", "SWEEP"))
        lab.run_until(lambda world: world.get(Relation, "SWEEP").cycles > arrived, within="10min")
        if minutes > 5:
            lab.faults.obstruct("proxy")
        cut = facts(lab, "cycle", "SWEEP")[-1]["cut"]
        lab.run(f"{cut + minutes * MINUTE - lab.clock.ms}ms")
        lab.faults.lose_site()
        lost_at = lab.clock.ms
        lab.vault.unplanned_failover("SWEEP", wait=True)
        kept = records(lab)[-1]
        assert kept.rpo == lost_at - kept.cut
        writes = 2 * (lost_at - kept.cut) / 1_000
        assert kept.lost.blocks == pytest.approx(writes, abs=1)
        assert kept.lost.bytes == kept.lost.blocks * WRITE
        assert (kept.cut, kept.rpo) == (cut, minutes * MINUTE)
