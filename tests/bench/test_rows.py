"""Benchmarks measure what they say; how fast is nobody's test."""

from __future__ import annotations

import pytest

from labkit import bench
from labkit.bench import cycles, export
from labkit.engine.errors import LabError


def test_the_benchmarks_site() -> None:
    """20 VMs of 40 GB writing 1 MB/s to 5 % of the disk, every 30 s, 24 h of points, 1 Gbit/s; some with orders."""
    site = cycles.site(applications=2)
    assert (len(site.vms), site.cloud.frequency, site.cloud.retention_h, site.line.bandwidth) == (20, 30_000, 24, 10**9)
    first = [vm.disks[0] for vm in site.vms]
    assert {disk.size for disk in first} == {40 << 30}
    assert {(disk.churn.rate, disk.churn.write, disk.churn.hot_permille) for disk in first if disk.churn} == {
        (1_000_000, 65_536, 50)
    }
    assert [len(vm.disks) for vm in site.vms].count(2) == 2


def test_rows_have_a_ratio_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A much smaller run of the same: the row with the goal first, a ratio where there is a reference."""
    monkeypatch.setattr(cycles, "VMS", 2)
    monkeypatch.setattr(cycles, "HOURS", 1)
    monkeypatch.setattr(cycles, "ROUNDS", 1)
    rows = bench.run("cycles")
    assert rows[0].name == "cycles"
    assert rows[0].reference is not None
    for row in rows:
        assert set(row._asdict()) == {"name", "rate", "unit", "reference", "ratio"}
        assert row.rate > 0
        assert (row.reference is None) == (row.ratio is None)
    assert {row.name: row.unit for row in rows}["open"] == "s"


def test_export_is_measured_with_real_files(qemu_img: str) -> None:
    """The whole benchmark on disks of 32 MiB: each way has a reference and a ratio; memory has a plain figure."""
    assert qemu_img
    rows = export.run(32 << 20, 1)
    assert [row.name for row in rows][:3] == ["export VHD, random", "export VHDX, random", "import VHDX, random"]
    assert len(rows) == 7
    for row in rows[:-1]:
        assert row.reference is not None
        assert row.ratio == pytest.approx(row.rate / row.reference)
    assert rows[-1].unit == "bytes"
    assert rows[-1].rate > 20e6


def test_export_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, qemu_img: str) -> None:
    """900707 without room, with what there is; 900708 without qemu-img."""
    assert qemu_img
    monkeypatch.setattr("labkit.engine.host.free_bytes", lambda folder: 100 << 20)
    with pytest.raises(LabError, match=r"900707.*128 MB.*100 MB"):
        export.run(32 << 20, 1)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LabError, match="900708"):
        export.run(32 << 20, 1)


def test_an_unknown_benchmark() -> None:
    """900705 with those there are."""
    with pytest.raises(LabError, match="900705"):
        bench.run("cycels")
