"""Churn, line and backlog from facts: against calculations by hand, and against what the lab itself counts."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import labkit
from labkit import Lab
from labkit.disks import record
from labkit.engine.units import HOUR, MINUTE, SECOND
from labkit.replication import changelog, line
from labkit.replication.line import Line
from labkit.replication.relation import Relation, overhead
from labkit.views import churn
from labkit.views.churn import Churn, Column, Interval
from tests.recovery.test_host_replica import replicated

BEGIN = 1_412_121_600_000  # 2014-10-01T09:00:00+09:00


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab with an outage, a line that is too thin for an hour, throttles, and a VM that fails over."""
    lab = labkit.create(tmp_path_factory.mktemp("churn") / "a.lab", stage="protected")
    lab.run("1h")
    lab.faults.lose_line()
    lab.run("20min")
    lab.faults.restore_line()
    lab.run("40min")
    lab.faults.set_bandwidth("1Mbps")
    lab.run("1h")
    lab.faults.set_bandwidth("50Mbps")
    lab.faults.set_quality(loss="1%")
    lab.vault.planned_failover("MYBSD01", wait=True)
    lab.run("1h")
    return lab


def cycle(at: int, vm: str, cut: int, size: int) -> dict[str, object]:
    return {"at": at, "kind": "cycle", "entity": vm, "cut": cut, "bytes": size, "started": cut, "late": 0}


def test_minutes_and_backlog_by_hand(story: Lab) -> None:
    """Two VMs of 2 min and 3 min: bytes by minute, what waits at the end of each, and until when all is known."""
    made = Churn(story)
    made.feed(
        [
            {"at": 0, "kind": "lab.created", "entity": "hand"},
            {"at": 0, "kind": "initial.started", "entity": "A", "bytes": 1},
            {"at": 0, "kind": "initial.started", "entity": "B", "bytes": 1},
            cycle(2 * MINUTE + 1, "A", 2 * MINUTE, 200),
            cycle(4 * MINUTE - 1, "B", 3 * MINUTE, 900),
            cycle(4 * MINUTE + 1, "A", 4 * MINUTE, 400),
            cycle(5 * MINUTE, "failback/A", 5 * MINUTE, 7_000),
        ]
    )
    assert dict(made.written) == {0: 400, 1: 400, 2: 500, 3: 200}
    assert dict(made.arrived) == {2: 200, 3: 900, 4: 400}
    assert made.known == 3 * MINUTE
    assert churn.columns(made, 0, 5 * MINUTE) == [
        Column(0, 1, 400, 400), Column(1, 1, 400, 800), Column(2, 1, 500, 1100), Column(3, 1, 200, 400),
        Column(4, 1, 0, 0),
    ]  # fmt: skip
    made.feed([{"at": 6 * MINUTE, "kind": "replication.paused", "entity": "B", "side": "primary"}])
    assert (made.known, made.silent) == (4 * MINUTE, 1), "who sends nothing holds the others up no more"
    made.feed([{"at": 7 * MINUTE, "kind": "failover", "entity": "A", "operation": "PlannedFailover"}])
    assert made.known == 5 * MINUTE - MINUTE, "nobody sends any more: all that was written is told"
    assert made.older(60) == [(0, 1500, 1500)]


