"""The line, by hand: bytes over bandwidth, shared equally, the plug pulled and put back."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

import labkit
from labkit.azure import compute
from labkit.engine.chance import below
from labkit.lab import Lab
from labkit.replication import line
from tests.recovery.labs import BUSY, QUIET, SHOP, error_of, facts, new_lab, twin

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


# --- what holds a transfer back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bandwidth", "seconds"), [("400Mbps", 0.16785408), ("1Gbps", 0.1398784)])
def test_one_blob_takes_480_megabit(tmp_path: Path, bandwidth: str, seconds: float) -> None:
    """A blob takes 60 MB/s (LIM14), a transfer writes one at a time: 8 MB on a faster line take as on 480.

    By hand: 8,392,704 bytes x 8 / 400,000,000 and / 480,000,000.
    """
    with new_lab(tmp_path, QUIET, stage="configured", bandwidth=bandwidth, latency="0s") as lab:
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        piece = _pieces(lab, "QUIET")[0]
        assert piece["at"] - piece["started"] == pytest.approx(1_000 * seconds, abs=1)


def test_the_account_takes_five_gigabit(tmp_path: Path) -> None:
    """Twelve VMs at once on 10 Gbit/s into a geo-redundant account in Asia: 5 Gbit/s in all (LIM14), 417 Mbit/s each.

    By hand: 8,392,704 bytes x 8 x 12 / 5,000,000,000 = 161.1 ms.
    """
    vms = [QUIET.replace("QUIET", f"Q{number:02}") for number in range(12)]
    with new_lab(tmp_path, *vms, stage="configured", bandwidth="10Gbps", latency="0s") as lab:
        for number in range(12):
            lab.vault.enable_protection(f"Q{number:02}")
        lab.run("10min")
        pieces = [_pieces(lab, f"Q{number:02}")[0] for number in range(12)]
        assert len({piece["started"] for piece in pieces}) == 1
        assert {piece["at"] - piece["started"] for piece in pieces} <= {161, 162}


def test_what_a_storage_account_takes(tmp_path: Path) -> None:
    """The table of LIM14: 10 and 20 Gbit/s in the US, 5 and 10 elsewhere, by redundancy."""
    assert [compute.ingress("West US", kind) for kind in ("GRS", "LRS")] == [10**10, 2 * 10**10]
    assert [compute.ingress("Japan East", kind) for kind in ("GRS", "LRS")] == [5 * 10**9, 10**10]


@pytest.mark.parametrize(("latency", "loss", "mbit"), [(20, 1_000, 45.24), (20, 10_000, 14.31), (100, 1_000, 9.05)])
def test_a_line_that_loses_packets(tmp_path: Path, latency: int, loss: int, mbit: float) -> None:
    """4 connections x 1,460 bytes x 8 / round trip x sqrt(1.5 / loss), by hand; less than the line's 100 Mbit/s.

    20 ms and 0.1 %: 46,720 bit / 0.04 s x 38.73 = 45.24 Mbit/s; 0.01: 14.31; 100 ms: 9.05.
    """
    assert line.tcp(latency, loss) / 1e6 == pytest.approx(mbit, abs=0.01)
    assert (line.tcp(0, loss), line.tcp(latency, 0)) == (0, 0)
    with new_lab(tmp_path, QUIET, stage="configured", latency=f"{latency}ms") as lab:
        lab.faults.set_quality(loss=f"{loss / 10_000}%")
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        piece = _pieces(lab, "QUIET")[0]
        by_hand = (128 * BLOCK + OVERHEAD) * 8 / mbit / 1_000 + latency
        assert piece["at"] - piece["started"] == pytest.approx(by_hand, rel=0.001)


def test_loss_hurts_one_transfer_more_than_many(tmp_path: Path) -> None:
    """45 Mbit/s is what each gets at 0.1 % and 20 ms: two of them fill 90 of the line's 100, three share the 100."""
    vms = [QUIET.replace("QUIET", f"Q{number}") for number in range(3)]
    for count, rate in ((1, 45.24), (2, 45.24), (3, 100 / 3)):
        folder = tmp_path / str(count)
        folder.mkdir()
        with new_lab(folder, *vms[:count], stage="configured") as lab:
            lab.faults.set_quality(loss="0.1%")
            for number in range(count):
                lab.vault.enable_protection(f"Q{number}")
            lab.run("10min")
            piece = _pieces(lab, "Q0")[0]
            assert piece["at"] - piece["started"] - 20 == pytest.approx(8_392_704 * 8 / rate / 1_000, rel=0.002)


def test_odd_qualities_are_refused(tmp_path: Path) -> None:
    """Half of the packets is the most; no sign, no unit left out; nothing is changed."""
    with new_lab(tmp_path, QUIET, stage="configured") as lab:
        digest = lab.events_digest
        assert error_of(lambda: lab.faults.set_quality(loss="50.0001%")).code == 900504
        assert error_of(lambda: lab.faults.set_quality(loss="0.1")).code == 900106
        assert error_of(lambda: lab.faults.set_quality(loss="-1%")).code == 900106
        assert lab.events_digest == digest
        lab.faults.set_quality(loss="50%")
        assert lab.read(lambda world: world.get(line.Line, "up").loss) == 500_000


# --- throttles by host ------------------------------------------------------------------------------------------------

TWO_HOSTS = (
    "servers: {hosts: [HV01, HV02]}",
    QUIET.replace("name: QUIET", "name: A, host: HV01"),
    QUIET.replace("name: QUIET", "name: B, host: HV02"),
    QUIET.replace("name: QUIET", "name: C, host: HV02"),
)


