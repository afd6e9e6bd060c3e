"""Kinds of workloads: page file, database, defragmentation; where each writes, how much, and when."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import labkit
from labkit.disks import paced, workload
from labkit.disks.churn import SLOT, Profile
from labkit.disks.paced import Paced
from labkit.site import sitefile
from labkit.site.model import Churn
from tests.disks.traces import blocks, pages, site_file, written
from tests.recovery.labs import HOUR, MINUTE, START, facts

GB = 1 << 30
MIDNIGHT = 1_412_175_600_000  # 2014-10-02T00:00:00+09:00


def made(kind: str, rate: int, write: int, hot: int, shape: str = "steady") -> Paced:
    """A stream of a kind on a disk of 1 GB, its slots from midnight on."""
    profile = Profile(rate, write, hot, shape, 540, kind)
    return Paced(7, 3, MIDNIGHT % SLOT, GB, profile, paced.by_shape(profile))


def units(found: Paced, after: int, upto: int, write: int) -> list[int]:
    """The units written in a span, in order."""
    return [unit for batch in found.batches(after, upto) for unit in (batch.first * 4_096 // write).tolist()]


def test_what_a_kind_stands_for() -> None:
    """The site file's words and the figures behind them; what the file says itself counts more."""
    folder = Path("/")
    text = "site: a\nvms:\n  - {{name: A, os: FreeBSD 10.0, disks: [{{name: os, size: 1GB, churn: {churn}}}]}}\n"
    for churn, expected in {
        "1MB/s": Churn(1 << 20, 65_536, 50),
        "{rate: 1MB/s}": Churn(1 << 20, 65_536, 50),
        "{rate: 1MB/s, kind: pagefile}": Churn(1 << 20, 16_384, 10, kind="pagefile"),
        "{rate: 1MB/s, kind: database}": Churn(1 << 20, 8_192, 100, kind="database"),
        "{rate: 1MB/s, kind: database, write: 64KB, hot: 1%}": Churn(1 << 20, 65_536, 10, kind="database"),
        "{rate: 1MB/s, kind: defragmentation}": Churn(1 << 20, 65_536, 1_000, "night", "defragmentation"),
        "{rate: 1MB/s, kind: defragmentation, shape: steady}": Churn(1 << 20, 65_536, 1_000, kind="defragmentation"),
        "{rate: 1MB/s, kind: pagefile, shape: burst}": Churn(1 << 20, 16_384, 10, "burst", "pagefile"),
        "{rate: 0, kind: database}": None,
    }.items():
        site = sitefile.parse(text.format(churn=churn), "site.yml", folder)
        assert site.vms[0].disks[0].churn == expected, churn


def test_a_database_writes_its_log_from_front_to_back() -> None:
    """Each fourth write goes to the last tenth of the hot part, unit after unit; all others to what is before it."""
    found = units(made("database", 800_000, 8_192, 1_000), MIDNIGHT, MIDNIGHT + HOUR, 8_192)
    assert abs(len(found) - 800_000 * 3_600 // 8_192) <= 1
    offset = next(place for place in range(4) if found[place] >= 900)
    log, head = found[offset::4], [unit for place, unit in enumerate(found) if place % 4 != offset]
    assert [b - a for a, b in itertools.pairwise(log) if b > a] == [1] * (len(log) - 1 - log[:-1].count(999))
    assert set(log) == set(range(900, 1_000))
    assert max(head) < 900
    assert sum(unit < 113 for unit in head) == pytest.approx(len(head) / 2, rel=0.03)  # u**3 < 1/8 for half of them


def test_a_defragmentation_rewrites_the_disk_once_a_night() -> None:
    """At a rate of the disk's size a day each unit is written once, in order, between one and five o'clock."""
    hot = GB // 65_536
    found = made("defragmentation", GB // 86_400 + 1, 65_536, hot, "night")
    night = units(found, MIDNIGHT + HOUR, MIDNIGHT + 5 * HOUR, 65_536)
    assert set(night) == set(range(hot))
    assert len(night) <= hot + 2
    steps = np.diff(night)
    assert set(steps.tolist()) <= {1, 1 - hot}
    for begin, end in ((0, HOUR), (5 * HOUR + SLOT, 24 * HOUR)):
        assert found.bytes_written(MIDNIGHT + begin, MIDNIGHT + end) == 0


def test_the_pace_is_exact() -> None:
    """However a span is cut, its bytes are the sum of its parts, and within one write of rate times time."""
    found = made("database", 123_457, 8_192, 999, "diurnal")
    edges = [MIDNIGHT, MIDNIGHT + 1, MIDNIGHT + 17_001, MIDNIGHT + HOUR + 11, MIDNIGHT + 9 * HOUR, MIDNIGHT + 24 * HOUR]
    parts = [found.bytes_written(a, b) for a, b in itertools.pairwise(edges)]
    assert sum(parts) == found.bytes_written(edges[0], edges[-1])
    assert abs(sum(parts) - 123_457 * 86_400) <= 8_192


def test_shapes_of_an_exact_pace() -> None:
    """A day is the rate times a day under every shape without chance; a shape with chance has no such sum."""
    assert workload.shapes(exact=True) == ["steady", "diurnal", "batch", "night"]
    for shape in workload.shapes(exact=True):
        day = [workload.written(shape, 1_000, MIDNIGHT + at, 540) for at in (0, HOUR, 24 * HOUR)]
        assert day[2] - day[0] == 86_400_000
        factor = workload.factor(shape, 7, 3, MIDNIGHT, 540)
        assert day[1] - day[0] == 3_600 * factor
    with pytest.raises(ValueError, match="chance"):
        workload.written("burst", 1_000, MIDNIGHT, 540)


@pytest.mark.parametrize(("kind", "hot"), [("ordinary", 0.05), ("pagefile", 0.01), ("database", 0.1)])
def test_in_a_lab(tmp_path: Path, kind: str, hot: float) -> None:
    """Only the hot share is written; a page file's cycles carry little of what its log takes; all is verified."""
    site = site_file(tmp_path, f"{{rate: 400KB/s, kind: {kind}}}", size="1GB")
    with labkit.create(tmp_path / "kind.lab", site=site, stage="protected") as lab:
        lab.run("2h")
        now = facts(lab, "cycle")[-1]["at"]
        assert 0 < pages(lab, START, now) * 4_096 <= GB * hot
        assert written(lab, START, START + HOUR) == pytest.approx(400 * 1_024 * 3_600, rel=0.02)
        if kind == "pagefile":
            carried = sum(fact["bytes"] for fact in facts(lab, "cycle"))
            assert carried < written(lab, START, now) / 4
        assert lab.verify(full=True) == []


def test_a_night_of_defragmentation_in_a_lab(tmp_path: Path) -> None:
    """By day cycles are empty; after the night every block of the disk was written, and the replica has them all."""
    site = site_file(tmp_path, "{rate: 800B/s, kind: defragmentation}", size="64MB")
    with labkit.create(tmp_path / "kind.lab", site=site, stage="protected") as lab:
        lab.run(until="2014-10-02T00:59:00+09:00")
        assert {fact["bytes"] for fact in facts(lab, "cycle")} == {4_096}
        lab.run(until="2014-10-02T06:00:00+09:00")
        assert len(blocks(lab)) == 1_024
        busy = [fact["cut"] for fact in facts(lab, "cycle") if fact["bytes"] > 4_096]
        assert MIDNIGHT + HOUR < min(busy) <= MIDNIGHT + HOUR + 10 * MINUTE
        assert max(busy) <= MIDNIGHT + 5 * HOUR + 10 * MINUTE
        assert lab.verify(full=True) == []