def test_bytes_are_spread_exactly() -> None:
    """200 random intervals: what the minutes have together is the size, and lies inside the interval."""
    chance = random.Random(4)
    for _ in range(200):
        begin = chance.randrange(10 * HOUR)
        end = begin + chance.randrange(1, 3 * HOUR)
        size = chance.randrange(10 ** chance.randrange(1, 10))
        found = list(churn.spread(Interval("A", begin, end, size, end, end)))
        assert sum(part for _, part in found) == size
        assert all(begin // MINUTE <= minute <= end // MINUTE for minute, _ in found)
    assert list(churn.spread(Interval("A", 5, 5, 9, 5, 5))) == [(0, 9)]


def test_intervals_are_those_the_logs_had(story: Lab) -> None:
    """The pages a VM without an application wrote in an interval, by the lab's change log, are the bytes sent."""
    found = [one for one in churn.intervals(story.facts) if one.vm == "MYBSD01"]
    assert len(found) > 20
    assert any(one.end - one.begin > 15 * MINUTE for one in found), "the log after the outage"

    def told(world: object) -> list[int]:
        source = record.set_of(world, world.get(Relation, "MYBSD01").source)  # type: ignore[attr-defined,arg-type]
        return [changelog.pages(world, source, one.begin, one.end) * 4096 for one in found]  # type: ignore[arg-type]

    assert [one.size - overhead()["cycle"] for one in found] == story.read(told)


def test_frames_agree_with_the_host_s_statistics(story: Lab) -> None:
    """Average and largest size of the monitoring interval's cycles, from the table, are those of replication health."""
    statistics = story.site.replication("MYWSV01")
    table = churn.frame(story)
    rows = table[table["vm"] == "MYWSV01"]
    rows = rows[[at.timestamp() * 1000 > statistics.monitoring_start for at in rows["arrived"]]]
    assert statistics.average_size == int(rows["bytes"].sum()) // len(rows)
    assert statistics.maximum_size == rows["bytes"].max()
    first = rows.iloc[1]
    seconds = (first["end"] - first["begin"]).total_seconds()
    assert first["bytes_per_s"] == pytest.approx(first["bytes"] / seconds)
    assert first["begin"].utcoffset().total_seconds() == 9 * 3600


def test_all_that_was_written_has_arrived_or_waits(story: Lab) -> None:
    """Over the whole story: bytes by minute are the cycles' bytes; nothing waits below zero; the outage piles up."""
    made = churn.of(story)
    total = sum(one.size for one in churn.intervals(story.facts))
    assert sum(made.written.values()) == sum(made.arrived.values()) == total
    columns = churn.columns(made, made.steps[0].at, int(made.known or 0))
    assert min(column.waiting for column in columns) >= 0
    outage = (BEGIN + 80 * MINUTE) // MINUTE
    before = [column.waiting for column in columns if column.begin < outage - 25]
    assert max(column.waiting for column in columns if abs(column.begin - outage) < 15) > 2 * max(before)


def test_pending_is_the_lab_s_own_count(story: Lab) -> None:
    """Size of data yet to be replicated, of all VMs: what the items say together."""
    assert story.read(churn.pending) == sum(item.pending or 0 for item in story.vault.items.values()) > 0


def test_the_line_by_hand(story: Lab) -> None:
    """Bandwidth, outage and loss as they were set; loss leaves what TCP carries for the VM that still sends."""
    steps = churn.of(story).steps
    tcp = line.most_of_one("up", story.read(lambda world: world.get(Line, "up").latency), 10_000)
    assert [step.bits for step in steps if step.at < BEGIN + 3 * HOUR] == [100_000_000, 0, 100_000_000, 1_000_000]
    assert steps[-1].bits == tcp < 50_000_000
    table = churn.line_frame(story)
    assert table["bits_per_s"].tolist() == [step.bits for step in steps]
    lost = next(step.at for step in steps if not step.bits)
    back = next(step.at for step in steps if step.at > lost)
    assert back - lost == 20 * MINUTE


def test_throttles_by_the_hour_of_the_day(tmp_path: Path) -> None:
    """2 Mbit/s in working hours: the line is that wide from 9 to 18 of working days, whatever else happens."""
    with labkit.create(tmp_path / "t.lab", stage="protected") as lab:
        host = lab.site.hosts[0]
        lab.site.throttle("2Mbps", hours="09:00-18:00", host=host)
        told = []
        for _ in range(6):
            lab.run("5h")
            told.append((lab.clock.ms, lab.read(lambda world: world.get(Line, "up").limit)))
        steps = churn.of(lab).steps
        for at, limit in told:
            now = [step.bits for step in steps if step.at <= at][-1]
            assert now == (limit or 100_000_000), lab.show_instant(at)
        assert {limit for _, limit in told} == {0, 2_000_000}


def test_fed_in_pieces_or_at_once(story: Lab) -> None:
    """Facts fed a few at a time or all at once give the same minutes and steps; what changes is told."""
    facts, whole = list(story.facts), churn.of(story)
    chance, made, place = random.Random(3), Churn(story), 0
    known: dict[int, tuple[int, int]] = {}
    while facts:
        count = chance.randrange(1, 40)
        made.feed(facts[:count])
        facts = facts[count:]
        changed = made.changed(place)
        place = made.place
        known.update({minute: (wrote, came) for minute, wrote, came in made.minutes(changed or [])})
    made.advance(story.clock.ms)
    assert (made.written, made.arrived, made.steps) == (whole.written, whole.arrived, whole.steps)
    assert known == {m: (whole.written.get(m, 0), whole.arrived.get(m, 0)) for m in {*whole.written, *whole.arrived}}
    made.forget()
    assert (made.known, made.steps, dict(made.written)) == (None, [], {})


def test_columns_of_long_times(story: Lab) -> None:
    """A month has no more than 240 columns, of one length, and together they have all bytes of it."""
    made = Churn(story)
    for minute in range(0, 30 * 1440, 7):
        made.written[minute] += 10
    columns = churn.columns(made, 0, 30 * 24 * HOUR)
    assert len(columns) <= churn.MOST_COLUMNS
    assert {column.length for column in columns} == {180}
    assert sum(column.written for column in columns) == sum(made.written.values())
    assert len(churn.columns(made, 0, 45 * SECOND)) == 1


def test_the_line_between_two_sites(tmp_path: Path) -> None:
    """Host to host: its own line and its own plug; what goes to Azure is not among it."""
    with replicated(tmp_path) as lab:
        lab.faults.lose_line()
        lab.faults.set_bandwidth("5Mbps", to="replica-site")
        lab.run("20min")
        assert churn.between_sites(lab)
        made = churn.of(lab)
        assert [step.bits for step in made.steps] == [100_000_000, 5_000_000]
        cycles = [fact for fact in lab.facts if fact["kind"] == "cycle"]
        assert sum(made.written.values()) == sum(fact["bytes"] for fact in cycles) > 0
        assert made.known == cycles[-1]["cut"]
        assert lab.read(lambda world: churn.pending(world, sites=True)) > 0
        to_azure = Churn(lab)
        to_azure.feed(lab.facts)
        assert (dict(to_azure.written), to_azure.steps[-1].bits) == ({}, 0)
