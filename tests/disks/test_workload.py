"""Shapes of workloads: the mean stays, each hour has its share, and the engine writes what the table says."""

from __future__ import annotations

import itertools
import statistics
from pathlib import Path

import pytest

from labkit.disks import workload
from labkit.disks.churn import SLOT, Churn, Profile
from labkit.engine.errors import LabError
from labkit.site import sitefile
from tests.recovery.labs import HOUR, MINUTE, facts, new_lab

MIDNIGHT = 1_412_175_600_000  # 2014-10-02T00:00:00+09:00
RATE, WRITE = 1_000_000, 65_536


def churn(shape: str, stream: int = 3) -> Churn:
    return Churn(7, stream, 0, Profile(RATE, WRITE, 100_000, shape, 540))


def by_hours(shape: str, days: int = 1, stream: int = 3) -> list[int]:
    """Bytes written in each hour from midnight of the site's day on."""
    found = churn(shape, stream)
    return [found.bytes_written(MIDNIGHT + h * HOUR, MIDNIGHT + (h + 1) * HOUR) for h in range(24 * days)]


@pytest.mark.parametrize("shape", ["steady", "diurnal", "batch"])
def test_each_hour_has_its_share(shape: str) -> None:
    """Bytes of each hour of a day within five standard deviations of the rate times the hour's factor."""
    for hour, written in enumerate(by_hours(shape)):
        factor = workload.factor(shape, 7, 3, MIDNIGHT + hour * HOUR, 540)
        mean = RATE * factor // 1000 * 3600 / WRITE
        assert abs(written / WRITE - mean) < 5 * mean**0.5 + 2, hour
    assert sum(by_hours(shape)) == pytest.approx(RATE * 86_400, rel=0.02)


def test_bursts_come_by_chance_and_the_mean_stays() -> None:
    """Over 60 days of three streams about one hour in twenty is ten times as busy; other streams, other hours."""
    streams = [by_hours("burst", 60, stream) for stream in (1, 2, 3)]
    busy = [[hour for hour, written in enumerate(one) if written > 5 * RATE * 3600] for one in streams]
    assert all(40 < len(hours) < 105 for hours in busy)
    assert busy[0] != busy[1] != busy[2]
    assert statistics.mean(map(sum, streams)) == pytest.approx(RATE * 86_400 * 60, rel=0.1)


def test_a_span_is_the_sum_of_its_parts() -> None:
    """Asked for in one go or in odd pieces, across hours of other rates: the same bytes."""
    found = churn("batch")
    edges = [MIDNIGHT - HOUR, MIDNIGHT + 1, MIDNIGHT + HOUR - 1, MIDNIGHT + HOUR + 17 * MINUTE, MIDNIGHT + 4 * HOUR + 3]
    parts = [found.bytes_written(a, b) for a, b in itertools.pairwise(edges)]
    assert sum(parts) == found.bytes_written(edges[0], edges[-1])
    assert found.pages_written(edges[0], edges[0] + SLOT) > 0


def test_an_hour_without_a_write() -> None:
    """A rate so small that a quiet hour has none: nothing is written, and nothing fails."""
    found = Churn(7, 3, 0, Profile(4, WRITE, 100, "batch", 540))
    assert found.pages_written(MIDNIGHT + 10 * HOUR, MIDNIGHT + 12 * HOUR) == 0
    assert found.bytes_written(MIDNIGHT + 10 * HOUR, MIDNIGHT + 12 * HOUR) == 0
    assert found.bytes_written(MIDNIGHT - 20 * 24 * HOUR, MIDNIGHT + 20 * 24 * HOUR) > 0


def test_a_nightly_batch_makes_the_cycles_of_the_night_large(tmp_path: Path) -> None:
    """In a lab: cycles between one and three o'clock carry many times what those of the day do."""
    vm = (
        "{name: NIGHT, os: FreeBSD 10.0, disks: [{name: os, size: 20GB, used: 16MB,"
        " churn: {rate: 200KB/s, hot: 50%, shape: batch}}]}"
    )
    with new_lab(tmp_path, vm) as lab:
        lab.run(until="2014-10-02T06:00:00+09:00")
        cycles = facts(lab, "cycle")
        night = [f["bytes"] for f in cycles if MIDNIGHT + 70 * MINUTE < f["cut"] <= MIDNIGHT + 180 * MINUTE]
        day = [f["bytes"] for f in cycles if f["cut"] <= MIDNIGHT]
        assert statistics.mean(night) > 20 * statistics.mean(day)
        assert lab.verify() == []


def test_a_shape_that_is_none_is_refused(tmp_path: Path) -> None:
    """The site file's fault names what is allowed."""
    path = tmp_path / "site.yml"
    path.write_text(
        "site: a\nvms:\n  - {name: A, os: FreeBSD 10.0,"
        " disks: [{name: os, size: 1GB, churn: {rate: 1MB/s, shape: weekly}}]}\n",
        encoding="utf-8",
    )
    with pytest.raises(LabError) as caught:
        sitefile.read(path)
    assert "steady, diurnal, batch, burst" in str(caught.value)
