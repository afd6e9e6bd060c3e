"""The line, by hand: bytes over bandwidth, shared equally, the plug pulled and put back."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from labkit.lab import Lab
from tests.recovery.labs import BUSY, QUIET, SHOP, facts, new_lab

BLOCK, OVERHEAD, LATENCY = 65_536, 4_096, 20
SMALL = QUIET.replace("QUIET", "SMALL").replace("used: 8MB", "used: 4MB")


def _begin(lab: Lab, *vms: str) -> None:
    for name in vms:
        lab.vault.enable_protection(name)
    for name in vms:
        lab.wait(lab.vault.items[name])


def _pieces(lab: Lab, vm: str) -> list[dict[str, int]]:
    return facts(lab, "initial.piece", vm)


@pytest.mark.rule("2.9-1")
@pytest.mark.parametrize("bandwidth", [("1Mbps", 1_000_000), ("8Mbps", 8_000_000), ("100Mbps", 100_000_000)])
def test_initial_replication_lasts_bytes_over_line(tmp_path: Path, bandwidth: tuple[str, int]) -> None:
    """Alone on the line: 128 blocks and the overhead of one piece, over the bandwidth, and the latency."""
    with new_lab(tmp_path, QUIET, stage="configured", bandwidth=bandwidth[0]) as lab:
        _begin(lab, "QUIET")
        size = 128 * BLOCK + OVERHEAD
        assert [(p["blocks"], p["bytes"]) for p in _pieces(lab, "QUIET")] == [(128, size)]
        started, ended = (facts(lab, kind, "QUIET")[0] for kind in ("initial.started", "initial.ended"))
        assert started["bytes"] == 128 * BLOCK
        assert ended["at"] - started["at"] == -(-size * 8_000 // bandwidth[1]) + LATENCY


@pytest.mark.rule("2.9-1")
def test_two_share_equally(tmp_path: Path) -> None:
    """8 MB and 4 MB at 1 MB/s together: the small one has half the line; then the large one has it all.

    By hand: 4,198,400 bytes at 500 bytes/ms end after 8,396.8 ms; the large one has 4,194,304 of its 8,392,704 left,
    at 1,000 bytes/ms: 4,194.304 ms more.
    """
    with new_lab(tmp_path, QUIET, SMALL, stage="configured", bandwidth="8Mbps") as lab:
        _begin(lab, "QUIET", "SMALL")
        small, large = _pieces(lab, "SMALL")[0], _pieces(lab, "QUIET")[0]
        assert small["started"] == large["started"]
        assert small["at"] - small["started"] == 8_397 + LATENCY
        assert abs(large["at"] - large["started"] - (12_591.104 + LATENCY)) <= 1.5


def test_three_of_one_size_end_together(tmp_path: Path) -> None:
    """Three equal transfers begun at one instant get a third each and end at one instant."""
    names = ("V1", "V2", "V3")
    vms = [SMALL.replace("SMALL", name) for name in names]
    with new_lab(tmp_path, *vms, stage="configured", bandwidth="8Mbps") as lab:
        _begin(lab, *names)
        ends = {_pieces(lab, name)[0]["at"] - _pieces(lab, name)[0]["started"] for name in names}
        assert ends == {-(-3 * (64 * BLOCK + OVERHEAD) // 1_000) + LATENCY}


def test_a_plug_pulled_in_the_middle(tmp_path: Path) -> None:
    """The piece under way fails at once, and is sent again, whole, at the attempt after 1+2+4+8+10+30+30 minutes.

    85 minutes after the plug was pulled, 25 after it was back (facts.md 1.9); an hour without the line costs more.
    """
    with new_lab(tmp_path, QUIET, stage="configured", bandwidth="1Mbps") as lab:
        lab.vault.enable_protection("QUIET", wait=True)
        lab.run("20s")
        lab.faults.lose_line()
        lab.run("1h")
        assert _pieces(lab, "QUIET") == []
        lab.faults.restore_line()
        lab.wait(lab.vault.items["QUIET"])
        piece = _pieces(lab, "QUIET")[0]
        alone = -(-(128 * BLOCK + OVERHEAD) * 8 // 1_000) + LATENCY
        assert abs(piece["at"] - piece["started"] - alone) <= 1
        failed = facts(lab, "replication.failed", "QUIET")
        assert [fact["next"] // 60_000 for fact in failed] == [1, 2, 4, 8, 10, 30, 30]
        assert failed[0]["at"] == facts(lab, "line.lost")[0]["at"]
        assert piece["started"] == failed[0]["at"] + 85 * 60_000


def test_another_bandwidth_in_the_middle(tmp_path: Path) -> None:
    """20 s at 1 Mbit/s, the rest at 4 Mbit/s: by hand."""
    with new_lab(tmp_path, QUIET, stage="configured", bandwidth="1Mbps") as lab:
        lab.vault.enable_protection("QUIET", wait=True)
        start = facts(lab, "initial.started", "QUIET")[0]["at"]
        lab.run(f"{start + 20_000 - lab.clock.ms}ms")
        lab.faults.set_bandwidth("4Mbps")
        lab.wait(lab.vault.items["QUIET"])
        rest = 128 * BLOCK + OVERHEAD - 20_000 * 125
        assert abs(_pieces(lab, "QUIET")[0]["at"] - start - 20_000 - rest / 500 - LATENCY) <= 1.5


def test_a_cycle_takes_its_bytes(tmp_path: Path) -> None:
    """A cycle alone on the line takes its bytes over the bandwidth and the latency, to the millisecond."""
    with new_lab(tmp_path, SHOP, bandwidth="2Mbps") as lab:
        lab.run("3h")
        cycles = facts(lab, "cycle", "SHOP")
        assert len(cycles) > 30
        for cycle in cycles:
            assert cycle["at"] - cycle["started"] == -(-cycle["bytes"] * 8 // 2_000) + LATENCY


def test_the_line_is_never_faster_than_it_is(tmp_path: Path) -> None:
    """Busy VMs on a thin line: in any stretch of time no more bytes arrive than the bandwidth allows."""
    with new_lab(tmp_path, SHOP, BUSY, bandwidth="100kbps") as lab:
        lab.run("8h")
        arrivals = [(f["at"], f["bytes"]) for f in lab.facts if f["kind"] in ("cycle", "initial.piece")]
        assert len(arrivals) > 50
        for first, last in itertools.combinations(range(0, len(arrivals), 5), 2):
            elapsed = arrivals[last][0] - arrivals[first][0]
            sent = sum(size for _, size in arrivals[first + 1 : last + 1])
            under_way = max(size for _, size in arrivals) * 2
            assert sent <= elapsed * 100 // 8 + under_way


def test_two_directions_do_not_share(tmp_path: Path) -> None:
    """What flows back from Azure takes nothing from what flows there: cycles last as long as without it."""
    with new_lab(tmp_path, SHOP, QUIET, bandwidth="1Mbps") as lab:
        lab.vault.planned_failover("SHOP", wait=True)
        lab.vault.commit("SHOP", wait=True)
        lab.run("5h")
        lab.vault.failback("SHOP", synchronise="during", wait=True)
        back = facts(lab, "initial.piece", "failback/SHOP")
        assert back
        for fact in back:
            assert fact["at"] - fact["started"] == -(-fact["bytes"] * 8 // 1_000) + LATENCY
        for cycle in facts(lab, "cycle", "QUIET")[-12:]:
            assert cycle["at"] - cycle["started"] == -(-cycle["bytes"] * 8 // 1_000) + LATENCY