def _two_hosts(folder: Path) -> Lab:
    path = folder / "hosts.yml"
    vms = "\n".join(f"  - {vm}" for vm in TWO_HOSTS[1:])
    path.write_text(f"site: hosts\nline: {{bandwidth: 10Mbps, latency: 0s}}\n{TWO_HOSTS[0]}\nvms:\n{vms}\n", "utf-8")
    return labkit.create(path.with_suffix(".lab"), site=path, stage="configured")


def _together(lab: Lab) -> dict[str, int]:
    for vm in "ABC":
        lab.vault.enable_protection(vm)
    lab.run("30min")
    return {vm: _pieces(lab, vm)[0]["at"] - _pieces(lab, vm)[0]["started"] for vm in "ABC"}


def test_a_throttle_holds_for_its_host_only(tmp_path: Path) -> None:
    """10 Mbit/s, A on a host held to 1 Mbit/s: A has 1, B and C share the other 9 - by hand, then A goes on with 1.

    8,392,704 bytes: 67.14 s at 1 Mbit/s, 14.92 s at 4.5.
    """
    with _two_hosts(tmp_path) as lab:
        lab.site.throttle("1Mbps", "1Mbps", host="HV01")
        took = _together(lab)
        assert took["A"] == pytest.approx(67_142, abs=2)
        assert took["B"] == pytest.approx(14_920, abs=2)
        assert took["C"] == pytest.approx(14_920, abs=2)


def test_a_throttle_above_the_fair_share_changes_nothing(tmp_path: Path) -> None:
    """A third of 10 Mbit/s is less than 5: with the throttle or without, all three take the same."""
    with _two_hosts(tmp_path) as lab:
        lab.site.throttle("5Mbps", "5Mbps", host="HV01")
        assert {round(took, -1) for took in _together(lab).values()} == {round(8_392_704 * 24 / 10_000, -1)}


def test_throttles_of_all_hosts(tmp_path: Path) -> None:
    """Without a name each host has the limit for itself: A 1 Mbit/s, B and C half of it each."""
    with _two_hosts(tmp_path) as lab:
        lab.site.throttle("1Mbps", "1Mbps")
        took = _together(lab)
        assert took["A"] == pytest.approx(67_142, abs=2)
        assert took["B"] == pytest.approx(134_283, abs=3)
        assert error_of(lambda: lab.site.throttle("1Mbps", host="HV09")).code == 900010


def test_a_throttle_that_comes_in_the_middle(tmp_path: Path) -> None:
    """Transfers under way move to their host's lane with what they have received: counted byte by byte.

    5 s at 10/3 Mbit/s are 2,083,333 bytes; the other 6,309,371 of A then take 50.47 s at 1 Mbit/s. Lifted again after
    20 s more (2,500,000 bytes), with B and C through, the rest takes 3.05 s at 10 Mbit/s.
    """
    with _two_hosts(tmp_path) as lab:
        for vm in "ABC":
            lab.vault.enable_protection(vm)
        lab.run_until(lambda world: line.under_way(world, "C"), within="1h")
        begun = lab.clock.ms
        lab.run(f"{begun + 5_000 - lab.clock.ms}ms")
        lab.site.throttle("1Mbps", "1Mbps", host="HV01")
        with twin(lab, "held.lab") as held:
            held.run("10min")
            piece = _pieces(held, "A")[0]
            assert piece["at"] - begun == pytest.approx(5_000 + 50_475, abs=3)
        lab.run("20s")
        lab.site.throttle(None, host="HV01")
        lab.run("10min")
        assert _pieces(lab, "A")[0]["at"] - begun == pytest.approx(25_000 + 3_047, abs=3)


def test_many_throttles_share_as_a_plain_calculation_says() -> None:
    """Random hosts against water-filling in fractions: nobody over a limit, nothing left over, equal where not held."""
    for number in range(300):
        lanes = [(below(6, number, "n", place), below(4, number, "l", place) * 1_000_000) for place in range(5)]
        each = below(3, number, "each") * 700_000
        found = line.rates(10_000_000, each, lanes)
        caps = [
            Fraction(min(limit or 10**9, each * count or 10**9, 10**9)) if count else Fraction(0)
            for count, limit in lanes
        ]
        left, open_lanes, exact = Fraction(10_000_000), {n for n, (count, _) in enumerate(lanes) if count}, {}
        while open_lanes:
            share = left / sum(lanes[n][0] for n in open_lanes)
            held = {n for n in open_lanes if caps[n] <= share * lanes[n][0]}
            for n in held or open_lanes:
                exact[n] = caps[n] if held else share * lanes[n][0]
            left -= sum(exact[n] for n in (held or open_lanes))
            open_lanes -= held or open_lanes
        for n, (count, _) in enumerate(lanes):
            assert abs(found[n] - exact.get(n, 0)) <= 5 * max(1, count), (number, n, lanes, each)


def test_the_line_of_an_older_lab() -> None:
    """A row of schema 2, two transfers under way and their counter: they go on where they were, in the one lane."""
    row = (
        b'{"id":"up","bandwidth":8000000,"latency":20,"connected":true,"counter":1000,"updated":5,"timer":7,'
        b'"flows":[[1048577000,3,"cycle","SHOP",1000,4],[2097153000,4,"cycle","BILLS",2000,5]],'
        b'"arriving":[],"sent":12,"limit":0}'
    )
    found = msgspec.json.decode(row, type=line.Line)
    assert (found.total, found.each, found.flows, found.counter) == (8_000_000, 480_000_000, [], 0)
    tags = [(flow.target, flow.tag) for flow in found.lanes[0].flows]
    assert tags == [("SHOP", 1_048_577_000), ("BILLS", 2_097_153_000)]
    assert found.lanes[0].counter == 1_000
    assert msgspec.json.decode(msgspec.json.encode(found), type=line.Line) == found
